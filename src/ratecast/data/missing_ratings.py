"""Values that stand for "not rated": left out where given, suggested where they stand apart."""

import numpy as np
import polars as pl

from ratecast.column_types import Location
from ratecast.errors import InputError
from ratecast.ratings import RATING
from ratecast.visible_text import counted

# So many other values make the steps of a scale visible.
_LEAST_VALUES = 5
# An end of the scale that is this many of the widest step away from the other values stands apart.
_APART = 2.0
# How pandas, R and others write that there is no rating.
_EMPTY = ("", "na", "nan", "null", "none")


def numbers_of(text: pl.Series, location: Location) -> pl.Series:
    """Ratings from text, Float64, with a decimal point or comma; null where it is empty.

    Raises `InputError` for the first that is no number.
    """
    written = text.str.strip_chars().str.to_lowercase()
    empty = written.is_in(pl.Series(_EMPTY).implode()) | written.is_null()
    numbers = written.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    bad = numbers.is_null() & ~empty
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(f"{location(row)}: rating {text[row]!r} is not a number; correct it")
    return numbers.set(empty, None)


def is_missing(ratings: pl.Series, values: list[float]) -> pl.Series:
    """Whether each rating is one of `values`, as far as its type can tell."""
    kind = ratings.dtype if ratings.dtype.is_float() else pl.Float64
    return ratings.cast(kind).is_in(pl.Series(values, dtype=kind).implode())


def without_missing(
    frame: pl.DataFrame, values: list[float], where: str
) -> tuple[pl.DataFrame, list[str]]:
    """The rows that have a rating, and a note on how many have none."""
    if not values:
        return frame, []
    kept = frame.filter(~is_missing(frame[RATING], values))
    named = " or ".join(f"{value:g}" for value in values)
    if not kept.height:
        raise InputError(f"{where}: no rating but {named}, which --missing leaves out; change it")
    rows = counted(frame.height - kept.height, "row")
    return kept, [f"{where}: {rows} rated {named} left out, not rated"]


def suggestion(ratings: pl.Series) -> str | None:
    """A hint for a lone value at an end of the scale that may stand for "not rated"."""
    counts = ratings.drop_nulls().value_counts().sort(ratings.name)
    values, rows = counts[ratings.name].cast(pl.Float64).to_numpy(), counts["count"].to_numpy()
    if len(values) <= _LEAST_VALUES or not np.isfinite(values).all():
        return None
    steps = np.diff(values)
    for end, gap, others in ((0, steps[0], steps[1:]), (-1, steps[-1], steps[:-1])):
        share = rows[end] / rows.sum()
        apart = gap >= _APART * others.max()
        if apart or (values[end] == 0 and share > 0.5):
            value = f"{values[end]:g}"
            return (
                f"{share:.0%} of the ratings are {value}; if that is no rating: --missing {value} "
                "(missing= in Python)"
            )
    return None
