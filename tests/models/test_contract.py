"""What every model of the table must do: one test for all."""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.data.duplicates import keep_latest
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Ratings, Requests
from ratecast.splits import Split, chronological
from ratecast.training import make_model
from tests.planted import planted, rmse, turned

NETS = ("mf", "mf_bias", "neumf", "attention")
# Their shares are learned in tests of their own.
MEANS = ("blend", "auto")
# Short fits; nothing below asks for more of them.
QUICK: dict[str, dict[str, Any]] = {
    **{name: {"trainer": {"epochs": 2, "batch_size": 256}} for name in NETS},
    "factorization_machine": {"chains": 2, "iterations": 40},
    **{name: {"chains": 2, "iterations": 40, "learn_shares": False} for name in MEANS},
    "state_space": {"iterations": 5},
}
# Those that can update without a refit.
ONLINE = [name for name in MODELS if model_class(name).updates_online()]
FIELDS = ("stars", "probabilities", "history_length", "basis")
UNKNOWN = 999

# Nets are compared with a refit where their learning rate has fallen to 0, so that little is left
# to chance.
CONVERGED: dict[str, Any] = {"epochs": 60, "batch_size": 512, "learning_rate": 0.03, "patience": 1}
REFITTED: dict[str, dict[str, Any]] = {
    "mf": {"factors": 2, "id_dropout": 0.0, "trainer": CONVERGED},
    "mf_bias": {"factors": 2, "id_dropout": 0.0, "trainer": CONVERGED},
    "neumf": {"factors": 2, "id_dropout": 0.0, "dropout": 0.0, "trainer": CONVERGED},
}
# Their shares are learned, here too.
FEWER_DRAWS: dict[str, dict[str, Any]] = {name: {"chains": 2, "iterations": 40} for name in MEANS}
# Of a known user these forecast no more than of a new one.
IMPERSONAL = ("mean", "cold_start")
# Stars, RMSE: for the requests of the user held back, and for those of all users.
BANDS = {"factorization_machine": 0.15, "variational_mf": 0.05}
BAND = 0.1
# Without one user auto may choose another of models that are as good.
BANDS_OF_ALL = {"auto": 0.15}


def make(name: str) -> Model:
    return make_model(name, **QUICK.get(name, {}))


@cache
def split_of(half: bool) -> Split:
    return chronological(planted(half=half))


@cache
def fit_of(name: str, half: bool) -> Model:
    """A model fitted once for all tests; who changes it takes a copy."""
    split = split_of(half)
    return make(name).fit(split.train, split.valid)


@pytest.fixture(params=[False, True], ids=["whole-stars", "half-stars"])
def half(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def split(half: bool) -> Split:
    return split_of(half)


@pytest.fixture
def fitted(name: str, half: bool) -> Model:
    """The model of the test's `name`, and no other."""
    return fit_of(name, half)


def every(names: list[str]) -> Callable[[Any], Any]:
    """A test of each model; those of one model go to one process, which fits it once."""
    marked = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in names]
    return pytest.mark.parametrize("name", marked)


def same(one: Forecast, other: Forecast) -> bool:
    return all(np.array_equal(getattr(one, f), getattr(other, f)) for f in FIELDS)


def first_user(table: Ratings) -> int:
    return int(table.frame["user"][0])


def of_user(table: Ratings, user: int) -> Ratings:
    return table.take((table.frame["user"] == user).to_numpy())


def by_user(table: Ratings, user: int) -> Ratings:
    """The same ratings, all given by `user`."""
    column = pl.lit(user, table.frame["user"].dtype).alias("user")
    return replace(table, frame=table.frame.with_columns(column))


def valid_of(split: Split) -> Ratings:
    assert split.valid is not None
    return split.valid


def check(forecast: Forecast, split: Split) -> None:
    """A forecast of every row of test, on the scale."""
    scale = split.test.scale
    assert len(forecast) == len(split.test)
    assert forecast.stars.min() >= scale.low
    assert forecast.stars.max() <= scale.high
    assert forecast.probabilities.shape == (len(split.test), len(scale.stars))
    np.testing.assert_allclose(forecast.probabilities.sum(axis=1), 1)
    assert forecast.probabilities.min() > 0


@every(list(MODELS))
def test_every_request_has_a_forecast_on_the_scale(fitted: Model, split: Split) -> None:
    check(fitted.predict(split.test.requests()), split)


@every(list(MODELS))
def test_a_forecast_tells_its_basis_and_history_length(fitted: Model, split: Split) -> None:
    user, movie = split.train.frame["user"][0], split.train.frame["movie"][0]
    requests = Requests.of(
        [user, UNKNOWN, user, UNKNOWN], [movie, movie, UNKNOWN, UNKNOWN], at=2_000_000
    )
    forecast = fitted.predict(requests)
    assert forecast.basis.tolist() == [
        Basis.KNOWN,
        Basis.NEW_USER,
        Basis.NEW_MOVIE,
        Basis.BOTH_NEW,
    ]
    count = (split.train.frame["user"] == user).sum()
    assert forecast.history_length.tolist() == [count, 0, count, 0]
    assert np.isfinite(forecast.stars).all()


@every([name for name in MODELS if name != "mean"])
def test_is_better_than_a_constant(name: str, split: Split, request: pytest.FixtureRequest) -> None:
    if name in NETS:
        trainer = {"epochs": 40, "batch_size": 128}
        model = make_model(name, trainer=trainer).fit(split.train, split.valid)
    else:
        model = request.getfixturevalue("fitted")
    error = rmse(model.predict(split.test.requests()).stars, split.test.stars)
    assert error < 0.9 * np.std(split.test.stars)


@every(list(MODELS))
def test_order_of_requests_does_not_matter(fitted: Model, split: Split) -> None:
    requests = split.test.requests()
    order = np.random.default_rng(0).permutation(len(requests))
    straight = fitted.predict(requests).stars[order]
    np.testing.assert_allclose(fitted.predict(requests.take(order)).stars, straight, 1e-6)


@every(list(MODELS))
def test_same_seed_same_bits_and_the_input_is_left_as_it_was(
    name: str, fitted: Model, split: Split
) -> None:
    before = split.train.frame.clone()
    again = make(name).fit(split.train, split.valid)
    requests = split.test.requests()
    assert same(again.predict(requests), fitted.predict(requests))
    assert split.train.frame.equals(before)


@every(list(MODELS))
def test_a_saved_model_predicts_alike(fitted: Model, split: Split, tmp_path: Path) -> None:
    fitted.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    requests = split.test.requests()
    assert same(loaded.predict(requests), fitted.predict(requests))
    assert loaded.settings() == fitted.settings()
    assert not list(tmp_path.rglob("*.pkl"))


@every(ONLINE)
def test_a_saved_model_keeps_what_it_observed(fitted: Model, split: Split, tmp_path: Path) -> None:
    model = copy.deepcopy(fitted)
    model.observe(valid_of(split))
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    requests = split.test.requests()
    assert same(loaded.predict(requests), model.predict(requests))
    assert same(loaded.walk(split.test), model.walk(split.test))


@every(ONLINE)
def test_walk_is_the_plain_loop(fitted: Model, split: Split) -> None:
    walker, plain = copy.deepcopy(fitted), copy.deepcopy(fitted)
    edges = time_groups(split.test)
    forecasts = []
    for start, stop in pairwise(edges):
        now = split.test.take(slice(start, stop))
        forecasts.append(plain.predict(now.requests()))
        plain.observe(now)
    assert same(walker.walk(split.test), Forecast.concat(forecasts))


@every(ONLINE)
def test_nothing_at_or_after_a_time_group_reaches_its_forecast(fitted: Model, split: Split) -> None:
    """Turn round every rating from some moment on: forecasts up to and at it keep every bit."""
    stream = split.test
    changed, stop = turned(stream)
    before = copy.deepcopy(fitted).walk(stream)
    after = copy.deepcopy(fitted).walk(changed)
    assert np.array_equal(before.stars[:stop], after.stars[:stop])
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])


@every(list(MODELS))
def test_string_ids_and_no_timestamps(name: str) -> None:
    table = planted()
    named = table.frame.select(
        pl.format("u{}", "user").alias("user"), pl.format("m{}", "movie").alias("movie"), "rating"
    )
    timeless = Ratings(named, scale=table.scale)
    model = make(name).fit(timeless)
    forecast = model.predict(Requests.of(["u1", "new"], ["m1", "m1"]))
    assert forecast.basis.tolist() == [Basis.KNOWN, Basis.NEW_USER]


@every(ONLINE)
def test_an_update_is_near_a_refit(name: str) -> None:
    """A user is held back: forecasts after `observe` are near those of a fit with that user.

    The model that only observes the user comes nearer than the one that never saw them.
    """
    split = chronological(planted(rows=4000, seed=1))
    user = first_user(split.train)
    held = (split.train.frame["user"] == user).to_numpy()

    def fit(train: Ratings) -> Model:
        if name not in REFITTED:
            return make_model(name, **FEWER_DRAWS.get(name, {})).fit(train)
        model = make_model(name, **REFITTED[name]).fit(train, split.valid)
        model.epochs = CONVERGED["epochs"]  # type: ignore[attr-defined]
        return model.refit(train)

    updated, everybody = fit(split.train.take(~held)), split.test.requests()
    own = of_user(split.test, user).requests()
    never = updated.predict(own).stars
    updated.observe(split.train.take(held))
    refitted = fit(split.train)
    band, wanted = BANDS.get(name, BAND), refitted.predict(own).stars
    of_all = rmse(updated.predict(everybody).stars, refitted.predict(everybody).stars)
    assert of_all < BANDS_OF_ALL.get(name, BAND)
    assert rmse(updated.predict(own).stars, wanted) < band
    if name not in IMPERSONAL:
        assert band < rmse(never, wanted)


@every(list(MODELS))
def test_a_forgotten_user_is_an_unknown_one(fitted: Model, split: Split, tmp_path: Path) -> None:
    model, user = copy.deepcopy(fitted), first_user(split.train)
    movies = sorted(split.train.frame["movie"].unique())
    known, unknown = (
        Requests.of([who] * len(movies), movies, at=2_000_000) for who in (user, UNKNOWN)
    )
    model.forget(user)
    model.forget(UNKNOWN)
    forecast = model.predict(known)
    assert same(forecast, model.predict(unknown))
    assert (forecast.basis == Basis.NEW_USER).all()
    assert user not in model.users.table["user"]
    model.save(tmp_path / "artifact")
    assert same(load_model(tmp_path / "artifact").predict(known), forecast)
    if not model.updates_online():
        return
    # Whoever comes back by this id begins anew, as any new user does.
    rows = of_user(split.train, user)
    rows = replace(rows, frame=keep_latest(rows.frame)[0])
    other = copy.deepcopy(model)
    model.observe(rows)
    other.observe(by_user(rows, UNKNOWN))
    assert same(model.predict(known), other.predict(unknown))
    assert model.predict(known).history_length.tolist() == [len(rows)] * len(movies)


@every([name for name in MODELS if issubclass(model_class(name), HistoryModel)])
def test_what_a_forgotten_user_rated_is_forgotten(fitted: Model, split: Split) -> None:
    assert isinstance(fitted, HistoryModel)
    model, user = copy.deepcopy(fitted), first_user(split.train)
    movie = model.history_of(user)[0].movie
    given = model.star_counts(movie).sum()
    own = [one for one in model.history_of(user) if one.movie == movie]
    counts = model.counts.of_movies.copy()
    movies = model.movies.encode(of_user(split.train, user).frame["movie"])
    model.forget(user)
    assert model.history_of(user) == []
    assert len(model.rated_movies(user)) == len(model.replay(user)) == 0
    assert model.star_counts(movie).sum() == given - len(own)
    removed = np.bincount(movies, minlength=len(counts))
    assert (model.counts.of_movies == counts - removed).all()


@every(list(MODELS))
def test_a_refit_takes_more_ratings(name: str, fitted: Model, split: Split) -> None:
    more = split.train.with_more(valid_of(split))
    model, again = copy.deepcopy(fitted).refit(more), copy.deepcopy(fitted).refit(more)
    requests = split.test.requests()
    forecast = model.predict(requests)
    check(forecast, split)
    assert same(again.predict(requests), forecast)
    assert model.learned_from == more.fingerprint()
    user, movie = (more.frame[side][-1] for side in ("user", "movie"))
    known = model.predict(Requests.of([user], [movie], at=2_000_000))
    assert known.basis.tolist() == [Basis.KNOWN]
    assert known.history_length.tolist() == [(more.frame["user"] == user).sum()]
    if type(model).refit_rows is Model.refit_rows:
        fresh = make(name).fit(more).predict(requests)
        assert np.array_equal(fresh.stars, forecast.stars)


@every(ONLINE)
def test_a_refresh_after_a_walk_leaves_a_model_that_goes_on(
    fitted: Model, split: Split, tmp_path: Path
) -> None:
    model = copy.deepcopy(fitted)
    model.walk(valid_of(split))
    requests, rated = split.test.requests(), split.train.with_more(valid_of(split))
    walked = model.predict(requests)
    twin = copy.deepcopy(model)
    for one in (model, twin):
        one.refresh(rated)
    forecast = model.predict(requests)
    check(forecast, split)
    assert same(twin.predict(requests), forecast)
    assert (forecast.history_length == walked.history_length).all()
    assert (forecast.basis == walked.basis).all()
    # A mean of models of which none can be refreshed waits for more ratings than there can be.
    if type(model).refresh is Model.refresh or model.refresh_after() > 1e9:
        assert same(forecast, walked)
    else:
        assert not same(forecast, walked)
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    assert same(loaded.walk(split.test), model.walk(split.test))
