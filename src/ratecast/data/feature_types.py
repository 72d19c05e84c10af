"""The type of a column of side information: one rule, for files and for tables in memory.

| type | taken for it | form |
| --- | --- | --- |
| number | numbers; text of which nine in ten values are numbers | Float64 |
| date | dates, times; text of which nine in ten values are dates | Float64, the year: 1995.5 |
| set | lists of text or of whole numbers; text as in a|b or ["a", "b"] | List(String) |
| vector | arrays of numbers, lists of fractions, text as in [0.1, 0.2] | Array(Float32, D) |
| category | true and false, categorical columns, text with few values | String |

Text has few values if they are at most 200 and occur twice or more on average. Other text, columns
without a value or with the same one everywhere, and nested columns are left out. A value that is
empty, null, NaN, NA or None is missing.
"""

import json
from ast import literal_eval
from typing import Any, NamedTuple

import polars as pl

from ratecast.column_types import Location
from ratecast.data.time_forms import from_text
from ratecast.data.titles import NO_GENRES
from ratecast.errors import InputError

MOST_CATEGORIES = 200
# So many values of a type, as a share, make a column of it; the others are faults then.
_MOST = 0.9
# Text is a set from this share of values with a bar on: in fewer, a bar is punctuation.
_WITH_BAR = 0.05
_MISSING = ("", "na", "n/a", "nan", "null", "none")
_LIST = r"^\[.*\]$"
_DATE = (
    r"(?i)^\d{4}[-/]\d{1,2}[-/]\d{1,2}"
    r"|^(?:\d{1,2}[ -])?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[ -]\d"
)
_YEAR_SECONDS = 365.2425 * 86400


class Typed(NamedTuple):
    """A column in the form of its type, and what it was taken for, in words."""

    column: pl.Series
    about: str


def typed(column: pl.Series, location: Location) -> Typed | str:
    """The column in the form of its type, or in words why it is left out.

    location: of a row, for messages.

    Raises `InputError` for a value that does not fit the others, with its row.
    """
    if isinstance(column.dtype, pl.Categorical | pl.Enum | pl.Boolean):
        return as_category(column)
    given = _without_missing(column)
    if given.null_count() == len(given):
        return f"{column.name} (no value)"
    found = _of_text(given, location) if given.dtype == pl.String else _of_type(given, location)
    if isinstance(found, Typed) and _is_constant(found.column):
        return f"{column.name} (one value)"
    return found


def as_category(column: pl.Series) -> Typed:
    """The column as text; every value is a label."""
    text = _without_missing(column.cast(pl.String))
    return Typed(text, f"{text.name} category of {text.drop_nulls().n_unique():,}")


def as_number(column: pl.Series, location: Location) -> Typed:
    """The column as numbers. Raises for a value that is none, or not finite."""
    given = _without_missing(column)
    numbers = given if given.dtype.is_integer() else given.cast(pl.Float64, strict=False)
    _refuse(numbers.is_null() & given.is_not_null(), given, location, "is not a number")
    _refuse(~numbers.is_finite().fill_null(True), given, location, "is not finite")
    return Typed(numbers, f"{column.name} number")


def as_set(column: pl.Series, location: Location) -> Typed:
    """The column as lists of text, each value once."""
    if column.dtype == pl.String:
        text = _without_missing(column)
        written = bool(_share(text, _LIST) >= _MOST)
        column = _listed(text, location, pl.String) if written else text.str.split("|")
    parts = column.cast(pl.List(pl.String)).list.eval(pl.element().str.strip_chars())
    some = pl.element().is_not_null() & ~pl.element().is_in(["", NO_GENRES])
    parts = parts.list.eval(pl.element().filter(some)).list.unique(maintain_order=True)
    return Typed(parts, f"{column.name} set of {parts.explode().drop_nulls().n_unique():,}")


def as_vector(column: pl.Series, location: Location) -> Typed:
    """The column as arrays of one length. Raises for one of another length, or not finite."""
    if column.dtype == pl.String:
        column = _listed(column, location, pl.Float64)
    lists = column.cast(pl.List(pl.Float32), strict=False)
    sizes = lists.list.len()
    size = int(sizes.drop_nulls().mode().min() or 0)  # type: ignore[arg-type]
    _refuse((sizes != size).fill_null(False), column, location, f"is not of {size} numbers")
    finite = lists.list.eval(pl.element().is_finite().fill_null(False)).list.all()
    _refuse(~finite.fill_null(True), column, location, "has a value that is not finite")
    return Typed(lists.cast(pl.Array(pl.Float32, size)), f"{column.name} vector of {size:,}")


def _of_type(column: pl.Series, location: Location) -> Typed | str:
    kind = column.dtype
    if kind.is_numeric():
        return as_number(column, location)
    if isinstance(kind, pl.Date | pl.Datetime):
        seconds = column.cast(pl.Datetime("us")).dt.epoch("s")
        return Typed(_years(seconds), f"{column.name} date")
    inner = getattr(kind, "inner", None)
    if isinstance(kind, pl.Array) and inner is not None and inner.is_numeric():
        return as_vector(column, location)
    if isinstance(kind, pl.List) and inner is not None:
        if inner.is_float() or inner.is_decimal():
            return as_vector(column, location)
        if inner.is_integer() or inner in (pl.String, pl.Categorical, pl.Null):
            return as_set(column, location)
    return f"{column.name} ({kind})"


def _of_text(text: pl.Series, location: Location) -> Typed | str:
    given = text.drop_nulls()
    if given.cast(pl.Float64, strict=False).is_not_null().mean() >= _MOST:  # type: ignore[operator]
        return as_number(text, location)
    if _share(text, _DATE) >= _MOST:
        return _date(text, location)
    if _share(text, _LIST) >= _MOST:
        numbers = _share(text, r"^\[\s*[-+\d.]") >= _MOST
        return (as_vector if numbers else as_set)(text, location)
    if _share(text, r"\|") >= _WITH_BAR:
        return as_set(text, location)
    values = given.n_unique()
    if values <= min(MOST_CATEGORIES, len(given) // 2):
        return as_category(text)
    return f"{text.name} (text of {values:,} values)"


def _date(text: pl.Series, location: Location) -> Typed:
    rows = text.is_not_null().arg_true()
    seconds, _ = from_text(text.drop_nulls(), lambda k: f"{location(rows[k])}, {text.name}", _HOW)
    years = pl.Series(text.name, [None] * len(text), pl.Float64)
    return Typed(years.scatter(rows, _years(seconds)), f"{text.name} date")


_HOW = "write it as in 1998-04-20"


def _years(seconds: pl.Series) -> pl.Series:
    return (seconds / _YEAR_SECONDS + 1970).cast(pl.Float64)


def _listed(text: pl.Series, location: Location, inner: type[pl.DataType]) -> pl.Series:
    """Lists that are written as JSON or Python writes them."""
    values = []
    for row, value in enumerate(text):
        parsed = None if value is None else _parsed(value)
        if value is not None and not isinstance(parsed, list):
            raise InputError(
                f"{location(row)}: {text.name} {_shortened(value)} is not a list; correct it"
            )
        values.append(parsed)
    return pl.Series(text.name, values, pl.List(inner), strict=False)


def _parsed(value: str) -> Any:
    for parse in (json.loads, literal_eval):
        try:
            return parse(value)
        except (ValueError, SyntaxError):
            continue
    return None


def _without_missing(column: pl.Series) -> pl.Series:
    """The column with null for every value that stands for none."""
    if column.dtype.is_float():
        return column.fill_nan(None)
    if column.dtype != pl.String:
        return column
    stripped = column.str.strip_chars()
    return stripped.set(stripped.str.to_lowercase().is_in(_MISSING), None)


def _share(text: pl.Series, pattern: str) -> float:
    """Share of the values that match."""
    share = text.drop_nulls().str.contains(pattern).mean()
    return share if isinstance(share, float) else 0.0


def _is_constant(column: pl.Series) -> bool:
    scalar = not isinstance(column.dtype, pl.List | pl.Array)
    return scalar and column.null_count() == 0 and column.n_unique() < 2 and len(column) > 1


def _refuse(bad: pl.Series, column: pl.Series, location: Location, fault: str) -> None:
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{location(row)}: {column.name} {_shortened(column[row])} {fault}; correct it or "
            "leave it empty"
        )


def _shortened(value: Any) -> str:
    text = repr(value.to_list() if isinstance(value, pl.Series) else value)
    return text if len(text) <= 40 else text[:40] + "..."
