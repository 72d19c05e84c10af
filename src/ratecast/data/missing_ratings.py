"""Ratings as numbers, and what stands for "not rated": one rule for files, frames and pairs.

A cell without a value (empty, null, NaN, or one of the words NA, N/A, null and None) has no rating.
It is refused with its row, unless `--missing` names one of these words, which stands for all of
them: then its row is left out. `--missing` may name other values too, numbers or text. In a wide
table such a cell has no row, and needs no option.
"""

import shlex
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from ratecast.arrays import F64
from ratecast.column_types import Location, plain_numbers
from ratecast.data.column_roles import is_recognised
from ratecast.errors import InputError
from ratecast.ratings import RATING
from ratecast.scale import Scale
from ratecast.table_options import TableOptions
from ratecast.visible_text import counted

# So many other values make the steps of a scale visible.
_LEAST_VALUES = 5
# An end of the scale that is this many of the widest step away from the other values stands apart.
_APART = 2.0
# Zeros that are most of the ratings, or so many times as frequent as any other low rating.
_MOST, _LEAST_SHARE, _MORE_FREQUENT = 0.5, 0.1, 5
# How pandas, R and others write that there is no value.
_EMPTY = ("", "na", "n/a", "<na>", "nan", "null", "none")
_LONGEST_HINT = 20


@dataclass(frozen=True)
class RatingRules:
    """What the ratings of a table may be.

    scale: the one they must be on; inferred if None. missing: values that stand for "not rated".
    in_memory: whether the table is no file, so that `rc.load` takes options for it. is_fixed:
    whether the scale is that of a model or of other ratings, which no option changes.
    """

    scale: Scale | None = None
    missing: tuple[str, ...] = ()
    in_memory: bool = False
    is_fixed: bool = False

    @classmethod
    def of_file(cls, options: TableOptions) -> "RatingRules":
        """Those that the options give for a file."""
        return cls(scale_given(options), options.missing_values)

    @classmethod
    def of_frame(cls, options: TableOptions, scale: Scale | None) -> "RatingRules":
        """Those of a table in memory. scale: that of a model or of other ratings, if it has one."""
        given = scale or scale_given(options)
        return cls(given, options.missing_values, in_memory=True, is_fixed=scale is not None)

    @cached_property
    def words(self) -> frozenset[str]:
        """The missing values that are text, in lower case."""
        return frozenset(text.lower() for text in self.missing if _number(text) is None)

    @cached_property
    def numbers(self) -> list[float]:
        """The missing values that are numbers."""
        return [number for text in self.missing if (number := _number(text)) is not None]

    @property
    def leaves_empty_out(self) -> bool:
        """Whether cells without a value are left out."""
        return not self.words.isdisjoint(_EMPTY)

    def without_words(self) -> "RatingRules":
        """These rules for a table whose words were read before."""
        return replace(
            self, missing=tuple(text for text in self.missing if _number(text) is not None)
        )

    def without_numbers(self) -> "RatingRules":
        """These rules without the missing values that are numbers."""
        return replace(self, missing=tuple(text for text in self.missing if _number(text) is None))

    def hint(self, value: str) -> str:
        """The option by which rows of this value are left out, as it is written."""
        if self.in_memory:
            return (
                f"missing={value!r} of rc.load"
                if _number(value) is None
                else f"missing={value} of rc.load"
            )
        return f"--missing={shlex.quote(value)} (missing= in Python)"


def numbers_of(
    column: pl.Series, rules: RatingRules, location: Location, *, optional: bool = False
) -> pl.Series:
    """The ratings as numbers, null where there is none or it is a missing value.

    Text has a decimal point or comma; blanks around it do not count. optional: whether a cell may
    have no value. Raises `InputError` for the first that is no number, or has no value.
    """
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        column = column.cast(pl.String)
    if column.dtype == pl.String:
        numbers, is_word = _of_text(column, rules, location)
    elif column.dtype.is_numeric() or column.dtype == pl.Null:
        numbers = plain_numbers(column) if column.dtype.is_numeric() else column.cast(pl.Float64)
        numbers, is_word = numbers.fill_nan(None) if numbers.dtype.is_float() else numbers, None
    else:
        raise InputError(f"{location(0)}: ratings are {column.dtype}; write numbers")
    if numbers.null_count() and not (optional or rules.leaves_empty_out):
        none = numbers.is_null() if is_word is None else numbers.is_null() & ~is_word
        if none.any():
            raise InputError(
                f"{location(int(none.arg_max() or 0))}: no rating; fill it in, or leave out such "
                f"rows by {rules.hint('NA')}"
            )
    return numbers.set(_is_one_of(numbers, rules.numbers), None) if rules.numbers else numbers


def without_missing(
    frame: pl.DataFrame, rules: RatingRules, where: str
) -> tuple[pl.DataFrame, list[str]]:
    """The rows that have a rating, and a note on how many have none. Those have null."""
    if not rules.missing:
        return frame, []
    kept = frame.filter(pl.col(RATING).is_not_null())
    numbers = [f"{number:g}" for number in rules.numbers]
    words = [text or "''" for text in rules.missing if _number(text) is None]
    named = " or ".join(numbers + words)
    if not kept.height:
        raise InputError(f"{where}: no rating but {named}, which --missing leaves out; change it")
    rows = counted(frame.height - kept.height, "row")
    return kept, [f"{where}: {rows} rated {named} left out, not rated"]


def suggestion(ratings: pl.Series, rules: RatingRules) -> str | None:
    """A hint for a lone value at an end of the scale that may stand for "not rated"."""
    counts = ratings.drop_nulls().value_counts().sort(ratings.name)
    values, rows = counts[ratings.name].cast(pl.Float64).to_numpy(), counts["count"].to_numpy()
    if len(values) <= _LEAST_VALUES or not np.isfinite(values).all():
        return None
    shares, steps = rows / rows.sum(), np.diff(values)
    for end, gap, others in ((0, steps[0], steps[1:]), (-1, steps[-1], steps[:-1])):
        apart = gap >= _APART * others.max()
        if apart or (end == 0 and values[0] == 0 and _is_heap(shares, values)):
            value = f"{values[end]:g}"
            return (
                f"{shares[end]:.0%} of the ratings are {value}; if that is no rating: "
                f"{rules.hint(value)}"
            )
    return None


def _is_heap(shares: F64, values: F64) -> bool:
    """Whether the first value is far more frequent than the others of the lower half."""
    low = shares[1:][values[1:] <= values[-1] / 2]
    most = low.max() if len(low) else 0.0
    return bool(
        shares[0] > _MOST or (shares[0] >= _LEAST_SHARE and shares[0] >= _MORE_FREQUENT * most)
    )


def _of_text(
    column: pl.Series, rules: RatingRules, location: Location
) -> tuple[pl.Series, pl.Series]:
    """The numbers, null where there is none, and whether each is text that stands for none."""
    written = column.str.strip_chars().str.to_lowercase()
    is_word = written.is_in(pl.Series(list(rules.words), dtype=pl.String).implode())
    empty = written.is_in(pl.Series(_EMPTY).implode()).fill_null(True)
    numbers = written.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
    bad = numbers.is_null() & ~empty & ~is_word.fill_null(False)
    if bad.any():
        row = int(bad.arg_max() or 0)
        text = column[row]
        shown = repr(text if len(text) <= 40 else f"{text[:40]}...")
        raise InputError(
            f"{location(row)}: rating {shown} is not a number; correct it{_instead(text, rules)}"
        )
    return numbers.set(empty, None), is_word.fill_null(False)


def _instead(text: str, rules: RatingRules) -> str:
    """What else can be done about a rating that is no number."""
    if is_recognised(text):
        header = ", or give --header yes (header=True in Python) if the row has the column names"
        return "" if rules.in_memory else header
    if len(text) > _LONGEST_HINT or "," in text:
        return ""
    return f", or give {rules.hint(text.strip())} if it stands for not rated"


def _is_one_of(ratings: pl.Series, values: list[float]) -> pl.Series:
    """Whether each rating is one of `values`, as far as its type can tell."""
    kind = ratings.dtype if ratings.dtype.is_float() else pl.Float64
    return ratings.cast(kind).is_in(pl.Series(values, dtype=kind).implode())


def _number(text: str) -> float | None:
    """The number that the text is; None for another text."""
    if text.lower() in _EMPTY:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def scale_given(options: TableOptions) -> Scale | None:
    """The scale, if the options have one."""
    return None if options.scale is None else Scale.parse(options.scale)
