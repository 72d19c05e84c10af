"""The models that use side information take it from a request and keep it in an artifact."""

from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.data.frames import ratings_of
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Ratings, Requests, checked
from ratecast.splits import chronological
from tests.planted import planted, rmse, with_sides

# Fewer draws; of the parts of a mean none may be left out.
SHORT: dict[str, dict[str, Any]] = {
    "factorization_machine": {"chains": 1, "iterations": 40},
    "blend": {"chains": 1, "iterations": 40, "learn_shares": False},
}
FROZEN = ("factorization_machine", "gaussian_process", "cold_start", "blend")


def make(name: str) -> Model:
    return model_class(name)(**SHORT.get(name, {}))


@cache
def fit_of(name: str) -> Model:
    """A model fitted once for all tests; who changes it takes a copy."""
    return make(name).fit(chronological(with_sides(planted())).train)


@pytest.mark.parametrize("name", FROZEN)
def test_side_information_of_a_stranger_is_used(name: str, tmp_path: Path) -> None:
    model = fit_of(name)
    asked = Requests(
        pl.DataFrame({"user": [999, 999, 998], "movie": [999, 1, 999], "at": [9_000_000] * 3}),
        movies=pl.DataFrame({"movie": [999], "year": [1960], "genres": [["Drama"]]}),
        users=pl.DataFrame({"user": [999], "age": [30], "gender": ["F"], "zip": ["9"]}),
    )
    stars = model.predict(asked).stars
    assert np.isfinite(stars).all()
    model.save(tmp_path / "artifact")
    np.testing.assert_array_equal(load_model(tmp_path / "artifact").predict(asked).stars, stars)


def test_all_are_in_the_table() -> None:
    assert set(FROZEN) <= set(MODELS)


@pytest.mark.parametrize("name", FROZEN)
def test_new_labels_and_ids_heard_survive_the_artifact(name: str, tmp_path: Path) -> None:
    model = deepcopy(fit_of(name))
    heard = Ratings(
        pl.DataFrame({"user": [70, 71, 70], "movie": [50, 51, 1], "rating": [5.0, 1.0, 4.0]}),
        movies=pl.DataFrame({"movie": [50], "year": [1890], "genres": [["Opera", "War"]]}),
        users=pl.DataFrame({"user": [70], "age": [99], "gender": ["X"], "zip": ["Z"]}),
        scale=model.scale,
    )
    model.observe(checked(heard))
    asked = Requests.of([70, 71, 72, 1], [50, 51, 50, 51], at=9_000_000)
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact").predict(asked)
    np.testing.assert_array_equal(again.probabilities, model.predict(asked).probabilities)


OWN = ("cold_start", "factorization_machine", "state_space", "blend")


def own_columns(random: np.random.Generator) -> tuple[Ratings, Ratings, Ratings]:
    """Ratings whose movies differ by columns of any names; the last tenth of the movies is cold.

    The parts without cold movies and with them alone, and the cold ones with no columns.
    """
    movies = pl.DataFrame({"movie": range(1, 201)}).with_columns(
        good=pl.Series(random.normal(size=200)),
        land=pl.Series(random.choice(["it", "fr"], 200)),
    )
    vectors = random.normal(size=(200, 4))
    movies = movies.with_columns(look=pl.Series(vectors.tolist(), dtype=pl.Array(pl.Float32, 4)))
    user, movie = (grid.ravel() for grid in np.meshgrid(np.arange(1, 61), np.arange(1, 201)))
    worth = movies["good"].to_numpy() + (movies["land"] == "it").to_numpy() + vectors[:, 0]
    stars = np.clip(np.round(3 + 0.7 * worth[movie - 1] + random.normal(0, 0.3, len(user))), 1, 5)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars})
    table = ratings_of(Ratings(frame, movies=movies))
    kept = random.random(len(user)) < 0.25
    cold = table.take((movie > 180) & kept)
    bare = checked(replace(cold, movies=movies.select("movie")))
    return table.take((movie <= 180) & kept), cold, bare


@pytest.mark.parametrize("name", OWN)
def test_columns_of_any_names_forecast_new_movies(name: str, tmp_path: Path) -> None:
    train, cold, bare = own_columns(np.random.default_rng(0))
    model = make(name).fit(train)
    forecast = model.predict(cold.requests())
    without = make(name).fit(replace(train, movies=bare.movies))
    without_columns = rmse(without.predict(bare.requests()).stars, cold.stars)
    assert rmse(forecast.stars, cold.stars) < 0.8 * without_columns
    model.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    np.testing.assert_array_equal(again.predict(cold.requests()).stars, forecast.stars)
    # The artifact keeps the columns of movies without ratings.
    pairs = cold.frame["user"], cold.frame["movie"]
    np.testing.assert_array_equal(again.predict(*pairs).stars, forecast.stars)
    model.observe(cold)
    later = model.predict(*pairs)
    again.observe(bare)
    np.testing.assert_array_equal(again.predict(*pairs).stars, later.stars)


@pytest.mark.parametrize("name", [*OWN, "gaussian_process", "als"])
def test_movies_with_a_row_and_no_rating_are_forecast_as_without_one(name: str) -> None:
    train = with_sides(planted())
    model = make(name).fit(train.take(train.frame["movie"] <= 35))
    everything = train.requests()
    before = model.predict(everything)
    model.add_unrated_movies()
    assert len(model.movies) - 1 == (40 if model.uses_side_information else 35)
    after = model.predict(everything)
    np.testing.assert_allclose(after.stars, before.stars, rtol=1e-12)
    known = train.frame["movie"].to_numpy() <= 35
    np.testing.assert_array_equal(after.probabilities[known], before.probabilities[known])
    np.testing.assert_array_equal(after.basis, before.basis)


def test_columns_of_users_forecast_new_users() -> None:
    random = np.random.default_rng(0)
    users = pl.DataFrame({"user": range(1, 121)}).with_columns(
        mood=pl.Series(random.normal(size=120)), club=pl.Series(random.choice(["a", "b"], 120))
    )
    user, movie = random.integers(1, 121, 3000), random.integers(1, 31, 3000)
    kind = users["mood"].to_numpy() + (users["club"] == "a").to_numpy()
    stars = np.clip(np.round(3 + 0.7 * kind[user - 1] + random.normal(0, 0.3, 3000)), 1, 5)
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars}).unique(["user", "movie"])
    table = ratings_of(Ratings(frame, users=users))
    new = table.frame["user"].to_numpy() > 100
    for name in ("cold_start", "factorization_machine", "state_space"):
        model = model_class(name)().fit(table.take(~new))
        bare = checked(replace(table, users=users.select("user")))
        without = model_class(name)().fit(bare.take(~new))
        stars, test = table.stars[new], table.take(new).requests()
        without_columns = rmse(without.predict(bare.take(new).requests()).stars, stars)
        assert rmse(model.predict(test).stars, stars) < 0.85 * without_columns, name


def test_a_request_may_have_other_types_of_the_same_columns() -> None:
    train, cold, _ = own_columns(np.random.default_rng(0))
    model = model_class("cold_start")().fit(train)
    movie = cold.movies.filter(pl.col("movie") == 190)
    text = movie.with_columns(pl.col("good").cast(pl.String), pl.col("look").arr.to_list())
    frame = pl.DataFrame({"user": [1], "movie": [190]})
    stars = [model.predict(Requests(frame, movies=side)).stars[0] for side in (movie, text)]
    assert stars[0] == stars[1]
    bad = movie.with_columns(good=pl.lit("very"))
    with pytest.raises(
        InputError, match="movies of the request, row 1: good 'very' is not a number"
    ):
        model.predict(Requests(frame, movies=bad))
    short = movie.with_columns(look=pl.Series([[1.0]]))
    with pytest.raises(InputError, match=r"look is Array\(Float32, shape=\(1,\)\), not Array"):
        model.predict(Requests(frame, movies=short))
