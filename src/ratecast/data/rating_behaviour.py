"""How people rate: when, how much, in which sessions, and which stars; as tables to plot.

No table has single ratings: every row describes a user, a movie, a period or a group.
"""

import itertools

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings

SESSION_GAP = 3600
MINUTE = 60
GROUP, ROWS, MEAN, STD = "group", "rows", "mean", "std"
_AGES = [18, 25, 35, 45, 55]


def by_period(ratings: Ratings, every: str = "1w") -> pl.DataFrame:
    """Each period: its start, rows, users, new_users (whose first rating is in it), mean stars.

    every: length of a period as polars writes it, for example 1d, 1w or 1mo; in UTC.
    """
    _require_times(ratings)
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
            pl.col(RATING).cast(pl.Float64).std(ddof=0).alias(STD),
        )
        .sort(ROWS, kind, descending=[True, False])
    )


def stars_used(ratings: Ratings) -> pl.DataFrame:
    """Each star of the scale: share of the ratings, and share of the users who ever give it."""
    stars = ratings.scale.stars
    star = ratings.scale.index(ratings.stars)
    pairs = pl.DataFrame({USER: ratings.frame[USER], "star": star}).unique()["star"].to_numpy()
    users = max(ratings.frame[USER].n_unique(), 1)
    return pl.DataFrame(
        {
            "star": stars,
            "ratings": np.bincount(star, minlength=len(stars)) / max(len(ratings), 1),
            "users": np.bincount(pairs, minlength=len(stars)) / users,
        }
    )


def sessions(ratings: Ratings, gap: int = SESSION_GAP) -> pl.DataFrame:
    """Each session: user, number (from 1), rows, minutes from its first to its last rating.

    A session ends when the user gives no rating for more than `gap` seconds.
    """
    _require_times(ratings)
    starts = pl.col(AT).diff().fill_null(gap + 1).over(USER) > gap
    numbered = ratings.frame.sort(USER, AT).with_columns(number=starts.cum_sum().over(USER))
    return (
        numbered.group_by(USER, "number")
        .agg(
            pl.len().alias(ROWS),
            ((pl.col(AT).max() - pl.col(AT).min()) / MINUTE).alias("minutes"),
        )
        .sort(USER, "number")
    )


def tied_rows(ratings: Ratings) -> pl.DataFrame:
    """Sizes of groups of rows that share user and second, and the rows in groups of each size."""
    _require_times(ratings)
    sizes = ratings.frame.group_by(USER, AT).len("size")
    return sizes.group_by("size").agg(pl.col("size").sum().alias(ROWS)).sort("size")


def grouped(ratings: Ratings, column: str) -> pl.DataFrame:
    """Mean stars of each group of users or movies, by a column of their side information.

    Columns: group, ids (users or movies in it), rows, mean, low, high; sorted by mean. A movie with
    several genres counts in each of them; ages are grouped into bands. low, high: 95 % interval of
    the mean, with a standard error that allows for correlated ratings of one user:
    se = √(Σ_user (Σ_rows (r - mean))²) / rows.
    Reference: Liang, Zeger 1986 (cluster-robust variance).
    Raises `InputError` if the table has no such column.
    """
    side, kind = _with_column(ratings, column)
    groups = side.select(kind, pl.col(column).alias(GROUP)).drop_nulls()
    if groups.schema[GROUP] == pl.List:
        groups = groups.explode(GROUP).drop_nulls()
    if column == "age":
        band = np.searchsorted(_AGES, groups[GROUP].to_numpy(), side="right")
        groups = groups.with_columns(pl.Series(GROUP, np.array(_age_bands())[band]))
    rows = ratings.frame.join(groups.with_columns(pl.col(GROUP).cast(pl.String)), on=kind)
    rows = rows.with_columns(centred=pl.col(RATING) - pl.col(RATING).mean().over(GROUP))
    sums = rows.group_by(GROUP, USER).agg(pl.col("centred").cast(pl.Float64).sum())
    error = sums.group_by(GROUP).agg((pl.col("centred") ** 2).sum().sqrt().alias("error"))
    means = rows.group_by(GROUP).agg(
        pl.col(kind).n_unique().alias("ids"),
        pl.len().alias(ROWS),
        pl.col(RATING).cast(pl.Float64).mean().alias(MEAN),
    )
    half_width = 1.96 * pl.col("error") / pl.col(ROWS)
    return (
        means.join(error, on=GROUP)
        .with_columns(low=pl.col(MEAN) - half_width, high=pl.col(MEAN) + half_width)
        .drop("error")
        .sort(MEAN, GROUP)
    )


def lifetimes(ratings: Ratings) -> pl.DataFrame:
    """Each user: times of the first and the last rating, and rows; sorted by the first."""
    _require_times(ratings)
    ends = pl.col(AT).min().alias("first"), pl.col(AT).max().alias("last")
    return ratings.frame.group_by(USER).agg(*ends, pl.len().alias(ROWS)).sort("first", USER)


def matrix_positions(ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each rating in the matrix of ratings: (n,), (n,).

    Users are sorted by their first rating, movies by their number of ratings, most first.
    """
    positions = []
    for order, kind in ((lifetimes(ratings), USER), (activity(ratings, MOVIE), MOVIE)):
        numbered = order.select(kind).with_row_index("position")
        rows = ratings.frame.select(kind).join(numbered, on=kind, maintain_order="left")
        positions.append(rows["position"].to_numpy().astype(np.int64))
    return positions[0], positions[1]


def _age_bands() -> list[str]:
    inner = [f"{a} to {b - 1}" for a, b in itertools.pairwise(_AGES)]
    return [f"under {_AGES[0]}", *inner, f"{_AGES[-1]} and over"]


def _with_column(ratings: Ratings, column: str) -> tuple[pl.DataFrame, str]:
    for side, kind in ((ratings.users, USER), (ratings.movies, MOVIE)):
        if column in side.columns and column != kind:
            return side, kind
    known = [c for side in (ratings.users, ratings.movies) for c in side.columns[1:]]
    raise InputError(f"column {column!r}: users and movies have none; columns are {known}")


def _require_times(ratings: Ratings) -> None:
    if not ratings.timed:
        raise InputError("ratings: no timestamps; give a table with a time column")
