"""How people rate: when, how much, in which sittings, and which stars; as tables to be drawn.

Nothing here names a single rating: every line is of a user, a movie, a period or a group.
"""

import itertools

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings

SITTING = 3600
MINUTE = 60
GROUP, ROWS, MEAN, SPREAD = "group", "rows", "mean", "spread"
_AGES = [18, 25, 35, 45, 55]


def by_period(ratings: Ratings, every: str = "1w") -> pl.DataFrame:
    """Each period: its start, rows, users, new_users (first heard of in it), mean stars.

    every: polars' name of a length of time, as 1d, 1w or 1mo; periods begin in UTC.
    """
    _timed(ratings)
    first = pl.col(AT) == pl.col(AT).min().over(USER)
    dated = ratings.frame.with_columns(
        period=pl.from_epoch(AT, time_unit="s").dt.truncate(every), first=first
    )
    return (
        dated.group_by("period")
        .agg(
            pl.len().alias(ROWS),
            pl.col(USER).n_unique().alias("users"),
            pl.col(USER).filter("first").n_unique().alias("new_users"),
            pl.col(RATING).mean().alias(MEAN),
        )
        .sort("period")
    )


def activity(ratings: Ratings, kind: str = USER) -> pl.DataFrame:
    """Each user (or movie): rows, mean and standard deviation of its stars; most rows first."""
    return (
        ratings.frame.group_by(kind)
        .agg(
            pl.len().alias(ROWS),
            pl.col(RATING).cast(pl.Float64).mean().alias(MEAN),
            pl.col(RATING).cast(pl.Float64).std(ddof=0).alias(SPREAD),
        )
        .sort(ROWS, kind, descending=[True, False])
    )


def stars_used(ratings: Ratings) -> pl.DataFrame:
    """Each star of the scale: share of the ratings, and share of the users who ever give it."""
    stars = ratings.scale.stars
    at = ratings.scale.index(ratings.stars)
    pairs = pl.DataFrame({USER: ratings.frame[USER], "at": at}).unique()["at"].to_numpy()
    users = max(ratings.frame[USER].n_unique(), 1)
    return pl.DataFrame(
        {
            "star": stars,
            "ratings": np.bincount(at, minlength=len(stars)) / max(len(ratings), 1),
            "users": np.bincount(pairs, minlength=len(stars)) / users,
        }
    )


def sittings(ratings: Ratings, gap: int = SITTING) -> pl.DataFrame:
    """Each sitting: user, number (from 1), rows, minutes from its first to its last rating.

    A sitting ends where the user is silent for more than `gap` seconds.
    """
    _timed(ratings)
    apart = pl.col(AT).diff().fill_null(gap + 1).over(USER) > gap
    numbered = ratings.frame.sort(USER, AT).with_columns(number=apart.cum_sum().over(USER))
    return (
        numbered.group_by(USER, "number")
        .agg(
            pl.len().alias(ROWS),
            ((pl.col(AT).max() - pl.col(AT).min()) / MINUTE).alias("minutes"),
        )
        .sort(USER, "number")
    )


def tied_rows(ratings: Ratings) -> pl.DataFrame:
    """Size of the group of rows that share user and second, and how many rows are in such ones."""
    _timed(ratings)
    sizes = ratings.frame.group_by(USER, AT).len("size")
    return sizes.group_by("size").agg(pl.col("size").sum().alias(ROWS)).sort("size")


def grouped(ratings: Ratings, column: str) -> pl.DataFrame:
    """Mean stars of each group of users or movies, by a column of their side information.

    Columns: group, ids (users or movies in it), rows, mean, low, high; by mean. A list, as genres,
    counts for each of its groups; ages are banded. low, high: 95 % interval of the mean, in which
    the ratings of one user hang together (cluster-robust: Liang, Zeger 1986).
    Raises `InputError` where the table has no such column.
    """
    side, kind = _with_column(ratings, column)
    named = side.select(kind, pl.col(column).alias(GROUP)).drop_nulls()
    if named.schema[GROUP] == pl.List:
        named = named.explode(GROUP).drop_nulls()
    if column == "age":
        band = np.searchsorted(_AGES, named[GROUP].to_numpy(), side="right")
        named = named.with_columns(pl.Series(GROUP, np.array(_bands())[band]))
    rows = ratings.frame.join(named.with_columns(pl.col(GROUP).cast(pl.String)), on=kind)
    rows = rows.with_columns(apart=pl.col(RATING) - pl.col(RATING).mean().over(GROUP))
    sums = rows.group_by(GROUP, USER).agg(pl.col("apart").cast(pl.Float64).sum())
    error = sums.group_by(GROUP).agg((pl.col("apart") ** 2).sum().sqrt().alias("error"))
    means = rows.group_by(GROUP).agg(
        pl.col(kind).n_unique().alias("ids"),
        pl.len().alias(ROWS),
        pl.col(RATING).cast(pl.Float64).mean().alias(MEAN),
    )
    away = 1.96 * pl.col("error") / pl.col(ROWS)
    return (
        means.join(error, on=GROUP)
        .with_columns(low=pl.col(MEAN) - away, high=pl.col(MEAN) + away)
        .drop("error")
        .sort(MEAN, GROUP)
    )


def lifetimes(ratings: Ratings) -> pl.DataFrame:
    """Each user: moments of the first and the last rating, and rows; by the first moment."""
    _timed(ratings)
    ends = pl.col(AT).min().alias("first"), pl.col(AT).max().alias("last")
    return ratings.frame.group_by(USER).agg(*ends, pl.len().alias(ROWS)).sort("first", USER)


def places(ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each row stands in the matrix of ratings: (n,), (n,).

    Users by their first rating, movies by how many ratings they have, the most rated first.
    """
    found = []
    for order, kind in ((lifetimes(ratings), USER), (activity(ratings, MOVIE), MOVIE)):
        numbered = order.select(kind).with_row_index("place")
        rows = ratings.frame.select(kind).join(numbered, on=kind, maintain_order="left")
        found.append(rows["place"].to_numpy().astype(np.int64))
    return found[0], found[1]


def _bands() -> list[str]:
    inner = [f"{a} to {b - 1}" for a, b in itertools.pairwise(_AGES)]
    return [f"under {_AGES[0]}", *inner, f"{_AGES[-1]} and over"]


def _with_column(ratings: Ratings, column: str) -> tuple[pl.DataFrame, str]:
    for side, kind in ((ratings.users, USER), (ratings.movies, MOVIE)):
        if column in side.columns and column != kind:
            return side, kind
    known = [c for side in (ratings.users, ratings.movies) for c in side.columns[1:]]
    raise InputError(f"column {column!r}: not known of users or movies; there are {known}")


def _timed(ratings: Ratings) -> None:
    if not ratings.timed:
        raise InputError("ratings: no timestamps; give a table with a time column")
