"""What is given to a fitted model or a forecast: frames of any library, levels, values."""

from typing import Any

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError


def test_requests_hold_frames_of_any_library() -> None:
    model = rc.Bias().fit(rc.example_ratings())
    frame = pl.DataFrame({"user": [1, 2], "movie": [3, 4]})
    movies = pl.DataFrame({"movie": [3], "title": ["a"]})
    expected = model.predict(rc.Requests(frame, movies=movies)).stars
    for convert in (pl.DataFrame.to_pandas, pl.DataFrame.to_arrow):
        table: Any = rc.Requests(convert(frame), movies=convert(movies))
        assert np.array_equal(model.predict(table).stars, expected)
    with pytest.raises(InputError, match=r"requests: no column 'user'"):
        model.predict(rc.Requests(frame.rename({"user": "who"}).to_pandas()))
    with pytest.raises(InputError, match=r"movies: list is no table"):
        model.predict(rc.Requests(frame, movies=[3]))  # type: ignore[arg-type]


def test_levels_and_values_that_are_none() -> None:
    model = rc.Bias().fit(rc.example_ratings(scale=rc.Scale(-10, 10, None)))
    forecast = model.predict([1, 2], [3, 4])
    levels: list[Any] = [[], 0.5, [0.0], [float("nan")], ["a"], [[0.5]]]
    for level in levels:
        with pytest.raises(InputError, match="quantiles: levels are"):
            forecast.quantiles(level)
    values: list[Any] = [[float("nan")] * 2, [1.0] * 3, "a", [[1.0], [2.0]]]
    for value in values:
        with pytest.raises(InputError, match="density: values are"):
            forecast.density(value)
    assert forecast.density(0).shape == forecast.density([0, 1]).shape == (2,)


def test_a_column_in_two_tables_of_movies_is_refused() -> None:
    ratings = rc.example_ratings()
    prices = pl.DataFrame({"movie": range(1, 41), "price": np.arange(40.0)})
    with pytest.raises(InputError, match=r"table 2: column 'price' is in movies too; rename"):
        rc.load(ratings, items=[prices, prices.with_columns(pl.col("price") * 2)])
