"""Timestamps in any usual form, converted to UTC seconds; the machine's time zone has no effect."""

from typing import NamedTuple

import polars as pl

from ratecast.column_types import WITHOUT_TIMES, Location
from ratecast.data.time_forms import Clock, clock_of_ticks, from_format, from_text, numbers_in
from ratecast.errors import InputError
from ratecast.ratings import AT
from ratecast.visible_text import counted

# The column of a table, while it is read, that orders the rows of one second.
FRACTION = "_fraction"
# From this size on, a number is in the unit: 1e11 seconds would be the year 5138, and 1e11
# milliseconds are of 1973, before which there are no ratings.
_UNITS = (
    (0.0, 1, "seconds"),
    (1e11, 10**3, "milliseconds"),
    (1e14, 10**6, "microseconds"),
    (1e17, 10**9, "nanoseconds"),
)
# Numbers that are dates: the least and greatest, what to add to have all parts, pattern and name.
_DATES = (
    (1900, 2100, "0101", "%Y%m%d", "years"),
    (19000101, 21001231, "", "%Y%m%d", "dates"),
    (19000101000000, 21001231235959, "", "%Y%m%d%H%M%S", "dates and times"),
)
# Of 1973: there are no ratings before.
_LATE = 100_000_000
EXPECTED = "write integer seconds since 1970 or ISO 8601, as in 1998-04-20T17:05:00Z"


class Times(NamedTuple):
    """Int64 seconds since 1970 in UTC, (n,), and what was read beside them.

    fraction: nanoseconds since the second, if any row has some. note: what was assumed, if so.
    """

    seconds: pl.Series
    fraction: pl.Series | None = None
    note: str | None = None


def to_seconds(times: pl.Series, location: Location, time_format: str | None = None) -> Times:
    """The times in UTC, of a column without nulls. Raises `InputError` for the first bad row.

    times: numbers (seconds, or finer if they are too large for seconds; dates such as 20240115 if
    every one is a date), dates, or text; a time without a zone is UTC. location: of a row, for
    messages. time_format: the pattern of strftime that text and numbers have; dates need none.
    """
    kind = times.dtype
    if isinstance(kind, pl.Categorical | pl.Enum):
        times = times.cast(pl.String)
    if kind.is_numeric():
        times = _as_numbers(times, location)
    if time_format is not None and (times.dtype == pl.String or times.dtype.is_numeric()):
        return _times(from_format(times.cast(pl.String), location, time_format))
    if times.dtype == pl.String:
        numbers = numbers_in(times)
        if numbers is None:
            return _times(from_text(times, location, EXPECTED))
        times = _as_numbers(numbers, location)
    if times.dtype.is_numeric():
        return _from_numbers(times, location)
    if kind == pl.Date:
        return Times(times.cast(pl.Int64).alias(AT) * 86400)
    if isinstance(kind, pl.Datetime):
        return _times(_from_datetimes(times))
    raise InputError(f"{location(0)}: times are {kind}; {EXPECTED}, {WITHOUT_TIMES}")


def unknown_note(seconds: pl.Series) -> str | None:
    """A note on times of 1970-01-01 or before, which may stand for unknown ones; None without them.

    Where all times are small numbers, they count something else than seconds since 1970.
    """
    early = int((seconds <= 0).sum())
    last = seconds.max()
    if not early or (isinstance(last, int) and 0 < last < _LATE):
        return None
    rows = counted(len(seconds), "row")
    return (
        f"times are 0 or less, 1970-01-01 or before, in {early:,} of {rows}, "
        f"which often stands for unknown; correct them, {WITHOUT_TIMES}"
    )


def in_time_order(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows by time if some have fractions of a second, which are dropped; else the frame."""
    if FRACTION not in frame.columns:
        return frame
    return frame.sort([AT, FRACTION], maintain_order=True).drop(FRACTION)


def _times(clock: Clock, note: str | None = None) -> Times:
    seconds, fraction = clock
    some = fraction is not None and bool((fraction != 0).any())
    kept = fraction.cast(pl.Int32).alias(FRACTION) if fraction is not None and some else None
    return Times(seconds.cast(pl.Int64).alias(AT), kept, note)


def _from_datetimes(times: pl.Series) -> Clock:
    # The stored number counts from 1970 in UTC in every zone, so no conversion is needed.
    unit = getattr(times.dtype, "time_unit", "us")
    return clock_of_ticks(times.to_physical(), {"ms": 10**3, "us": 10**6, "ns": 10**9}[unit])


def _as_numbers(times: pl.Series, location: Location) -> pl.Series:
    """Numbers of any type as Int64 if all are whole, else as Float64."""
    if times.dtype.is_integer():
        whole = times.cast(pl.Int64, strict=False)
        _refuse(whole.is_null(), times, location, "is beyond 64 bits")
        return whole
    times = times.cast(pl.Float64)
    _refuse(~times.is_finite().fill_null(False), times, location, "is not finite")
    _refuse(times.abs() >= 2.0**63, times, location, "is beyond 64 bits")
    return times.cast(pl.Int64) if bool((times == times.floor()).all()) else times


def _refuse(bad: pl.Series, times: pl.Series, location: Location, fault: str) -> None:
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(f"{location(row)}: time {times[row]} {fault}; {EXPECTED}, {WITHOUT_TIMES}")


def _from_numbers(times: pl.Series, location: Location) -> Times:
    dates = _from_dates(times, location)
    if dates is not None:
        return dates
    per_second, unit = _unit(times, location)
    note = None if per_second == 1 else f"{times.name}: read as {unit} since 1970"
    if times.dtype.is_integer():
        clock = (times, None) if per_second == 1 else clock_of_ticks(times, per_second)
        return _times(clock, note)
    exact = times / per_second
    return _times((exact.floor(), ((exact - exact.floor()) * 1e9).cast(pl.Int64)), note)


def _from_dates(times: pl.Series, location: Location) -> Times | None:
    """The times if every number is a date, such as 20240115, or a year; else None."""
    least, greatest = _range(times)
    for low, high, rest, pattern, name in _DATES:
        if not (times.dtype.is_integer() and low <= least and greatest <= high):
            continue
        text = times.cast(pl.String)
        dates = (text + rest if rest else text).str.to_datetime(pattern, strict=False)
        if not dates.null_count():
            example = f"{times[0]} is {dates.dt.strftime('%Y-%m-%d')[0]}"
            return _times(_from_datetimes(dates), f"{times.name}: read as {name}, {example}")
        if name == "dates":
            row = int(dates.is_null().arg_max() or 0)
            fault = f"{times[row]} is no date ({location(row)})"
            return Times(times.alias(AT), None, f"{times.name}: read as seconds, since {fault}")
    return None


def _unit(times: pl.Series, location: Location) -> tuple[int, str]:
    """How many of the unit are a second, and its name. Raises if the rows have several units."""
    least, greatest = _range(times)
    if max(-least, greatest) < _UNITS[1][0]:
        return _UNITS[0][1:]
    # A zero is zero in every unit.
    size = times.cast(pl.Float64).abs()
    ends = [start for start, _, _ in _UNITS[1:]] + [float("inf")]
    rows = []
    for (start, per_second, unit), end in zip(_UNITS, ends, strict=True):
        inside = (size >= start) & (size < end) & (size > 0)
        if inside.any():
            rows.append((int(inside.arg_max() or 0), per_second, unit))
    if len(rows) > 1:
        found = (f"{location(k)}: time {times[k]} is in {unit}" for k, _, unit in sorted(rows))
        raise InputError(f"{'; '.join(found)}; write all times in one unit, {WITHOUT_TIMES}")
    return rows[0][1:]


def _range(times: pl.Series) -> tuple[float, float]:
    """The least and the greatest, as numbers of Python, which do not overflow; 0 without rows."""
    least, greatest = times.min(), times.max()
    if not (isinstance(least, int | float) and isinstance(greatest, int | float)):
        return 0, 0
    return least, greatest
