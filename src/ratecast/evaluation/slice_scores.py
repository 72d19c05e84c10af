"""Scores of every slice of a part, with intervals over users: one pass over the rows."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.evaluation.ranking import METRICS, Ranking, UserRankings
from ratecast.evaluation.ranking_kernel import CONCORDANCE, MRR, NDCG, PRECISION, RECALL
from ratecast.evaluation.resampling import drawn_sums
from ratecast.metrics.history_groups import HISTORIES, history_groups
from ratecast.metrics.scores import Score, ScoreSums
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import MOVIE, USER, Ratings

Mask = NDArray[np.bool_]
Interval = tuple[float, float]

# Every row is in one cell: 1 for a new user, 2 for a new movie, 4 times the slice of its history.
_CELLS = np.arange(4 * len(HISTORIES))
_NEW_USER, _NEW_MOVIE = (_CELLS & 1) > 0, (_CELLS & 2) > 0
# Of which cells each slice is, (cells,). known-user, new-user, new-movie: whether the user or movie
# has a rating in train. history-...: by history length, the number of the user's ratings that the
# forecast used; in as-of it grows from row to row.
SLICES: dict[str, Mask] = {
    "all": np.ones(len(_CELLS), bool),
    "known-user": ~_NEW_USER,
    "new-user": _NEW_USER,
    "new-movie": _NEW_MOVIE,
} | {name: np.equal(_CELLS >> 2, place) for place, name in enumerate(HISTORIES)}

RMSE = "rmse"
_COLUMN = {name: column for column, name in METRICS.items()}
# The intervals are at 95 %, of so many draws, and of so many users at least.
DRAWS, LEAST_USERS = 1_000, 5
_TAILS = (0.025, 0.975)


class SliceScore(NamedTuple):
    """The scores of one slice. intervals: 95 %, by metric, of those that have one."""

    name: str
    score: Score
    ranking: Ranking | None
    intervals: dict[str, Interval]


def cells(part: Ratings, train: Ratings, forecast: Forecast) -> NDArray[np.int8]:
    """The cell of each row, (n,), from which `SLICES` are made."""
    places = history_groups(forecast.history_length) << 2
    places += ~in_train(USER, part, train)
    places += 2 * ~in_train(MOVIE, part, train)
    return places


def in_train(column: str, part: Ratings, train: Ratings) -> Mask:
    """Whether each row's user or movie has a rating in train: (n,)."""
    return part.frame[column].is_in(train.frame[column].unique().implode()).to_numpy()


def plain_scores(forecast: Forecast, part: Ratings, train: Ratings) -> Iterator[tuple[str, Score]]:
    """The scores of every slice that has a row, without ranking and intervals."""
    sums = ScoreSums.of(forecast, part, cells(part, train, forecast), len(_CELLS))
    for name, chosen in SLICES.items():
        if sums.figures[chosen, 0].any():
            yield name, sums.score(chosen)


def slice_scores(
    forecast: Forecast, part: Ratings, train: Ratings, *, ranked: bool = True
) -> list[SliceScore]:
    """The scores of every slice that has a row, with ranking, and intervals over users.

    ranked: whether rows are ranked. The users of the part are resampled, the same for every slice
    and metric; a figure of fewer than five users has no interval. Reference: as for `Bootstrap`.
    """
    cell = cells(part, train, forecast)
    # Stars alone are ranked, and taking rows copies all that there is.
    stars = replace(forecast, probabilities=forecast.stars[:, None])
    whole = UserRankings.of(stars, part) if ranked else None
    ids = part.frame[USER].unique().sort() if whole is None else whole.users
    counts, squares = _by_user_and_cell(forecast, part, cell, ids)
    scores = dict(plain_scores(forecast, part, train))
    rankings, sums = [], []
    for name in scores:
        chosen = SLICES[name]
        rows = counts[:, chosen].sum(axis=1)
        each = None if whole is None else _ranked(whole, rows, stars, part, chosen[cell])
        rankings.append(None if each is None else Ranking.mean(each))
        values = None if each is None else each.values
        sums.append(_sums(rows, squares[:, chosen].sum(axis=1), values))
    drawn = np.split(drawn_sums(np.hstack(sums), DRAWS), len(sums), axis=1)
    return [
        SliceScore(name, score, ranking, _intervals(users, draws))
        for (name, score), ranking, users, draws in zip(
            scores.items(), rankings, sums, drawn, strict=True
        )
    ]


def _ranked(
    whole: UserRankings, rows: I64, stars: Forecast, part: Ratings, mask: Mask
) -> UserRankings:
    """Of the rows of a mask. whole: of the part. rows: (users,), how many of a user's are in it."""
    inside = rows > 0
    if (rows[inside] == whole.rows[inside]).all():
        return whole.take(inside)
    return UserRankings.of(stars.take(mask), part.take(mask))


def _by_user_and_cell(
    forecast: Forecast, part: Ratings, cell: NDArray[np.int8], users: pl.Series
) -> tuple[I64, F64]:
    """Rows, and squared errors, of each user in each cell: (users, cells)."""
    number = Vocabulary(USER, users.to_frame()).encode(part.frame[USER]) - 1
    place = number * np.int64(len(_CELLS)) + cell
    shape = len(users), len(_CELLS)
    errors = forecast.stars - part.stars
    counts: I64 = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)
    squares = np.asarray(np.bincount(place, errors * errors, shape[0] * shape[1]), np.float64)
    return counts, squares.reshape(shape)


# Columns of the sums of a slice: how many count, then what is summed, by metric.
_METRICS = {
    RMSE: (0, 1),
    METRICS[NDCG]: (2, 3),
    METRICS[CONCORDANCE]: (2, 4),
    METRICS[RECALL]: (5, 6),
    METRICS[PRECISION]: (5, 7),
    METRICS[MRR]: (5, 8),
}


def _sums(rows: I64, squares: F64, ranked: F64 | None) -> F64:
    """What each user adds to the sums of a slice: (users, 9), or (users, 2) without ranks.

    ranked: of those that have rows.
    """
    if ranked is None:
        return np.column_stack([rows, squares])
    sums = np.zeros((len(rows), 9))
    sums[:, 0], sums[:, 1] = rows, squares
    inside = rows > 0
    for name, (count, column) in _METRICS.items():
        if name != RMSE:
            values = ranked[:, _COLUMN[name]]
            sums[inside, count], sums[inside, column] = ~np.isnan(values), np.nan_to_num(values)
    return sums


def _intervals(users: F64, drawn: F64) -> dict[str, Interval]:
    """The interval of each metric that has one; users: sums of `_sums`. drawn: of (draws,)."""
    found = {}
    for name, (count, column) in _METRICS.items():
        if column < users.shape[1] and (users[:, count] > 0).sum() >= LEAST_USERS:
            # Of a few users among many, a draw may have none.
            some = drawn[:, count] > 0
            means = drawn[some, column] / drawn[some, count]
            low, high = np.quantile(np.sqrt(means) if name == RMSE else means, _TAILS)
            found[name] = float(low), float(high)
    return found
