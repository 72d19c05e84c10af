"""Times written as text: every form is written as ISO 8601 first, then read by its columns.

All is done by expressions over whole columns, because a table may have millions of rows.
"""

import re

import polars as pl

from ratecast.column_types import WITHOUT_TIMES, Location
from ratecast.errors import InputError

# Seconds since 1970 in UTC, and the nanoseconds since the second if they are known.
Clock = tuple[pl.Series, pl.Series | None]

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_MINUTE = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# A leap second is the first second of the next minute.
_SECOND = r":(?:[0-5][0-9]|60)(?:[.,][0-9]+)?"
_LONG_ZONE = r"Z|z|UTC|GMT|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9]"
_ZONE = rf"(?:{_LONG_ZONE}|[+-](?:[01][0-9]|2[0-3]))"
# Here the parts have fixed places: 1998-04-20, or 1998-04-20T17:05, seconds, fraction and zone.
_ISO = rf"^{_DAY}(?:[Tt ]{_MINUTE}(?:{_SECOND})? ?{_ZONE}?)?$"
# What has other places in ISO 8601 is written so.
_MOVED = (
    (rf"^({_DAY})\s*({_LONG_ZONE})$", "${1}T00:00:00${2}"),
    (rf"^({_DAY})[Tt ]\s*({_MINUTE}(?:{_SECOND})?)\s*({_ZONE}?)$", "${1}T${2}${3}"),
)
# Their first three letters say which; each may be written whole or short.
_MONTHS = {
    "jan": "uary", "feb": "ruary", "mar": "ch", "apr": "il", "may": "", "jun": "e",
    "jul": "y", "aug": "ust", "sep": "tember", "oct": "ober", "nov": "ember", "dec": "ember",
}  # fmt: skip
_MONTH = "|".join([*(f"{short}(?:{rest})?" for short, rest in _MONTHS.items()), "sept"])
_WEEKDAY = "(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?,? +)?"
# Dates whose year comes first in digits, or whose month has a name; the rest is a time of day.
_WRITTEN = (
    r"^(?<year>[0-9]{4})/(?<month>[0-9]{1,2})/(?<day>[0-9]{1,2})(?<rest>(?:[Tt ].*)?)$",
    r"^(?<year>[0-9]{4})(?<month>[0-9]{2})(?<day>[0-9]{2})(?<rest>(?:[Tt ].*)?)$",
    rf"(?i)^{_WEEKDAY}(?<day>[0-9]{{1,2}})[ -](?<month>{_MONTH})[.,]?[ -](?<year>[0-9]{{4}})"
    r"(?<rest>(?:,? .*)?)$",
    rf"(?i)^{_WEEKDAY}(?<month>{_MONTH})\.? +(?<day>[0-9]{{1,2}}),? +(?<year>[0-9]{{4}})"
    r"(?<rest>(?:,? .*)?)$",
    rf"(?i)^{_WEEKDAY}(?<month>{_MONTH}) +(?<day>[0-9]{{1,2}}) +(?<rest>[0-9:.]+) +"
    r"(?<year>[0-9]{4})$",
)
_AMBIGUOUS = re.compile(r"[0-9]{1,2}([/.-])[0-9]{1,2}\1([0-9]{4}|[0-9]{2})\b.*")
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]*)?\s*")
_FORMAT = "give its form by --time-format, as in %m/%d/%Y (time_format in Python)"


def clock_of_ticks(ticks: pl.Series, per_second: int) -> Clock:
    """Whole seconds and nanoseconds, from integers that count a unit; both rounded down."""
    seconds = ticks // per_second
    return seconds, (ticks - seconds * per_second) * (10**9 // per_second)


def numbers_in(text: pl.Series) -> pl.Series | None:
    """The numbers that the text consists of, or None if a row is another text."""
    if not len(text) or not _NUMBER.fullmatch(text[0] or ""):
        return None
    for kind in (pl.Int64, pl.Float64):
        numbers = text.str.strip_chars().cast(kind, strict=False)
        if not numbers.null_count():
            return numbers
    return None


def from_format(text: pl.Series, location: Location, time_format: str) -> Clock:
    """The times that the pattern of strftime finds. Raises for the first row it does not match."""
    if re.search(r"(?<!%)(?:%%)*%Z", time_format):
        raise InputError(
            f"time format {time_format!r}: %Z, the name of a zone, is not read; use %z, as of +0530"
        )
    # In the patterns of polars %f is nanoseconds; here it is as in Python.
    pattern = time_format.strip().replace(".%f", "%.f").replace("%f", "%6f")
    try:
        found = text.str.strip_chars().str.to_datetime(pattern, time_unit="us", strict=False)
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"time format {time_format!r}: {reason}; write it as in %m/%d/%Y %H:%M"
        ) from None
    # polars reads 97 by %Y, as the year 97.
    bad = found.is_null() | (found.dt.year() < 1000).fill_null(True)
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{location(row)}: time {_shortened(text[row])} does not match the time format "
            f"{time_format!r}; correct one of them, {WITHOUT_TIMES}"
        )
    return clock_of_ticks(found.to_physical(), 10**6)


def from_text(text: pl.Series, location: Location, expected: str) -> Clock:
    """The times in ISO 8601 or another unambiguous form. Raises for the first other row."""
    iso = text.str.contains(_ISO)
    written = text if iso.all() else _as_iso(text, iso.fill_null(False))
    seconds, fraction = _from_iso(written)
    if seconds.null_count():
        raise _unread(text, seconds.is_null(), location, expected)
    return seconds, fraction


def _unread(text: pl.Series, bad: pl.Series, location: Location, expected: str) -> InputError:
    """The error for the first bad row; where most rows are numbers, for the first that is none."""
    numbers = text.str.contains(f"^{_NUMBER.pattern}$")
    mostly = int(numbers.sum()) * 2 > len(text)
    row = int((~numbers if mostly else bad).arg_max() or 0)
    fault = f"{location(row)}: time {_shortened(text[row])} cannot be read"
    if mostly or numbers[row]:
        others = "numbers" if mostly else "dates"
        fault += f" where most are {others}; write all in one form"
        return InputError(f"{fault}, {WITHOUT_TIMES}")
    if _AMBIGUOUS.fullmatch((text[row] or "").strip()):
        return InputError(f"{fault}: is the day or the month first? {_FORMAT}, {WITHOUT_TIMES}")
    return InputError(f"{fault}; {expected}, or {_FORMAT}, {WITHOUT_TIMES}")


def _as_iso(text: pl.Series, iso: pl.Series) -> pl.Series:
    """The text with every row in the form of `_ISO`, or null; rows that are `iso` stay."""
    others = text.filter(~iso).str.strip_chars()
    for pattern in _WRITTEN:
        if others.str.contains(pattern).any():
            others = _with_parts(others, pattern)
    for pattern, moved in _MOVED:
        if not others.str.contains(_ISO).all():
            others = others.str.replace(pattern, moved)
    valid = others.to_frame("text").select(
        pl.when(pl.col("text").str.contains(_ISO)).then(pl.col("text"))
    )
    place = (~iso).cum_sum().cast(pl.Int64) - 1
    return text.zip_with(iso, valid.to_series().gather(place.clip(0)))


def _with_parts(text: pl.Series, pattern: str) -> pl.Series:
    """The text with the rows that match the pattern written as year-month-day and the rest."""
    parts = text.to_frame("text").with_columns(
        pl.col("text").str.extract_groups(pattern).alias("p")
    )
    day, month, year, rest = (
        pl.col("p").struct.field(name) for name in ("day", "month", "year", "rest")
    )
    numbers = {short: f"{k:02}" for k, short in enumerate(_MONTHS, 1)}
    if "jan" in pattern:
        month = month.str.slice(0, 3).str.to_lowercase().replace(numbers)
    # The rest starts with its separator, but for the time between the day and the year.
    clock = rest.str.strip_chars_start(" ,Tt")
    date = pl.format("{}-{}-{}", year, month.str.zfill(2), day.str.zfill(2))
    iso = pl.when(clock == "").then(date).otherwise(pl.format("{}T{}", date, clock))
    return parts.select(pl.coalesce(iso, "text")).to_series()


def _from_iso(text: pl.Series) -> Clock:
    """Seconds, null where there is no such day or the text is null; the rows match `_ISO`."""
    frame, col = text.alias("text").to_frame(), pl.col("text")
    to_second = col.str.slice(16, 1) == ":"
    day = col.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).cast(pl.Int64)
    second = pl.when(to_second).then(_digits(col, 17)).otherwise(0)
    parts = frame.select(
        (day * 86400 + _digits(col, 11) * 3600 + _digits(col, 14) * 60 + second).alias("seconds"),
        pl.when(to_second).then(col.str.slice(19)).otherwise(col.str.slice(16)).alias("rest"),
    )
    rest = parts["rest"]
    if not rest.str.contains("[.,+-]").any():
        return parts["seconds"], None
    zones = parts.select("rest", zone=pl.col("rest").str.strip_chars_start(".,0123456789 "))
    seconds = parts["seconds"] - zones.select(_offset(pl.col("zone"))).to_series()
    if not rest.str.contains("^[.,]").any():
        return seconds, None
    length = pl.col("rest").str.len_bytes() - pl.col("zone").str.len_bytes()
    # Without a fraction the length is below one, and the digits are none.
    digits = pl.col("rest").str.slice(1, (length.cast(pl.Int64) - 1).clip(0))
    fraction = digits.str.strip_chars_end(" ").str.slice(0, 9).str.pad_end(9, "0")
    return seconds, zones.select(fraction.cast(pl.Int64)).to_series()


def _digits(text: pl.Expr, start: int) -> pl.Expr:
    """The number of two digits from `start` on, 0 if there is none."""
    return text.str.slice(start, 2).cast(pl.Int64, strict=False).fill_null(0)


def _offset(zone: pl.Expr) -> pl.Expr:
    """Seconds by which a zone such as +05:30, +0530 or +05 is ahead of UTC; 0 for Z and none."""
    minutes = pl.when(zone.str.len_bytes() > 3).then(_digits(zone, -2)).otherwise(0)
    size = _digits(zone, 1) * 3600 + minutes * 60
    return pl.when(zone.str.starts_with("-")).then(-size).otherwise(size)


def _shortened(text: str | None) -> str:
    return repr(text if text is None or len(text) <= 40 else text[:40] + "...")
