"""NaN, infinity, off-scale and null anywhere: refused in one line, or read rightly."""

import copy
import json
import math
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast.cli import main
from ratecast.column_types import FIRST_SECOND, LAST_SECOND
from ratecast.data import describe
from ratecast.errors import InputError

QUICK = settings(max_examples=100, deadline=None, derandomize=True)
COLUMNS = ("user", "movie", "rating", "at")
SOUND = rc.load(
    pl.DataFrame(
        {
            "user": [k % 4 for k in range(20)],
            "movie": [k // 4 for k in range(20)],
            "rating": [1.0 + k * 7 % 5 for k in range(20)],
            "at": [1_000_000_000 + 1000 * k for k in range(20)],
        }
    ),
    scale="1:5:1",
)
FITTED = rc.Bias().fit(SOUND)
TYPES: list[Any] = [
    *(pl.Float64, pl.Float32, pl.Int64, pl.Int8, pl.UInt64, pl.Int128, pl.String, pl.Boolean),
    *(pl.Decimal(12, 2), pl.Categorical, pl.Date, pl.Datetime("ms"), pl.Datetime("ns", "UTC")),
    *(pl.Null, pl.Binary, pl.List(pl.Int64), pl.Duration("us"), pl.Time, pl.Object),
]
VALUES: list[Any] = [
    *(math.nan, math.inf, -math.inf, None, 1e300, -1e300, -0.0, 2.5, 7, -1, 0, 10**9),
    *(2**63 - 1, -(2**63), 2**64, 2**100, "", "x", "nan", "1e5", True, Decimal("2.25"), b"x"),
]
# Values that are no rating, whatever the scale.
NO_RATING = (math.nan, math.inf, -math.inf, None)


def _discard(_: str) -> None:
    """Notes are of no interest here."""


def _evaluated(table: Any) -> None:
    rc.evaluate(rc.Mean(), rc.Split("mine", SOUND, None, table), notify=_discard)


def _compared(table: Any) -> None:
    split = rc.Split("mine", SOUND, None, table)
    rc.compare([rc.Mean(), rc.Bias()], split, "test", notify=_discard)


CALLS: dict[str, Callable[[Any], Any]] = {
    "load": lambda table: rc.load(table, notify=_discard),
    "load on a scale": lambda table: rc.load(table, scale="1:5:1", notify=_discard),
    "fit": lambda table: rc.Bias().fit(table),
    "valid": lambda table: rc.Bias().fit(SOUND, table),
    "refit": lambda table: copy.deepcopy(FITTED).refit(table),
    "predict": FITTED.predict,
    "observe": lambda table: copy.deepcopy(FITTED).observe(table),
    "walk": lambda table: copy.deepcopy(FITTED).walk(table),
    "evaluate": _evaluated,
    "compare": _compared,
    "cross_validate": lambda table: rc.cross_validate(rc.Mean(), table, folds=2),
    "chronological": rc.chronological,
    "holdout": rc.holdout,
    "top_n": lambda table: rc.top_n(FITTED, [0, 9], n=2, rated=table),
}
# What does not look at ratings.
BLIND = ("predict", "top_n")


def sound(result: Any) -> bool:
    """Whether all numbers in the result are finite, and on the scale."""
    if isinstance(result, rc.Forecast):
        assert result.frame.height == len(result)
        inside = (result.stars >= 1) & (result.stars <= 5)
        return bool(inside.all() and np.allclose(result.probabilities.sum(axis=1), 1))
    if isinstance(result, rc.Ratings):
        return bool(
            np.isfinite(result.stars).all() and result.scale.holds(result.frame["rating"]).all()
        )
    return True


def refused(call: str, table: Any) -> str | None:
    """The one line of a refusal; None if the call worked, with sound numbers."""
    try:
        assert sound(CALLS[call](table))
    except InputError as error:
        line = str(error)
        assert line
        assert "\n" not in line
        return line
    return None


@st.composite
def with_value(draw: st.DrawFn) -> tuple[str, Any, list[Any]]:
    """A column, a value, and the column's values with that one among them."""
    column, value = draw(st.sampled_from(COLUMNS)), draw(st.sampled_from(VALUES))
    values = SOUND.frame[column].to_list()
    values[draw(st.integers(0, len(values) - 1))] = value
    return column, value, values


def frames(column: str, values: list[Any]) -> dict[str, Any]:
    """The sound table with another column, in every form that can hold it."""
    others = {name: SOUND.frame[name].to_list() for name in COLUMNS}
    result: dict[str, Any] = {"pandas": pd.DataFrame(others | {column: values})}
    try:
        frame = SOUND.frame.with_columns(pl.Series(column, values, strict=False))
    except (TypeError, OverflowError):
        return result
    result |= {"polars": frame, "lazy": frame.lazy()}
    if frame.schema[column] != pl.Int128:
        result["arrow"] = frame.to_arrow()
    return result | {"ratings": rc.Ratings(frame, scale=SOUND.scale)}


@QUICK
@given(drawn=with_value(), call=st.sampled_from(sorted(CALLS)))
def test_a_value(drawn: tuple[str, Any, list[Any]], call: str) -> None:
    column, value, values = drawn
    blind = column == "rating" and call in BLIND
    for form, table in frames(column, values).items():
        line = refused(call, table)
        if value is None or (column == "rating" and value in NO_RATING):
            assert (line is None) == blind, form


@QUICK
@given(
    column=st.sampled_from(COLUMNS),
    dtype=st.sampled_from(TYPES),
    call=st.sampled_from(sorted(CALLS)),
)
def test_a_type(column: str, dtype: Any, call: str) -> None:
    values = SOUND.frame[column]
    try:
        typed = pl.Series(column, values.to_list(), dtype=dtype, strict=False)
    except (TypeError, pl.exceptions.PolarsError):
        return
    frame = SOUND.frame.with_columns(typed)
    refused(call, rc.Ratings(frame, scale=SOUND.scale))
    fits = dtype.is_integer() or dtype.is_float() or (column == "rating" and dtype.is_decimal())
    same = fits and not typed.null_count() and bool((typed == values).all())
    assert refused(call, frame) == refused(call, frame.lazy())
    assert not (same and refused(call, frame))


@pytest.mark.parametrize("dtype", [pl.Decimal(12, 2), pl.Int128, pl.Float32, pl.Int8, pl.UInt64])
def test_ratings_of_any_number_are_the_same(dtype: Any) -> None:
    frame = SOUND.frame.with_columns(pl.col("rating").cast(dtype))
    for table in (frame, frame.lazy(), rc.Ratings(frame, scale=SOUND.scale)):
        assert rc.Bias().fit(table).learned_from == FITTED.learned_from


@QUICK
@given(at=st.integers(-(2**63), 2**63 - 1) | st.integers(FIRST_SECOND - 9, FIRST_SECOND + 9))
def test_a_time_is_in_the_calendar(at: int) -> None:
    frame = SOUND.frame.with_columns(at=pl.Series([at] * len(SOUND), dtype=pl.Int64))
    ratings = rc.Ratings(frame, scale=SOUND.scale)
    if not FIRST_SECOND <= at <= LAST_SECOND:
        with pytest.raises(InputError, match=r"row 1: time -?\d+ is outside the years 1 to 9999"):
            rc.Bias().fit(ratings)
        with pytest.raises(InputError, match="outside the years"):
            FITTED.predict([1], [2], at=at)
        return
    period = describe(rc.load(ratings))["period"]
    assert period["from"] == period["to"]
    assert period["from"].endswith("Z")
    assert len(FITTED.predict([1], [2], at=at)) == 1


@settings(max_examples=40, deadline=None, derandomize=True)
@given(drawn=with_value())
def test_a_file(drawn: tuple[str, Any, list[Any]]) -> None:
    """The command line has the same answers: exit code 0 or 2, one line, no traceback."""
    column, value, values = drawn
    texts = ["" if v is None else v.decode() if isinstance(v, bytes) else str(v) for v in values]
    frame = SOUND.frame.with_columns(pl.Series(column, texts))
    errors, output = StringIO(), StringIO()
    with TemporaryDirectory() as folder, redirect_stderr(errors), redirect_stdout(output):
        path = Path(folder) / "own.csv"
        frame.write_csv(path)
        code = main(["data", "describe", str(path), "--scale=1:5:1", "--json"])
    assert code in (0, 2)
    if column == "rating" and value in NO_RATING:
        assert code == 2
    if code == 2:
        # Notes may come before.
        assert errors.getvalue().splitlines()[-1].startswith("ratecast: ")
        assert errors.getvalue().count("ratecast: ") == 1
    else:
        assert json.loads(output.getvalue())["rows"] > 0
