#!/usr/bin/env bash
# ranx: movies with equal forecasts are ranked by the state in which a quicksort leaves them. Up to 15
# they keep their order in the list; of 20 the first 19 are turned round, and of more they are mixed.
# Guess: ties keep the order of the list, whatever its length, or are shared.
# Seen: with equal forecasts the movie listed first has a reciprocal rank of 1 in a list of 15, and of
#   1/19 in a list of 20; the one listed last is last in both. Rating models tie often: whatever is
#   beyond the scale is cut to 5 stars.
# Source: https://github.com/AmenRa/ranx/blob/master/ranx/data_structures/common.py (argsort without
#   `kind`, in numba a quicksort that sorts short runs by insertion)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet ranx==0.3.21 numpy==2.4.6 numba==0.68.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

from ranx import Qrels, Run, evaluate

print(*(f"{name} {version(name)}" for name in ("ranx", "numpy", "numba")))


def ranks(count):
    """The rank of each movie of a list of equal forecasts, if it alone is relevant."""
    movies = [f"m{number:02}" for number in range(count)]
    run = Run({"user": dict.fromkeys(movies, 5.0)})
    found = (evaluate(Qrels({"user": {movie: 1}}), run, "mrr") for movie in movies)
    return [round(1 / reciprocal) for reciprocal in found]


print("guess: 1, 2, 3, ... for 15 movies and for 20, or one and the same number")
seen = {count: ranks(count) for count in (15, 20)}
for count, found in seen.items():
    print(f"seen: {count} movies, ranked {found}")
assert seen[15] == list(range(1, 16))
assert seen[20] == [*range(19, 0, -1), 20]
END
