"""Reads pairs of user and movie to forecast, by the rules of a table of ratings."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ratecast.column_types import Location
from ratecast.data import load_table
from ratecast.data.missing_ratings import is_missing
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.table_file import (
    canonical_columns,
    movies_in,
    read_roles,
    scale_given,
    scale_of,
)
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


def read_pairs(
    source: str | Path,
    scale: Scale,
    options: TableOptions = DEFAULT,
    notify: Notify = to_stderr,
) -> Pairs:
    """The pairs of a file with columns for user and movie and, if known, rating and time.

    Every row is kept, and the order too, repeated pairs included. A rating that is one of the
    missing values of `options` is null. source: a file; or, as for ratings, an edition or a folder.
    scale: of the model, on which the ratings must be. notify: gets a line for what was assumed.
    Raises `InputError` for the first bad row.
    """
    given = scale_given(options)
    if given not in (None, scale):
        raise InputError(f"{source}: --scale is {given}, but the model's is {scale}; remove it")
    path = Path(source).expanduser()
    if not (path.is_file() or options.glob):
        ratings = load_table(source, options, notify)
        true = ratings.frame[RATING]
        scale_of(true, scale, [], lambda row: f"{source}, row {row + 1}")
        return Pairs(ratings.requests(), true)
    table, where = read_roles(path, options, (USER, MOVIE))
    if not table.frame.height:
        raise InputError(f"{where}: no pairs; give a table with rows")
    frame, more = canonical_columns(table.frame, table.location, where, options.time_format)
    for note in table.notes + more:
        notify(note)
    pairs = frame.select(name for name in (USER, MOVIE, AT) if name in frame.columns)
    requests = checked_requests(Requests(pairs, movies_in(frame)), where)
    return Pairs(requests, _true_ratings(frame, scale, options, table.location))


def _true_ratings(
    frame: pl.DataFrame, scale: Scale, options: TableOptions, location: Location
) -> pl.Series | None:
    if RATING not in frame.columns:
        return None
    ratings, missing = frame[RATING], options.missing_values
    scale_of(ratings, scale, missing, location)
    values = ratings.cast(pl.Float32)
    return values.set(is_missing(ratings, missing), None) if missing else values
