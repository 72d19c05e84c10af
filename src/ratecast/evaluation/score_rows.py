"""Rows of the results: one for each part and slice of a model, averaged over seeds or folds."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.ranking import METRICS as RANKINGS
from ratecast.evaluation.ranking import K
from ratecast.evaluation.slice_scores import in_train, plain_scores, slice_scores
from ratecast.metrics.scores import Score
from ratecast.ratings import MOVIE, USER
from ratecast.splits import Split

Row = dict[str, Any]


def ends_of(metric: str) -> tuple[str, str]:
    """Names of the low and the high end of the 95 % interval of a metric."""
    return f"{metric}_low", f"{metric}_high"


RANKED = tuple(RANKINGS.values())
ENDS = tuple(end for metric in ("rmse", *RANKED) for end in ends_of(metric))
METRICS = (
    "rmse",
    "mae",
    "nll",
    "ece",
    "coverage",
    *RANKED,
    *ENDS,
    "fit_seconds",
    "compile_seconds",
)
_RANKED_USERS = ("users", "users_with_order", "users_with_liked", "users_beyond_k")
COUNTS = ("n", *_RANKED_USERS, "predictions_per_second")
# Of rows whose ranking is no question.
UNRANKED: Row = {
    "k": K,
    "liked": float("nan"),
    **dict.fromkeys((*RANKED, *ENDS), float("nan")),
    **dict.fromkeys(_RANKED_USERS, 0),
}


def rows(trials: list[Trial], split: str | None = None, *, ranked: bool = True) -> list[Row]:
    """Rows of one model's trials by one protocol, averaged over seeds or folds.

    split: the name of the split in the rows, if the trials are of several. ranked: as for
    `rows_of`.
    """
    return averaged([rows_of(trial, ranked=ranked) for trial in trials], split)


def rows_of(trial: Trial, *, ranked: bool = True) -> list[Row]:
    """One row for each part and slice of a trial. ranked: with the metrics of ranking."""
    about: Row = {"model": trial.model, "split": trial.split.name, "protocol": trial.protocol}
    cost = {
        "fit_seconds": round(trial.fit_seconds, 3),
        "compile_seconds": round(trial.compile_seconds, 3),
        "predictions_per_second": round(_speed(trial)),
    }
    return [
        about | {"part": part, "slice": name} | figures | cost
        for part, name, figures in _scores(trial, ranked=ranked)
    ]


def averaged(runs: list[list[Row]], split: str | None = None) -> list[Row]:
    """The mean of the runs' rows for each part and slice, in the order of the first run.

    `rmse_std` is the standard deviation over the runs, 0 for a single one, and `runs` how many
    there are; `n` is the number of rows of one run, or the mean over folds of different size.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in (row for run in runs for row in run):
        groups.setdefault((row["part"], row["slice"]), []).append(row)
    return [_averaged(group, split) for group in groups.values()]


def dataset(name: str, split: Split) -> Row:
    """The sizes of the dataset and its parts."""
    sizes: Row = {"name": name} | {part: len(table) for part, table in split.parts.items()}
    sizes["train_users"] = split.train.frame[USER].n_unique()
    sizes["train_items"] = split.train.frame[MOVIE].n_unique()
    for part, table in split.parts.items():
        if part != "train":
            sizes[f"{part}_new_user_rows"] = int((~in_train(USER, table, split.train)).sum())
    return sizes


def _speed(trial: Trial) -> float:
    """Forecasts per second over all parts, 0 where no seconds are known.

    As-of includes updates and refreshes.
    """
    if not trial.predict_seconds:
        return 0.0
    return sum(map(len, trial.forecasts.values())) / trial.predict_seconds


def _scores(trial: Trial, *, ranked: bool) -> Iterator[tuple[str, str, Row]]:
    """Part, slice and figures."""
    for part, forecast in trial.forecasts.items():
        given, train = trial.split.parts[part], trial.split.train
        if part == "train":
            # How train's rows are ranked is no question; its users would take most of the time.
            for name, score in plain_scores(forecast, given, train):
                yield part, name, _figures(score) | UNRANKED
            continue
        for each in slice_scores(forecast, given, train, ranked=ranked):
            ends = {
                end: figure
                for metric, interval in each.intervals.items()
                for end, figure in zip(ends_of(metric), interval, strict=True)
            }
            ranking = {} if each.ranking is None else asdict(each.ranking)
            yield part, each.name, _figures(each.score) | UNRANKED | ranking | ends


def _figures(score: Score) -> Row:
    return asdict(score) | {"rmse_std": 0.0, "runs": 1}


def _mean(figures: list[float]) -> float:
    """Of those that are known; NaN if none is."""
    known = [figure for figure in figures if not np.isnan(figure)]
    return round(float(np.mean(known)), 6) if known else float("nan")


def _averaged(group: list[Row], split: str | None) -> Row:
    mean = {
        key: _mean([row[key] for row in group]) if key in METRICS else value
        for key, value in group[0].items()
    }
    counts = {key: round(float(np.mean([row.get(key, 0) for row in group]))) for key in COUNTS}
    std = round(float(np.std([row["rmse"] for row in group])), 6)
    runs = sum(row["runs"] for row in group)
    return mean | counts | {"rmse_std": std, "runs": runs, "split": split or mean["split"]}
