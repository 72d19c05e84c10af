"""The types that ids and times have in every table: Int64 or String, and Int64 seconds."""

from collections.abc import Callable

import polars as pl

from ratecast.errors import InputError

# From a row number, counted from 0, to the words that say where the row stands.
Location = Callable[[int], str]


def whole_seconds(at: pl.Series, where: str) -> pl.Series:
    """UTC seconds, from integers, or from dates and datetimes."""
    if at.dtype.is_integer():
        return at.cast(pl.Int64)
    if at.dtype == pl.Date or isinstance(at.dtype, pl.Datetime):
        return at.cast(pl.Datetime("us", getattr(at.dtype, "time_zone", None))).dt.epoch("s")
    whole = at.is_finite() & (at == at.floor()) if at.dtype.is_float() else None
    if whole is None or not whole.all():
        row = 0 if whole is None else int((~whole).arg_max() or 0)
        raise InputError(
            f"{where}, row {row + 1}: time {at[row]!r} is not a whole number of seconds; "
            "give seconds since 1970, or dates"
        )
    return at.cast(pl.Int64)


def canonical_ids(ids: pl.Series, where: str) -> pl.Series:
    """Ids as Int64 or String. Raises `InputError` for other types, and for too large numbers."""
    if ids.dtype == pl.String or isinstance(ids.dtype, pl.Categorical | pl.Enum):
        return ids.cast(pl.String)
    if not ids.dtype.is_integer():
        raise InputError(f"{where}: ids of {ids.name!r} are {ids.dtype}; use integers or strings")
    return whole_numbers(ids, lambda row: f"{where}, row {row + 1}")


def whole_numbers(ids: pl.Series, location: Location) -> pl.Series:
    """Integers as Int64. Raises `InputError` for one that is too large, with its place."""
    whole = ids.cast(pl.Int64, strict=False)
    if whole.null_count() > ids.null_count():
        row = int((whole.is_null() & ids.is_not_null()).arg_max() or 0)
        raise InputError(f"{location(row)}: {ids.name} {ids[row]} is above 2^63 - 1; use strings")
    return whole
