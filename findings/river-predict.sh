#!/usr/bin/env bash
# River: a question changes the model. predict_one of a factor model draws and keeps factors for
# every user and item that it has not met, from the same random stream that training uses.
# Guess: predict_one only reads, so asking about other users leaves the forecasts as they are.
# Seen: a seeded BiasedMF, trained on the same ratings, forecasts something else after three
#   questions about other users; a Baseline keeps one more user for every question.
# Source: https://github.com/online-ml/river/blob/main/river/reco/biased_mf.py (the maps of
#   factors and biases make what is missing when they are read)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet river==0.26.1
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

from river import reco

print("river", version("river"))
RATINGS = [("a", "x", 5.0), ("b", "x", 3.0), ("a", "y", 1.0), ("b", "y", 4.0), ("c", "x", 2.0)]


def forecast(questions_before):
    """The forecast for user a of a model that was asked about other users before it learned."""
    model = reco.BiasedMF(seed=1)
    for number in range(questions_before):
        model.predict_one(user=f"visitor {number}", item="x")
    for user, item, stars in RATINGS * 5:
        model.learn_one(user=user, item=item, y=stars)
    return model.predict_one(user="a", item="x")


print("guess: the same forecast with and without the three questions")
print(f"seen: {forecast(0):.4f} without, {forecast(3):.4f} with")
assert forecast(0) == forecast(0)
assert abs(forecast(0) - forecast(3)) > 0.01

baseline = reco.Baseline()
for user, item, stars in RATINGS:
    baseline.learn_one(user=user, item=item, y=stars)
before = len(baseline.u_biases)
for number in range(1000):
    baseline.predict_one(user=f"visitor {number}", item="x")
print(f"seen: {before} users after training, {len(baseline.u_biases)} after 1000 questions")
assert (before, len(baseline.u_biases)) == (3, 1003)
END
