#!/usr/bin/env bash
# Cornac: a second fit of the same model object does not start anew. It goes on from the factors
# and biases of the first, although the model has a seed.
# Guess: fit forgets what was learned before (as in scikit-learn), so a seeded model that is
#   fitted twice on the same ratings forecasts the same.
# Seen: MF and PMF forecast something else after the second fit; a new object with the same seed
#   gives the forecast of the first fit. A loop that reuses one object over folds would keep
#   what it learned from ratings that are now in the test part.
# Source: https://github.com/PreferredAI/cornac/blob/master/cornac/models/mf/recom_mf.py (`_init`
#   draws factors only where there are none)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet cornac==3.0.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import numpy as np
from cornac.data import Dataset
from cornac.models import MF, PMF

print("cornac", version("cornac"), "numpy", version("numpy"))
rng = np.random.default_rng(0)
pairs = rng.choice(50 * 40, 1000, replace=False).tolist()
stars = rng.integers(1, 6, 1000).astype(float).tolist()
data = Dataset.build([(p // 40, p % 40, r) for p, r in zip(pairs, stars, strict=True)])

print("guess: first fit == second fit == fit of a new object")
for kind in (MF, PMF):
    model = kind(k=8, seed=0)
    first = model.fit(data).rate(0, 0)
    second = model.fit(data).rate(0, 0)
    new = kind(k=8, seed=0).fit(data).rate(0, 0)
    print(f"seen: {kind.__name__} {first:.4f}, then {second:.4f}; a new object {new:.4f}")
    assert first == new
    assert abs(first - second) > 0.01
END
