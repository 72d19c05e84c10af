"""Timestamps in any usual form, converted to UTC seconds; the machine's time zone has no effect."""

import numpy as np
import polars as pl

from ratecast.column_types import Location
from ratecast.errors import InputError
from ratecast.ratings import AT

# From this size on, a number is in the unit: 1e11 seconds would be the year 5138.
_UNITS = (
    (1e17, 10**9, "nanoseconds"),
    (1e14, 10**6, "microseconds"),
    (1e11, 10**3, "milliseconds"),
)
_ISO = (
    r"^\s*(?<day>\d{4}-\d{2}-\d{2})"
    r"(?:[T ](?<hour>\d{2}:\d{2})(?::(?<second>\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(?<zone>Z|z|UTC|[+-]\d{2}:?\d{2})?\s*$"
)
EXPECTED = "write integer seconds since 1970 or ISO 8601, as in 1998-04-20T17:05:00Z"


def to_seconds(times: pl.Series, location: Location) -> tuple[pl.Series, str | None]:
    """Int64 seconds since 1970 in UTC, (n,), and a note about the unit if it was inferred.

    times: numbers (seconds; milliseconds or finer if they are too large for seconds), dates, or
    ISO 8601 text; a time without a zone is UTC. location: of a row, for messages.
    """
    if times.dtype.is_integer() and times.cast(pl.Int64, strict=False).null_count():
        raise InputError(f"{location(0)}: times are beyond 64 bits; {EXPECTED}")
    if times.dtype.is_numeric():
        seconds, note = _from_numbers(times, location)
    elif times.dtype == pl.Date:
        seconds, note = times.cast(pl.Datetime("us")).dt.epoch("s"), None
    elif isinstance(times.dtype, pl.Datetime):
        # The stored number counts from 1970 in UTC in every zone, so no conversion is needed.
        seconds, note = times.dt.epoch("s"), None
    elif times.dtype == pl.String:
        seconds, note = _from_text(times, location), None
    else:
        raise InputError(f"{location(0)}: times are {times.dtype}; {EXPECTED}")
    return seconds.cast(pl.Int64).alias(AT), note


def _from_numbers(times: pl.Series, location: Location) -> tuple[pl.Series, str | None]:
    if times.dtype.is_float():
        bad = ~times.is_finite().fill_null(False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise InputError(f"{location(row)}: time {times[row]} is not finite; {EXPECTED}")
    size = float(np.abs(times.to_numpy()).max()) if len(times) else 0.0
    for least, per_second, unit in _UNITS:
        if size >= least:
            return (
                _floor(times / per_second) if times.dtype.is_float() else times // per_second
            ), f"{times.name}: read as {unit} since 1970"
    return _floor(times) if times.dtype.is_float() else times, None


def _floor(times: pl.Series) -> pl.Series:
    return times.floor().cast(pl.Int64)


def _from_text(times: pl.Series, location: Location) -> pl.Series:
    parts = times.to_frame("text").select(pl.col("text").str.extract_groups(_ISO)).unnest("text")
    clock = pl.format(
        "{}T{}:{}",
        "day",
        pl.col("hour").fill_null("00:00"),
        pl.col("second").fill_null("00"),
    )
    seconds = clock.str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False).dt.epoch("s")
    result = parts.select((seconds - _offset(pl.col("zone"))).alias(times.name)).to_series()
    if result.null_count():
        row = int(result.is_null().arg_max() or 0)
        raise InputError(f"{location(row)}: time {times[row]!r} cannot be read; {EXPECTED}")
    return result


def _offset(zone: pl.Expr) -> pl.Expr:
    """Seconds by which a zone such as +05:30 is ahead of UTC."""
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False)
    size = (hours * 3600 + minutes * 60).fill_null(0)
    return pl.when(zone.str.starts_with("-")).then(-size).otherwise(size)
