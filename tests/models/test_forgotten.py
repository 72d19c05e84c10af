"""Movies and users without any rating left: after users are forgotten or ratings removed."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ratecast as rc
from ratecast.modelling.contract.model import Model
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import MODELS, load_model
from ratecast.queries.star_distribution import star_distribution
from ratecast.ratings import Ratings
from ratecast.training import make_model
from tests.planted import planted, with_sides

TABLE = with_sides(planted(users=30, rows=600))
MOVIE = 7
SHORT: dict[str, dict[str, Any]] = {
    "factorization_machine": {"chains": 1, "iterations": 30},
    "blend": {"chains": 1, "iterations": 30, "learn_shares": False},
    "auto": {"chains": 1, "iterations": 30},
} | {name: {"trainer": {"epochs": 1, "batch_size": 256}} for name in ("mf", "mf_bias", "neumf")}


@cache
def fit_of(name: str) -> Model:
    """A model fitted once for all tests; who changes it takes a copy."""
    return make_model(name, **SHORT.get(name, {})).fit(TABLE)


def raters(movie: int | None) -> list[int]:
    frame = TABLE.frame if movie is None else TABLE.frame.filter(movie=movie)
    return frame["user"].unique().sort().to_list()


def still_works(model: Model, folder: Path) -> None:
    """All that is asked of a model, before and after it was saved; the forecasts are the same."""
    model.save(folder)
    again = load_model(folder)
    expected = model.predict(TABLE)
    assert np.isfinite(expected.stars).all()
    assert np.isfinite(expected.probabilities).all()
    np.testing.assert_array_equal(again.predict(TABLE).probabilities, expected.probabilities)
    user = raters(None)[0]
    for one in (model, again):
        assert rc.top_n(one, [user, 999], 3, rated=TABLE)["rank"].to_list()[-3:] == [1, 2, 3]
        assert len(rc.top_n(one, 999, 50)) == 40
        assert star_distribution(one).counts.sum() == len(TABLE)
        if one.movie_factors() is not None:
            assert rc.similar(one, MOVIE, 3, min_ratings=0)["cosine"].is_finite().all()
        if one.updates_online():
            stream: Ratings = TABLE.sorted().take(slice(0, 40))
            assert np.isfinite(deepcopy(one).walk(stream).stars).all()
            later = deepcopy(one)
            later.observe(stream)
            assert np.isfinite(later.predict(TABLE).stars).all()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "attention"])
@pytest.mark.parametrize("movie", [MOVIE, None])
def test_users_who_are_forgotten(name: str, movie: int | None, tmp_path: Path) -> None:
    """All who rated one movie, or all users there are."""
    model = deepcopy(fit_of(name))
    for user in raters(movie):
        model.forget(user)
    assert set(model.users.known).isdisjoint(raters(movie))
    still_works(model, tmp_path / "m")
    split = rc.chronological(TABLE)
    with pytest.raises(rc.InputError, match="not fitted on exactly the train part"):
        rc.evaluate(model, split)


@pytest.mark.parametrize("movie", [MOVIE, None])
def test_ratings_that_are_removed(movie: int | None, tmp_path: Path) -> None:
    """All of one movie, or all there are, from a model that stores them."""
    model = make_model("state_space").fit(TABLE)
    assert isinstance(model, HistoryModel)
    frame = TABLE.frame if movie is None else TABLE.frame.filter(movie=movie)
    pairs = list(frame.select("user", "movie").iter_rows())
    assert model.unlearn(pairs) == len(pairs)
    assert model.counts.of_movies[model.movies.rows_of([MOVIE])] == 0
    still_works(model, tmp_path / "m")


def test_a_movie_without_ratings_in_train_is_evaluated() -> None:
    split = rc.chronological(TABLE)
    bare = split.train.take(split.train.frame["movie"] != MOVIE)
    parts = rc.Split("without", bare, split.valid, split.test)
    for name in ("bias", "als", "state_space", "cold_start"):
        frame = rc.evaluate(make_model(name), parts, notify=lambda _: None).frame
        assert frame["rmse"].is_finite().all()
