"""Reads pairs of user and movie to forecast, by the rules of a table of ratings."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ratecast.column_types import Location, rows_of
from ratecast.data import is_own_table, load_table
from ratecast.data.column_roles import Needed
from ratecast.data.missing_ratings import RatingRules, numbers_of, scale_given
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.table_file import canonical_columns, movies_in, read_roles
from ratecast.data.text_table import RoleTable
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Requests, Scale, checked_requests
from ratecast.table_options import DEFAULT, TableOptions


@dataclass(frozen=True)
class Pairs:
    """Pairs to forecast.

    requests: every pair, n rows in the order of the file. ratings: the true ratings, (n,), null
    where a pair has none; None if the file has no column of them.
    """

    requests: Requests
    ratings: pl.Series | None = None


class TrueRatings(NamedTuple):
    """Whether true ratings are read where there are some, and the scale on which they must be."""

    scale: Scale
    wanted: bool = True

    def check(self, source: str | Path, options: TableOptions) -> None:
        """Raise `InputError` for another scale in the options."""
        given = scale_given(options)
        if given not in (None, self.scale):
            raise InputError(
                f"{source}: --scale is {given}, but the model's is {self.scale}; remove it"
            )


def read_pairs(
    source: str | Path,
    true: TrueRatings,
    options: TableOptions = DEFAULT,
    notify: Notify = to_stderr,
) -> Pairs:
    """The pairs of a file with columns for user and movie and, if known, rating and time.

    Every row is kept, and the order too, repeated pairs included. A rating that is empty, or one of
    the missing values of `options`, is null. source: a file; or, as for ratings, an edition or a
    folder. notify: gets a line for what was assumed. Raises `InputError` for the first bad row.
    """
    true.check(source, options)
    if not is_own_table(source, options):
        known = load_table(source, options, notify)
        if not true.wanted:
            return Pairs(known.requests())
        ratings = _checked(known.frame[RATING], true.scale, rows_of(str(source)))
        return Pairs(known.requests(), ratings)
    table, where = read_roles(Path(source).expanduser(), options, needed(true))
    if not table.frame.height:
        raise InputError(f"{where}: no pairs; give a table with rows")
    pairs = pairs_of(table, where, true, options, notify)
    if pairs.ratings is not None:
        say_unrated(where, pairs.ratings.null_count(), len(pairs.ratings), notify)
    return pairs


def needed(true: TrueRatings) -> Needed:
    """The columns that a table of pairs must have."""
    return Needed((USER, MOVIE), () if true.wanted else (RATING,))


def say_unrated(where: str, unrated: int, rows: int, notify: Notify) -> None:
    """A line on pairs that have no rating, if there are any."""
    if unrated:
        notify(f"{where}: {unrated:,} of {rows:,} pairs have no rating and are not scored")


def pairs_of(
    table: RoleTable, where: str, true: TrueRatings, options: TableOptions, notify: Notify
) -> Pairs:
    """The pairs in the columns of a table, checked: see `read_pairs`. where: for messages."""
    # Without the ratings, which a pair need not have.
    named = table.frame.drop(RATING, strict=False)
    frame, more = canonical_columns(named, table.location, where, options.time_format)
    for note in table.notes + more:
        notify(note)
    pairs = frame.select(name for name in (USER, MOVIE, AT) if name in frame.columns)
    requests = checked_requests(Requests(pairs, movies_in(frame)), where)
    if RATING not in table.frame.columns:
        return Pairs(requests)
    rules = RatingRules.of_file(options)
    ratings = numbers_of(table.frame[RATING], rules, table.location, optional=True)
    return Pairs(requests, _checked(ratings, true.scale, table.location))


def _checked(ratings: pl.Series, scale: Scale, location: Location) -> pl.Series:
    """The ratings, Float32. Raises `InputError` for the first that is off the scale."""
    off = ~scale.holds(ratings) & ratings.is_not_null()
    if off.any():
        row = int(off.arg_max() or 0)
        raise InputError(
            f"{location(row)}: rating {ratings[row]:g} is not on the scale {scale} of the model; "
            f"correct it, give --missing={ratings[row]:g} if it stands for not rated, or "
            "--no-rating to leave the ratings out"
        )
    return ratings.cast(pl.Float32)
