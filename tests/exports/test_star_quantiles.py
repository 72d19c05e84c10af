"""A person's ratings on the scale of a model, by the quantiles of two distributions."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.errors import InputError
from ratecast.exports.star_quantiles import StarDistribution, scaled_by_quantiles
from ratecast.ratings import Ratings, Scale

TEN, FIVE, HALVES = Scale(1, 10), Scale(1, 5), Scale(0.5, 5, 0.5)
MODEL = StarDistribution(FIVE, np.array([6.0, 11, 27, 34, 22]))


def test_by_hand() -> None:
    # Midpoint ranks 0.25, 0.6, 0.85; cumulated shares 0.06, 0.17, 0.44, 0.78, 1.
    ratings = [7] * 5 + [8] * 2 + [10] * 3
    assert scaled_by_quantiles(ratings, TEN, MODEL).tolist() == [3] * 5 + [4] * 2 + [5] * 3


def test_the_model_s_own_distribution_is_kept() -> None:
    ratings = np.repeat(FIVE.stars, [6, 11, 27, 34, 22])
    assert (scaled_by_quantiles(ratings, FIVE, MODEL) == ratings).all()
    gaps = StarDistribution(FIVE, np.array([0.0, 1, 0, 3, 0]))
    assert set(scaled_by_quantiles([2] * 3 + [4] * 9, FIVE, gaps)) == {2.0, 4.0}


@pytest.mark.parametrize("ratings", [[1, 10, 5.0], [8] * 40])
def test_few_or_equal_ratings_are_mapped_linearly(ratings: list[float]) -> None:
    expected = {1: 1.0, 10: 5.0, 5: 3.0, 8: 4.0}
    mapped = scaled_by_quantiles(ratings, TEN, MODEL)
    assert mapped.tolist() == [expected[int(rating)] for rating in ratings]
    assert scaled_by_quantiles([], TEN, MODEL).shape == (0,)


def test_halves_go_up() -> None:
    assert scaled_by_quantiles([1.5, 2.5], HALVES, StarDistribution(Scale(1, 10), np.ones(10)))[
        0
    ] == pytest.approx(3)
    # 2 of 1:3 is the middle of 1:4, 2.5.
    assert scaled_by_quantiles([2], Scale(1, 3), StarDistribution(Scale(1, 4), np.ones(4))) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 10), max_size=60),
    st.lists(st.floats(0, 100), min_size=10, max_size=10).filter(lambda counts: sum(counts) > 0),
)
def test_monotone_and_on_the_scale(ratings: list[int], counts: list[float]) -> None:
    mapped = scaled_by_quantiles(ratings, TEN, StarDistribution(HALVES, np.array(counts)))
    assert HALVES.holds(pl.Series(mapped)).all()
    order = np.argsort(np.array(ratings, int), kind="stable")
    assert (np.diff(mapped[order]) >= 0).all()
    assert len({(r, m) for r, m in zip(ratings, mapped, strict=True)}) == len(set(ratings))


def test_of_a_table() -> None:
    frame = pl.DataFrame({"user": [1, 1, 2], "movie": [1, 2, 1], "rating": [1.0, 5.0, 5.0]})
    ratings = Ratings(frame.with_columns(pl.col("rating").cast(pl.Float32)), scale=FIVE)
    assert StarDistribution.of(ratings).counts.tolist() == [1, 0, 0, 0, 2]


def test_refusals() -> None:
    with pytest.raises(InputError, match="rating 2: 11 is not on the scale 1:10:1"):
        scaled_by_quantiles([1, 11], TEN, MODEL)
    for counts in ([1.0, 2], [0.0] * 5, [1.0, -1, 1, 1, 1], [np.nan, 1, 1, 1, 1]):
        with pytest.raises(InputError, match="for each of the 5 stars of 1:5:1"):
            StarDistribution(FIVE, np.array(counts))
