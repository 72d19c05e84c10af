"""Rows of results on top-N lists: one for each model and part, averaged over splits."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from ratecast.evaluation.list_quality import ListQuality
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.score_rows import Row

FIGURES = (
    "catalogue_coverage", "novelty", "diversity", "popularity", "popularity_lift", "gini", "recall",
)  # fmt: skip
_COUNTS = ("lists", "short_lists", "users_with_liked")


def rows_of(model: str, split: str, lists: dict[str, ListQuality]) -> list[Row]:
    """One row for each part: model, split, part, and the fields of `ListQuality`."""
    return [
        {"model": model, "split": split, "part": part} | asdict(quality)
        for part, quality in lists.items()
    ]


def rows_of_trials(trials: Sequence[Trial]) -> list[Row]:
    """The rows of all trials that have lists."""
    return [row for each in trials for row in rows_of(each.model, each.split.name, each.lists)]


def averaged(runs: Sequence[Sequence[Row]], split: str | None) -> list[Row]:
    """The mean of the runs' rows of one model for each part.

    split: the name of the split in the rows, if the runs are of several.
    """
    groups: dict[str, list[Row]] = {}
    for row in (row for run in runs for row in run):
        groups.setdefault(row["part"], []).append(row)
    return [_averaged(group) | {"split": split or group[0]["split"]} for group in groups.values()]


def _averaged(group: list[Row]) -> Row:
    means = {key: _mean([row[key] for row in group]) for key in FIGURES}
    counts = {key: round(float(np.mean([row[key] for row in group]))) for key in _COUNTS}
    return group[0] | means | counts


def _mean(figures: list[float]) -> float:
    """Of those that are known; NaN if none is."""
    known = [figure for figure in figures if not np.isnan(figure)]
    return float(np.mean(known)) if known else float("nan")
