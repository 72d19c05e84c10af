#!/usr/bin/env bash
# LIBMF's Python binding hands the memory of an array to C without a look at its order: fit reads it row
# by row, predict column by column. Two arrays that are equal give other forecasts.
# Guess: the order of the memory of a numpy array changes no figure, and if it did, one order would be
#   right for fit and predict.
# Seen: predict is right for an array in the order of Fortran, and wrong for the equal one in the order of
#   C; fit the other way round. So a table of pandas, whose columns lie one after the other, and a
#   stack of numpy are each wrong in one of the two places, without an error.
# Source: https://github.com/PorkShoulderHolder/python-libmf/blob/master/libmf/mf.py (astype keeps
#   the order, and its pointer is given away)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet libmf==0.9.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version

import numpy as np
from libmf import mf

print("libmf", version("libmf"), "numpy", version("numpy"))
rng = np.random.default_rng(0)
pairs = rng.choice(60 * 40, 1500, replace=False)
user, movie = pairs // 40, pairs % 40
stars = np.clip(np.round(3 + rng.normal(0, 0.7, 60)[user] + rng.normal(0, 0.7, 40)[movie]), 1, 5)
table = np.column_stack([user, movie, stars]).astype(np.float32)


def error(fit_order, predict_order):
    """RMSE on the train rows, with the two arrays in these orders of memory."""
    model = mf.MF(k=8, nr_iters=40, nr_threads=1, quiet=True)
    model.fit(np.asarray(table, order=fit_order))
    forecast = model.predict(np.asarray(table[:, :2], order=predict_order))
    return float(np.sqrt(np.mean((forecast - stars) ** 2)))


found = {fit + predict: round(error(fit, predict), 2) for fit in "CF" for predict in "CF"}
print(f"guess: the same RMSE, below {stars.std():.2f}, for all orders of fit and predict")
print("seen:", found)
assert found["CF"] < 0.6
assert min(found["CC"], found["FC"], found["FF"]) > 0.9
END
