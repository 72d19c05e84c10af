#!/usr/bin/env bash
# Run findings by name, or all: prints `same` or `CHANGED` for each, with its output if it changed.
set -uo pipefail
cd "$(dirname "$0")" || exit 1

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
  for script in *.sh; do
    [ "$script" = run.sh ] || names+=("${script%.sh}")
  done
fi

changed=0
for name in "${names[@]}"; do
  if output=$(bash "$name.sh" 2>&1); then
    echo "same     $name"
  else
    echo "CHANGED  $name"
    echo "$output"
    changed=1
  fi
done
exit $changed
