#!/usr/bin/env bash
# optuna: a study that is stopped and resumed with the same seed tries the same settings again, so that
# half of its trials are lost; without a stop they would all differ.
# Guess: a kept study goes on where its sampler was, as the seed and the storage suggest.
# Seen: 10 trials in one call are 10 settings; 5 and 5 in two calls, with the same seed and the same
#   file, are 5 settings, each measured twice.
# Source: https://optuna.readthedocs.io/en/stable/tutorial/20_recipes/001_rdb.html (the storage keeps the
#   trials; the state of a sampler is the caller's to keep)
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet optuna==5.0.0
cd "$folder"
"$folder/venv/bin/python" - <<'END'
from importlib.metadata import version

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
print("optuna", version("optuna"))


def rmse(trial):
    damping = trial.suggest_float("damping", 0.5, 50, log=True)
    factors = trial.suggest_int("factors", 2, 200, log=True)
    return 0.9 + (damping - 5) ** 2 / 1e3 + (factors - 20) ** 2 / 1e5


def tried(name, calls):
    """The settings of all trials of a study that is opened anew for each call."""
    for trials in calls:
        sampler = optuna.samplers.TPESampler(seed=0)
        storage = f"sqlite:///{name}.db"
        study = optuna.create_study(
            storage=storage, study_name=name, sampler=sampler, load_if_exists=True
        )
        study.optimize(rmse, n_trials=trials)
    return [tuple(trial.params.values()) for trial in study.trials]


print("guess: 10 different settings, in one call or in two")
once, twice = tried("once", [10]), tried("twice", [5, 5])
print(f"seen: one call {len(set(once))} different settings, two calls {len(set(twice))}")
assert len(once) == len(set(once)) == 10
assert len(twice) == 10 and twice[:5] == twice[5:] == once[:5]
END
