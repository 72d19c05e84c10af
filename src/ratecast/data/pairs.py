"""Requests of ids side by side, which need none of the readers of tables."""

from typing import Any

import numpy as np
import polars as pl

from ratecast.column_types import rows_of
from ratecast.errors import InputError
from ratecast.ids import Id, read_ids
from ratecast.ratings import AT, MOVIE, USER, Requests, checked_requests

# What polars, pandas and pyarrow raise for a column of another type.
UNREAD = (
    AttributeError,
    NotImplementedError,
    OverflowError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
# `Ratings` or `Requests`, or a table of polars, pandas or Arrow.
Table = Any


def pairs_of(users: Any, movies: Any, at: int | None = None) -> Requests:
    """Requests from ids side by side: lists, arrays or series of one length, or one id each."""
    columns = {name: ids_of(ids, name, "predict") for name, ids in ((USER, users), (MOVIE, movies))}
    count, other = (len(column) for column in columns.values())
    if count != other:
        raise InputError(f"predict: {count} users and {other} movies; give as many of each")
    frame = pl.DataFrame(columns)
    frame = frame if at is None else frame.with_columns(pl.lit(at).alias(AT))
    return checked_requests(Requests(frame), "predict")


def ids_of(ids: Any, name: str, where: str) -> pl.Series:
    """Ids in their form, Int64 or String: of a list, an array or a series, or one id alone.

    name: user or movie. where: for messages. Raises `InputError`.
    """
    one = isinstance(ids, Id | float | np.generic)
    plain = [_plain(ids)] if one else ids
    if isinstance(plain, list) and any(isinstance(value, str) for value in plain):
        # A list may mix text and numbers, a column may not.
        plain = [None if value is None else str(value) for value in plain]
    try:
        column = pl.Series(name, plain)
    except UNREAD as error:
        raise InputError(
            f"{where}: {name} ids cannot be read ({reason(error)}); give whole numbers or text"
        ) from None
    if column.null_count():
        row = int(column.is_null().arg_max() or 0)
        raise InputError(f"{where}, row {row + 1}: no {name}; fill it in or remove the row")
    return read_ids(column, rows_of(where)).ids


def reason(error: Exception) -> str:
    """The first paragraph of a message, in one line."""
    return " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__


def _plain(value: Any) -> Any:
    """A scalar of numpy as that of Python."""
    return value.item() if isinstance(value, np.generic) else value
