"""What is given to a fitted model or a forecast: frames of any library, levels, values."""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError
from tests.planted import planted, with_sides


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


SIDES: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"film": [99], "year": [1960]}, r"movies: no column 'movie'; columns are \['film'"),
    "an empty id": (
        {"movie": [99, None], "year": [1960, 1]},
        "movies, row 2: no movie; fill it in",
    ),
    "an id that is none": (
        {"movie": [99.5], "year": [1960]},
        "movies, row 1: movie 99.5 is not an",
    ),
    "two rows": (
        {"movie": [99, 99], "year": [1960, 1961]},
        "movies, row 2: movie 99 has another row, movies, row 1, that differs; keep one of them",
    ),
    "two forms of an id": (
        {"movie": ["99", "99.0"], "year": [1, 2]},
        "movies, row 2: movie 99 has",
    ),
    "parts": ({"movie": [99], "year": [{"a": 1}]}, "row 1: year is Struct.*; write one value in"),
    "lists of parts": ({"movie": [99], "genres": [[{"a": "b"}]]}, "genres is List.*; write a list"),
}


@pytest.mark.parametrize("kind", SIDES)
def test_side_information_of_requests_is_checked(kind: str) -> None:
    movies = pl.DataFrame({"movie": range(1, 41), "year": range(1951, 1991)})
    movies = movies.with_columns(genres=pl.Series([["Drama"], ["War"]] * 20))
    ratings = rc.Ratings(rc.example_ratings().frame, movies=movies)
    model = rc.ColdStart().fit(ratings)
    content, line = SIDES[kind]
    bad, frame = pl.DataFrame(content, strict=False), pl.DataFrame({"user": [1], "movie": [99]})
    given = rc.Ratings(frame.with_columns(rating=pl.lit(3.0)), movies=bad)
    calls: list[Callable[[], Any]] = [
        lambda: model.predict(rc.Requests(frame, movies=bad)),
        lambda: copy.deepcopy(model).observe(given),
    ]
    for call in calls:
        with pytest.raises(InputError, match=line) as refused:
            call()
        assert "\n" not in str(refused.value)


def test_side_information_of_requests_may_have_other_names() -> None:
    train = with_sides(planted())
    model = rc.ColdStart().fit(train)
    frame = pl.DataFrame({"user": [1], "movie": [99]})
    side = pl.DataFrame({"movie": [99], "year": [1960], "genres": [["Drama"]]})
    expected = model.predict(rc.Requests(frame, movies=side)).stars
    assert expected != model.predict(rc.Requests(frame)).stars
    named = side.rename({"year": "releaseYear", "genres": "Genre"})
    for table in (named, pl.concat([named, named])):
        assert model.predict(rc.Requests(frame, movies=table)).stars == expected


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
