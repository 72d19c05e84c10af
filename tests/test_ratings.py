import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.ratings import Ratings, checked
from tests.planted import planted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rating": [3.0, 5.5]}, "row 2: rating 5.5 is not on the scale 1:5:1"),
        ({"rating": [float("nan"), 2.0]}, "row 1: rating nan is not on the scale"),
        ({"rating": [2.0, 2.5]}, "row 2: rating 2.5"),
        ({"movie": [1, None]}, "row 2: no movie"),
        ({"user": [1.5, 2.0]}, "row 1: user 1.5 is not an integer"),
    ],
)
def test_a_bad_row_is_named(change: dict[str, list[float]], said: str) -> None:
    columns = {"user": [1, 2], "movie": [1, 2], "rating": [1.0, 2.0]} | change
    with pytest.raises(InputError, match=said):
        checked(Ratings(pl.DataFrame(columns)), "ratings.csv")


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InputError, match="no column 'rating'"):
        checked(Ratings(pl.DataFrame({"user": [1], "movie": [1]})))


def test_requests_carry_no_ratings() -> None:
    assert planted().requests().frame.columns == ["user", "movie", "at"]


def test_the_fingerprint_tells_tables_apart() -> None:
    table = planted()
    assert table.fingerprint() == planted().fingerprint()
    assert table.take(slice(1, None)).fingerprint() != table.fingerprint()
    other = table.frame.with_columns(rating=6 - pl.col("rating"))
    assert Ratings(other, scale=table.scale).fingerprint() != table.fingerprint()


def test_take_by_mask_numbers_and_slice() -> None:
    table = planted(rows=10)
    mask = np.arange(10) % 2 == 0
    by_mask = table.take(mask).frame
    assert by_mask.equals(table.take(np.flatnonzero(mask)).frame)
    assert by_mask.height == 5
    assert table.take(slice(2, 4)).frame.equals(table.frame[2:4])
