"""What models keep by row number gives the forecasts that are computed from the tables."""

from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest

from ratecast.data.frames import ratings_of
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import encode_pairs
from ratecast.models import model_class
from ratecast.ratings import Ratings, Requests, checked
from tests.planted import planted, with_sides

SETTINGS = {
    "factorization_machine": {"chains": 1, "iterations": 25},
    "gaussian_process": {"iterations": 2},
    "cold_start": {},
    "blend": {"chains": 1, "iterations": 25, "learn_shares": False},
}
# 70, 71 and 50, 51 are new to the fit; of 61 and 41 it knows side information alone.
USERS, MOVIES = [1, 2, 3, 61, 70, 71, 99], [1, 2, 40, 41, 50, 51, 98, 99]


@cache
def table() -> Ratings:
    whole = with_sides(planted(rows=800))
    users = whole.users.with_columns(club=pl.when(pl.col("user") % 3 > 0).then(pl.lit("a")))
    one_user = pl.DataFrame({"user": [61], "age": [33], "gender": ["F"], "zip": ["7"]})
    movies = whole.movies.with_columns(
        tags=pl.Series([["new", "old"], ["old"], ["old", "long", "new"], None] * 10)
    )
    one_movie = pl.DataFrame({"movie": [41], "year": [1999], "genres": [["War"]]})
    users = pl.concat([users, one_user], how="diagonal")
    movies = pl.concat([movies, one_movie], how="diagonal")
    return ratings_of(replace(whole, users=users, movies=movies))


def fitted(name: str) -> Model:
    return model_class(name)(**SETTINGS[name]).fit(table())


def ratings(pairs: list[tuple[int, int]], **sides: pl.DataFrame) -> Ratings:
    users, movies = zip(*pairs, strict=True)
    frame = pl.DataFrame({"user": users, "movie": movies, "rating": [1.0] * len(pairs)})
    return checked(Ratings(frame, scale=table().scale, **sides))


def assert_kept_as_computed(model: Model) -> None:
    """All pairs at once, of each user, and each alone, as with all tables in the request."""
    users, movies = (grid.ravel().tolist() for grid in np.meshgrid(USERS, MOVIES, indexing="ij"))
    plain = Requests.of(users, movies)
    # Without the lines of those who are forgotten, whose ids are none.
    users_known = model.users.described.filter(pl.col("user") > 0)
    sides = {"users": users_known, "movies": model.movies.described}
    expected = model.predict(replace(plain, **sides)).probabilities
    np.testing.assert_array_equal(model.predict(plain).probabilities, expected)
    for start in range(0, len(users), len(MOVIES)):
        one = slice(start, start + len(MOVIES))
        for _ in range(2):
            of_user = model.predict(users[one], movies[one]).probabilities
            np.testing.assert_array_equal(of_user, expected[one])
    for k in range(len(users)):
        alone = model.predict(users[k : k + 1], movies[k : k + 1]).probabilities
        np.testing.assert_array_equal(alone[0], expected[k])


@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_kept_is_what_the_tables_give(name: str) -> None:
    model = fitted(name)
    assert_kept_as_computed(model)
    movie = pl.DataFrame({"movie": [50], "year": [1890], "genres": [["Opera", "War"]]})
    model.add_movies(movie.with_columns(tags=pl.Series([["old", "none"]])))
    assert_kept_as_computed(model)
    user = pl.DataFrame({"user": [70], "age": [99], "gender": ["X"], "zip": ["Z"], "club": ["a"]})
    model.observe(ratings([(70, 50), (1, 51), (1, 2)], users=user))
    model.observe(ratings([(71, 1)]))
    assert_kept_as_computed(model)
    model.forget(1)
    model.forget(70)
    assert_kept_as_computed(model)


@pytest.mark.parametrize("name", ["cold_start", "factorization_machine"])
def test_a_request_may_bring_side_information_of_a_known_id(name: str) -> None:
    model = fitted(name)
    asked = Requests.of([1, 2], [1, 1])
    before = model.predict(asked)
    other = table().users.filter(pl.col("user") == 2).with_columns(user=pl.lit(1, pl.Int64))
    brought = model.predict(replace(asked, users=other))
    assert brought.stars[0] != before.stars[0]
    assert brought.stars[1] == before.stars[1]
    np.testing.assert_array_equal(model.predict(asked).stars, before.stars)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_frame_is_made_of_plain_requests(name: str) -> None:
    model = model_class(name)(**SETTINGS[name]).fit(planted(rows=400))
    for user, movie in ((1, 1), (999, 1), (1, 1)):
        rows = encode_pairs(model, [user], [movie])
        model.predict_rows(rows)
        assert "frame" not in rows.table.__dict__
