"""One rule says what type a column of side information has."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from ratecast.data.feature_types import Typed, typed
from ratecast.errors import InputError

LATER = pytest.approx(1971.72, abs=0.01)
NUMBER, SET, VECTOR = pl.Float64(), pl.List(pl.String), pl.Array(pl.Float32, 2)


def of(values: Any, kind: Any = None) -> Typed | str:
    return typed(pl.Series("x", values, kind), lambda row: f"f.csv, line {row + 2}")


@pytest.mark.parametrize(
    ("values", "form", "read"),
    [
        (["1.5", " 2", "", "NA"], NUMBER, [1.5, 2.0, None, None]),
        ([3, None, 4], pl.Int64(), [3, None, 4]),
        ([1.0, float("nan"), 2.0], NUMBER, [1.0, None, 2.0]),
        (["it", "fr", "it", "fr", ""], pl.String(), ["it", "fr", "it", "fr", None]),
        ([True, False, None], pl.String(), ["true", "false", None]),
        (["a|b", "c", "a|a", ""], SET, [["a", "b"], ["c"], ["a"], None]),
        (["['a', 'b']", '["c"]', "[]"], SET, [["a", "b"], ["c"], []]),
        ([["a", None, ""], None, ["b"]], SET, [["a"], None, ["b"]]),
        ([[1, 2], [3]], SET, [["1", "2"], ["3"]]),
        (["[1, 2.5]", "", "[3, 4]"], VECTOR, [[1.0, 2.5], None, [3.0, 4.0]]),
        ([[1.0, 2.0], None, [0.5, 4.0]], VECTOR, [[1.0, 2.0], None, [0.5, 4.0]]),
        (["1970-01-01", "", "20 Sep 1971"], NUMBER, [1970.0, None, LATER]),
        ([date(1970, 1, 1), None, date(1971, 9, 20)], NUMBER, [1970.0, None, LATER]),
    ],
)  # fmt: skip
def test_the_type_of_a_column(values: list[Any], form: pl.DataType, read: list[Any]) -> None:
    found = of(values)
    assert isinstance(found, Typed)
    assert found.column.dtype == form
    assert found.column.to_list() == read


def test_a_categorical_column_stays_one() -> None:
    found = of(["1", "2", "3"], pl.Categorical)
    assert isinstance(found, Typed)
    assert found.column.to_list() == ["1", "2", "3"]
    assert found.about == "x category of 3"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([f"A plot, the {k}th." for k in range(9)], "x (text of 9 values)"),
        (["", None, "NaN"], "x (no value)"),
        ([2.0, 2.0, 2.0], "x (one value)"),
        ([{"a": 1}, {"a": 2}], "x (Struct({'a': Int64}))"),
    ],
)
def test_what_is_left_out(values: list[Any], why: str) -> None:
    assert of(values) == why


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ([*"123456789", "free"], "line 11: x 'free' is not a number"),
        ([1.0, float("inf")], "line 3: x inf is not finite"),
        ([[1.0, 2.0], [1.0, 2.0], [1.0]], "line 4: x [1.0] is not of 2 numbers"),
        ([[1.0, 2.0], [1.0, None]], "line 3: x [1.0, None] has a value that is not finite"),
        (["1998-04-20"] * 9 + ["soon"], "line 11, x: time 'soon' cannot be read"),
        (["[1, 2]"] * 19 + ["[1, 2"], "line 21: x '[1, 2' is not a list"),
    ],
)
def test_a_bad_value_is_one_line_with_its_row(values: list[Any], fault: str) -> None:
    with pytest.raises(InputError) as raised:
        of(values)
    assert f"f.csv, {fault}" in str(raised.value)
    assert "\n" not in str(raised.value)
