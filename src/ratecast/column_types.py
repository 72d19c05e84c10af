"""The type that times have in every table, Int64 seconds; and where a row stands, for messages."""

from collections.abc import Callable

import polars as pl

from ratecast.errors import InputError

# From a row number, counted from 0, to the words that say where the row stands.
Location = Callable[[int], str]


# What else can be done about a time that cannot be read.
WITHOUT_TIMES = "or leave the times out by --no-time (no_time=True in Python)"
# The years 1 to 9999, which calendars and datetimes have.
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799
_TICKS = {"ms": 10**3, "us": 10**6, "ns": 10**9}


def rows_of(where: str) -> Location:
    """The location of rows of a table in memory."""
    return lambda row: f"{where}, row {row + 1}"


def whole_seconds(at: pl.Series, where: str) -> pl.Series:
    """UTC seconds, from integers, or from dates and datetimes; in the years 1 to 9999."""
    return in_calendar(_seconds(at, where), at, lambda row: f"{where}, row {row + 1}")


def in_calendar(seconds: pl.Series, written: pl.Series, location: Location) -> pl.Series:
    """The seconds, Int64. Raises `InputError` for one outside the years 1 to 9999.

    written: the times as they were given, for the message.
    """
    whole = seconds.cast(pl.Int64, strict=False)
    inside = whole.is_between(FIRST_SECOND, LAST_SECOND).fill_null(False)
    if not inside.all():
        row = int((~inside).arg_max() or 0)
        raise InputError(
            f"{location(row)}: time {written.to_physical()[row]} is outside the years 1 to 9999; "
            f"give seconds since 1970, or dates, {WITHOUT_TIMES}"
        )
    return whole


def plain_numbers(ratings: pl.Series) -> pl.Series:
    """Decimals and integers of 128 bits as Float64, since numpy has neither."""
    wide = ratings.dtype.is_decimal() or "128" in str(ratings.dtype)
    return ratings.cast(pl.Float64) if wide else ratings


def _seconds(at: pl.Series, where: str) -> pl.Series:
    if at.dtype.is_integer():
        return at
    # By their numbers, which count from 1970 in UTC: polars panics at a day beyond its calendar.
    if at.dtype == pl.Date:
        return at.to_physical().cast(pl.Int64) * 86400
    if isinstance(at.dtype, pl.Datetime):
        return at.to_physical() // _TICKS[at.dtype.time_unit]
    whole = at.is_finite() & (at == at.floor()) if at.dtype.is_float() else None
    if whole is None or not whole.all():
        row = 0 if whole is None else int((~whole).arg_max() or 0)
        raise InputError(
            f"{where}, row {row + 1}: time {at[row]!r} is not a whole number of seconds; "
            "give seconds since 1970, or dates"
        )
    return at
