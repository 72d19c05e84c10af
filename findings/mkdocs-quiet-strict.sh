#!/usr/bin/env bash
# mkdocs: --quiet takes away the effect of --strict.
# Strict mode counts warnings by a handler of the logger `mkdocs`. --quiet sets the level of that logger to
# ERROR, so that no warning reaches the handler: the count is 0, and the build ends with 0.
# Guess: --quiet prints less; a build with a broken link fails under --strict all the same.
# Seen: --strict ends with 1, --strict --quiet with 0 and no output, in either order.
# Source: https://www.mkdocs.org/user-guide/cli/#mkdocs-build
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet mkdocs==1.6.1
mkdir "$folder/docs"
echo "site_name: Notes" > "$folder/mkdocs.yml"
echo "[A page that is not there](missing.md)" > "$folder/docs/index.md"
cd "$folder"
"$folder/venv/bin/mkdocs" --version | cut -d' ' -f1-3
for options in "--strict" "--strict --quiet" "--quiet --strict"; do
  status=0
  # shellcheck disable=SC2086
  "$folder/venv/bin/mkdocs" build $options > "$folder/output" 2>&1 || status=$?
  echo "mkdocs build $options: exit code $status, $(wc -l < "$folder/output") lines"
  case $options in
    --strict) [ "$status" = 1 ] ;;
    *) [ "$status" = 0 ] && [ ! -s "$folder/output" ] ;;
  esac
done
