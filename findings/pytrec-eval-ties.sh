#!/usr/bin/env bash
# pytrec_eval: movies with equal forecasts are ranked by their ids, as text and backwards: 9 before 10
# before 1. Forecasts are read in single precision, so those that differ less are equal as well.
# Rating models tie often: whatever is beyond the scale is cut to 5 stars.
# Guess: ties keep the order of the list, or are shared; and 4.00000002 ranks above 4.00000001.
# Seen: with ten equal forecasts the one liked movie has a reciprocal rank of 1 if its id is 9, and of
#   0.1 if it is 1, in whatever order the list stands. Padding the ids with zeros to 01 to 10 changes 9
#   to 0.5. A movie that is ahead by 0.00000001 stars comes last if its id says so.
# Source: https://github.com/cvangysel/pytrec_eval, which runs https://github.com/usnistgov/trec_eval
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pytrec_eval-terrier==0.5.11 numpy==2.4.6
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import pytrec_eval

print("pytrec_eval-terrier", version("pytrec_eval-terrier"))
IDS = [str(number) for number in range(1, 11)]


def reciprocal_rank(liked, forecasts):
    """Of the one liked movie in the list of one user."""
    relevant = {"user": {movie: int(movie == liked) for movie in forecasts}}
    evaluator = pytrec_eval.RelevanceEvaluator(relevant, {"recip_rank"})
    return evaluator.evaluate({"user": forecasts})["user"]["recip_rank"]


equal, backwards = dict.fromkeys(IDS, 5.0), dict.fromkeys(reversed(IDS), 5.0)
padded = {movie.zfill(2): 5.0 for movie in IDS}
ahead = {movie: 4.00000002 if movie == "1" else 4.00000001 for movie in IDS}
seen = {
    "9, listed last but one": reciprocal_rank("9", equal),
    "9, listed second": reciprocal_rank("9", backwards),
    "1, listed first": reciprocal_rank("1", equal),
    "1, listed last": reciprocal_rank("1", backwards),
    "09": reciprocal_rank("09", padded),
    "1, ahead": reciprocal_rank("1", ahead),
}
print("guess: 1 where the liked movie is listed first or is ahead, one and the same for equal ones")
print("seen:", seen)
assert list(seen.values()) == [1, 1, 0.1, 0.1, 0.5, 0.1]
END
