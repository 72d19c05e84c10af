"""From trials to rows: one for each part and slice of a model, the mean over seeds or folds."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.evaluation.metrics import Score
from ratecast.evaluation.protocol import Trial
from ratecast.models.answer import Forecast
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
    about: Row = {
        "model": first.model,
        "split": split_name or first.split.name,
        "protocol": first.protocol,
    }
    cost = {
        "fit_seconds": round(float(np.mean([trial.fit_seconds for trial in trials])), 3),
        "predictions_per_second": round(float(np.mean([_speed(trial) for trial in trials]))),
    }
    return [
        about | {"part": part, "slice": piece} | _mean(scores) | cost
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


def slices(part: Ratings, train: Ratings, forecast: Forecast) -> dict[str, Mask]:
    """Masks of rows, (n,) each, by what was known; empty ones are left out.

    known-user, new-user, new-movie: by whether the user, or the movie, has a rating in train.
    heard-...: by how many of the user's ratings the model had heard when it answered, which in
    as-of grows from row to row.
    """
    known, heard = _in_train(USER, part, train), forecast.heard
    masks = {
        "all": np.ones(len(part), bool),
        "known-user": known,
        "new-user": ~known,
        "new-movie": ~_in_train(MOVIE, part, train),
        "heard-0": heard == 0,
        "heard-1-5": (heard >= 1) & (heard <= 5),
        "heard-6-20": (heard >= 6) & (heard <= 20),
        "heard-over-20": heard > 20,
    }
    return {name: mask for name, mask in masks.items() if mask.any()}


def _in_train(column: str, part: Ratings, train: Ratings) -> Mask:
    return part.frame[column].is_in(train.frame[column].unique().implode()).to_numpy()


def _speed(trial: Trial) -> float:
    """Forecasts a second, over all parts; in as-of with the hearing and the refits."""
    return sum(map(len, trial.forecasts.values())) / max(trial.predict_seconds, 1e-9)


def _scores(trial: Trial) -> Iterator[tuple[str, str, Score]]:
    for name, forecast in trial.forecasts.items():
        part = trial.split.parts[name]
        for piece, mask in slices(part, trial.split.train, forecast).items():
            yield name, piece, Score.of(forecast.take(mask), part.take(mask))


def _mean(scores: list[Score]) -> Row:
    every = [asdict(score) for score in scores]
    figures = {key: round(float(np.mean([s[key] for s in every])), 6) for key in every[0]}
    spread = round(float(np.std([score.rmse for score in scores])), 6)
    return figures | {"n": round(figures["n"]), "rmse_std": spread}
