"""Times as people write them, brought to UTC seconds whatever the zone of the machine."""

from collections.abc import Callable

import numpy as np
import polars as pl

from ratecast.errors import InputError
from ratecast.ratings import AT

Place = Callable[[int], str]

# From here on a number is too large for its unit: 1e11 seconds are the year 5138.
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
WANTED = "write whole seconds since 1970 or ISO 8601, as in 1998-04-20T17:05:00Z"


def to_seconds(times: pl.Series, place: Place) -> tuple[pl.Series, str | None]:
    """Int64 seconds since 1970 in UTC, and what was assumed, if anything is worth saying.

    Numbers are seconds, or milliseconds and finer where they are too large for seconds; text is
    ISO 8601; a time without a zone is UTC. place: row number (from 0) to the words for it.
    """
    if times.dtype.is_numeric():
        seconds, note = _from_numbers(times, place)
    elif times.dtype == pl.Date:
        seconds, note = times.cast(pl.Datetime("us")).dt.epoch("s"), None
    elif isinstance(times.dtype, pl.Datetime):
        # The number inside counts from 1970 in UTC for every zone, so no conversion is due.
        seconds, note = times.dt.epoch("s"), None
    elif times.dtype == pl.String:
        seconds, note = _from_text(times, place), None
    else:
        raise InputError(f"{place(0)}: times are {times.dtype}; {WANTED}")
    return seconds.cast(pl.Int64).alias(AT), note


def _from_numbers(times: pl.Series, place: Place) -> tuple[pl.Series, str | None]:
    if times.dtype.is_float():
        bad = ~times.is_finite().fill_null(False)
        if bad.any():
            row = int(bad.arg_max() or 0)
            raise InputError(f"{place(row)}: time {times[row]} is none; {WANTED}")
    size = float(np.abs(times.to_numpy()).max()) if len(times) else 0.0
    for least, per_second, unit in _UNITS:
        if size >= least:
            return (
                _floor(times / per_second) if times.dtype.is_float() else times // per_second
            ), f"{times.name}: read as {unit} since 1970"
    return _floor(times) if times.dtype.is_float() else times, None


def _floor(times: pl.Series) -> pl.Series:
    return times.floor().cast(pl.Int64)


def _from_text(times: pl.Series, place: Place) -> pl.Series:
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
        raise InputError(f"{place(row)}: time {times[row]!r} cannot be read; {WANTED}")
    return result


def _offset(zone: pl.Expr) -> pl.Expr:
    """Seconds that a zone such as +05:30 is ahead of UTC."""
    digits = zone.str.replace(":", "", literal=True)
    hours = digits.str.slice(1, 2).cast(pl.Int64, strict=False)
    minutes = digits.str.slice(3, 2).cast(pl.Int64, strict=False)
    size = (hours * 3600 + minutes * 60).fill_null(0)
    return pl.when(zone.str.starts_with("-")).then(-size).otherwise(size)
