#!/usr/bin/env bash
# Microsoft Recommenders: rmse joins ratings and forecasts on user and item, and takes the rows that
# come out of the join. It does not check that they are the rows that went in.
# Guess: the RMSE of exact forecasts is 0, and forecasts for one row of three are an error.
# Seen: exact forecasts of a pair that is rated twice have RMSE 2.53, since each of the two ratings
#   meets each of the two forecasts. Forecasts for one row of three have the RMSE of that row, 0.
# Source: https://github.com/recommenders-team/recommenders/blob/main/recommenders/evaluation/python_evaluation.py
#   (an inner join). Most of what the package requires is left out: this module imports none of it.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet numpy==2.4.6 pandas==2.3.3 scikit-learn==1.9.1
"$folder/venv/bin/python" -m pip install --quiet --no-deps recommenders==1.2.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import pandas as pd
from recommenders.evaluation.python_evaluation import rmse

print(*(f"{name} {version(name)}" for name in ("recommenders", "numpy", "pandas")))


def table(column, users, values):
    return pd.DataFrame({"userID": users, "itemID": [7] * len(users), column: values})


twice = rmse(table("rating", [1, 1, 2], [1.0, 5.0, 3.0]), table("prediction", [1, 1, 2], [1.0, 5.0, 3.0]))
print("guess: exact forecasts have RMSE 0")
print(f"seen: {twice:.4f}, where user 1 rated the item twice")
assert abs(twice - 6.4**0.5) < 1e-12  # (0 + 16 + 16 + 0 + 0) / 5

missing = rmse(table("rating", [1, 2, 3], [1.0, 5.0, 3.0]), table("prediction", [1], [1.0]))
print("guess: two ratings without a forecast are an error, or count")
print(f"seen: {missing:.4f}")
assert missing == 0.0
END
