#!/usr/bin/env bash
# LensKit: where ALS knows no user or item, its prediction pipeline falls back to biases, and those have
# no damping, though the biases inside ALS have.
# Guess: BiasedMFScorer damps its biases by 5 ratings, and damping=20 asks for more of it, so a new user
#   is forecast about the mean for an item that was rated once.
# Seen: a new user is forecast 5.00 stars, with damping 5 and with 20, for an item that has one rating of
#   5 stars, in a table whose mean is 3.03. With fallback=BiasScorer(damping=5) it is 3.36.
# Source: https://github.com/lenskit/lkpy/blob/main/src/lenskit/pipeline/_common.py (predict_pipeline:
#   fallback = BiasScorer(), whose damping is 0)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.13}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet lenskit==2026.4.0 pandas==3.1.1 torch==2.13.0
"$folder/venv/bin/python" -W ignore - <<'END'
from importlib.metadata import version

import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.basic import BiasScorer
from lenskit.data import ItemList, from_interactions_df
from lenskit.pipeline import predict_pipeline

print("lenskit", version("lenskit"))
rows = [(user, item, 1 + (user + item) % 5) for user in range(10) for item in range(1, 7)]
rows += [(0, 99, 5)]
table = pd.DataFrame(rows, columns=["user_id", "item_id", "rating"])
data = from_interactions_df(table)
mean = table["rating"].mean()


def forecast(user, damping, **more):
    """For the item that one user rated with 5 stars."""
    pipeline = predict_pipeline(BiasedMFScorer(embedding_size=2, damping=damping), **more)
    pipeline.train(data)
    return float(pipeline.run(query=user, items=ItemList(item_ids=[99])).scores()[0])


new_user = 1000
by_itself = {damping: forecast(new_user, damping) for damping in (5.0, 20.0)}
damped = forecast(new_user, 5.0, fallback=BiasScorer(damping=5.0))
print(f"guess: a new user is forecast {mean + (5 - mean) / 6:.2f} stars, and fewer with more damping")
for damping, stars in by_itself.items():
    print(f"seen: {stars:.2f} stars with damping {damping:.0f}; mean of the table {mean:.2f}")
print(f"seen: {damped:.2f} stars with fallback=BiasScorer(damping=5)")
assert all(abs(stars - 5) < 1e-3 for stars in by_itself.values())
assert abs(damped - (mean + (5 - mean) / 6)) < 1e-3
END
