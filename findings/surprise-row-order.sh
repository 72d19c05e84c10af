#!/usr/bin/env bash
# Surprise: neighbours follow the order of the rows. Two users with one or two movies in common are often
# as similar as can be, so that many tie; of those who tie, the ones whose rating of the movie stands
# first in the table are taken. In a table sorted by stars these are the extreme ratings.
# Guess: neighbours have no seed, so the same ratings in another order give the same forecasts.
# Seen: KNNWithMeans as it comes, on the same ratings: a table sorted from 1 star up forecasts 0.16
#   stars less on average than one sorted from 5 stars down, single forecasts differ by more than a
#   star, and the RMSE is 0.856 and 0.852 in place of 0.843 for the shuffled table. With shrunk
#   similarities (pearson_baseline), which do not tie, the order changes nothing.
# Source: https://github.com/NicolasHug/Surprise/issues/262
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.11}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet scikit-surprise==1.1.5 numpy==2.4.6 pandas==3.1.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import numpy as np
import pandas as pd
from surprise import Dataset, KNNWithMeans, Reader

print(*(f"{name} {version(name)}" for name in ("scikit-surprise", "numpy", "pandas")))
USERS, MOVIES, DRAWN, TEST = 1500, 300, 24000, 2000
rng = np.random.default_rng(0)
user = rng.integers(0, USERS, DRAWN)
movie = np.minimum(rng.exponential(40, DRAWN).astype(int), MOVIES - 1)  # A few are popular.
effects = rng.normal(0, 0.5, USERS)[user] + rng.normal(0, 0.5, MOVIES)[movie]
stars = np.clip(np.round(3.5 + effects + rng.normal(0, 0.8, DRAWN)), 1, 5)
table = pd.DataFrame({"user": user, "movie": movie, "stars": stars})
table = table.drop_duplicates(["user", "movie"])
train, test = table.iloc[:-TEST], table.iloc[-TEST:]
orders = {
    "shuffled": train,
    "from 1 star up": train.sort_values("stars", kind="stable"),
    "from 5 stars down": train.sort_values("stars", kind="stable", ascending=False),
}


def forecasts(rows, **options):
    """What KNNWithMeans, fitted to the rows in their order, forecasts for the test pairs."""
    model = KNNWithMeans(verbose=False, **options)
    model.fit(Dataset.load_from_df(rows, Reader(rating_scale=(1, 5))).build_full_trainset())
    return np.array([model.predict(*pair).est for pair in zip(test["user"], test["movie"])])


print("guess: one mean and one RMSE for all orders")
found = {name: forecasts(rows) for name, rows in orders.items()}
rmse = {name: float(np.sqrt(np.mean((f - test["stars"]) ** 2))) for name, f in found.items()}
for name, forecast in found.items():
    print(f"seen: {name}: mean forecast {forecast.mean():.3f}, RMSE {rmse[name]:.4f}")
low, high = found["from 1 star up"], found["from 5 stars down"]
print(f"seen: one pair differs by up to {np.abs(low - high).max():.2f} stars")
assert high.mean() - low.mean() > 0.1
assert np.abs(low - high).max() > 1
assert min(rmse["from 1 star up"], rmse["from 5 stars down"]) > rmse["shuffled"] + 0.005

shrunk = [forecasts(rows, sim_options={"name": "pearson_baseline"}) for rows in orders.values()]
print(f"seen: with pearson_baseline by up to {np.ptp(shrunk, axis=0).max():.6f}")
assert np.ptp(shrunk, axis=0).max() < 1e-6
END
