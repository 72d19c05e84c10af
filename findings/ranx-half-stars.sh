#!/usr/bin/env bash
# ranx: relevance is whole. Half stars of a dict are cut to whole ones without a word, while a frame
# with the same half stars is refused.
# Guess: graded relevance 4.5 counts more than 4.0, or is refused in both cases.
# Seen: Qrels of a dict turns 4.5 into 4 and 0.5 into 0, so that 4.5 counts as 4.0 does, and a movie
#   rated 0.5 as one that is not relevant. Qrels.from_df raises an AssertionError.
# Source: https://github.com/AmenRa/ranx/blob/master/ranx/data_structures/qrels.py
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet ranx==0.3.21 numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import pandas as pd
from ranx import Qrels

print(*(f"{name} {version(name)}" for name in ("ranx", "numpy", "pandas")))
stars = {"user": {"a": 4.5, "b": 4.0, "c": 0.5}}
kept = Qrels(stars).to_dict()

print("guess: 4.5, 4.0 and 0.5 are kept, or refused")
print("seen:", kept["user"])
assert kept == {"user": {"a": 4, "b": 4, "c": 0}}

frame = pd.DataFrame({"q_id": ["user"] * 3, "doc_id": list("abc"), "score": [4.5, 4.0, 0.5]})
try:
    Qrels.from_df(frame.astype({"q_id": object, "doc_id": object}))
except AssertionError as error:
    print("seen: the same in a frame is refused:", error)
else:
    raise SystemExit("a frame with half stars was accepted")
END
