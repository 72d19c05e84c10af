#!/usr/bin/env bash
# implicit: recommend always returns N items. Where fewer are left, it fills the list up with items
# that the user already has, although filter_already_liked_items is on, with the score -3.4e38.
# Guess: the list is shorter, as of any filter.
# Seen: a user with 3 of 8 items, asked for 8, gets 8; the last three are the filtered ones, and
#   their score is the least number of single precision. Who takes the ids alone recommends them.
# Source: https://github.com/benfred/implicit/blob/main/implicit/cpu/topk.pyx
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet implicit==0.7.3 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

print(*(f"{name} {version(name)}" for name in ("implicit", "numpy", "scipy")))
rng = np.random.default_rng(0)
likes = csr_matrix((rng.random((20, 8)) < 0.4).astype(np.float32))
model = AlternatingLeastSquares(factors=4, iterations=5, random_state=0, num_threads=1)
model.fit(likes, show_progress=False)

ids, scores = model.recommend(0, likes[0], N=8, filter_already_liked_items=True)
owned = set(likes[0].indices.tolist())
print(f"guess: {8 - len(owned)} items, none of {owned}")
print(f"seen: {len(ids)} items {ids.tolist()}, scores {[f'{score:.3g}' for score in scores]}")
assert len(owned) == 3
assert len(ids) == 8
assert set(ids[-3:].tolist()) == owned
assert (scores[-3:] == np.finfo(np.float32).min).all()
END
