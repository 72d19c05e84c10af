"""From trials to rows: one for each part and slice of a model, the mean over seeds or folds."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.evaluation.metrics import Score
from ratecast.evaluation.protocol import Trial
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.splits import Split

Row = dict[str, Any]
Mask = NDArray[np.bool_]


def rows(trials: list[Trial], split_name: str | None = None) -> list[Row]:
    """Rows of one model's trials; seeds, or folds, are averaged.

    `rmse_std` is the standard deviation over them, 0 for a single one; `n` the rows of one trial,
    or the mean over folds of different size.
    """
    scored: dict[tuple[str, str], list[Score]] = {}
    for trial in trials:
        for part, piece, score in _scores(trial):
            scored.setdefault((part, piece), []).append(score)
    first = trials[0]
    about = {
        "model": first.model,
        "split": split_name or first.split.name,
        "protocol": first.protocol,
    }
    fit_seconds = round(float(np.mean([trial.fit_seconds for trial in trials])), 3)
    return [
        about | {"part": part, "slice": piece} | _mean(scores) | {"fit_seconds": fit_seconds}
        for (part, piece), scores in scored.items()
    ]


def dataset(name: str, split: Split) -> Row:
    """What the rows were measured on."""
    known = split.train.frame[USER].unique().implode()
    facts: Row = {"name": name} | {part: len(table) for part, table in split.parts.items()}
    facts["train_users"] = split.train.frame[USER].n_unique()
    facts["train_items"] = split.train.frame[MOVIE].n_unique()
    for part, table in split.parts.items():
        if part != "train":
            facts[f"{part}_new_user_rows"] = int((~table.frame[USER].is_in(known)).sum())
    return facts


def slices(part: Ratings, train: Ratings) -> dict[str, Mask]:
    """Masks of the rows of users with and without a rating in train; empty ones are left out."""
    known = part.frame[USER].is_in(train.frame[USER].unique().implode()).to_numpy()
    masks = {"all": np.ones(len(part), bool), "known-user": known, "new-user": ~known}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _scores(trial: Trial) -> Iterator[tuple[str, str, Score]]:
    for name, forecast in trial.forecasts.items():
        part = trial.split.parts[name]
        for piece, mask in slices(part, trial.split.train).items():
            yield name, piece, Score.of(forecast.take(mask), part.take(mask))


def _mean(scores: list[Score]) -> Row:
    every = [asdict(score) for score in scores]
    figures = {key: round(float(np.mean([s[key] for s in every])), 6) for key in every[0]}
    spread = round(float(np.std([score.rmse for score in scores])), 6)
    return figures | {"n": round(figures["n"]), "rmse_std": spread}
