#!/usr/bin/env bash
# Vowpal Wabbit: a feature name that is written in digits is not hashed. It is read as a number and
# taken modulo 2^b, while any other name is hashed.
# Guess: ids are names. "1", "01", "1.0" and "262145" are four users, and two ids share a weight only
#   by the chance of a hash.
# Seen: with the 2^18 weights that it has unless told otherwise, 1, 01 and 262145 are always one user,
#   and "1.0" is another. So "0042" is "42", and ids that were read as floats match no id in digits.
# Source: https://github.com/VowpalWabbit/vowpal_wabbit/wiki/Command-Line-Arguments (--hash: strings
#   hashes names that are no integers, all hashes every name)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet vowpalwabbit==9.11.9
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

from vowpalwabbit import Workspace

print("vowpalwabbit", version("vowpalwabbit"))


def forecasts(options):
    """What a model forecasts for some spellings of a user, after it learned 5 stars of user 1."""
    model = Workspace(f"--quiet --noconstant {options}")
    for _ in range(200):
        model.learn("5 |user 1")
    stars = {name: model.predict(f"|user {name}") for name in ("1", "01", "262145", "1.0", "2")}
    model.finish()
    return stars


print("guess: 5 stars for 1, nothing for the others")
by_number, by_name = forecasts(""), forecasts("--hash all")
print("seen:", {name: round(value, 2) for name, value in by_number.items()})
print("with --hash all:", {name: round(value, 2) for name, value in by_name.items()})
assert by_number["1"] == by_number["01"] == by_number["262145"] > 4.9
assert by_number["1.0"] == by_number["2"] == 0
assert by_name["1"] > 4.9
assert all(by_name[name] == 0 for name in ("01", "262145", "1.0", "2"))
END
