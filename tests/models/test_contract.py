"""What every model of the table must do: one test for all."""

import copy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Ratings, Requests
from ratecast.splits import Split, chronological
from ratecast.training import make_model
from tests.planted import planted, turned

QUICK: dict[str, Any] = {"trainer": {"epochs": 2, "batch_size": 256}}
NETS = ("mf", "mf_bias", "neumf", "attention")
LISTENERS = [name for name in MODELS if model_class(name).updates_online()]
FIELDS = ("stars", "probabilities", "history_length", "basis")


def make(name: str) -> Model:
    return make_model(name, **QUICK) if name in NETS else make_model(name)


@pytest.fixture(scope="module", params=[False, True], ids=["whole-stars", "half-stars"])
def split(request: pytest.FixtureRequest) -> Split:
    return chronological(planted(half=request.param))


@pytest.fixture(scope="module")
def fitted(split: Split) -> dict[str, Model]:
    return {name: make(name).fit(split.train, split.valid) for name in MODELS}


def same(one: Forecast, other: Forecast) -> bool:
    return all(np.array_equal(getattr(one, f), getattr(other, f)) for f in FIELDS)


@pytest.mark.parametrize("name", MODELS)
def test_answers_every_request_on_the_scale(
    name: str, fitted: dict[str, Model], split: Split
) -> None:
    forecast = fitted[name].predict(split.test.requests())
    scale = split.test.scale
    assert len(forecast) == len(split.test)
    assert forecast.stars.min() >= scale.low
    assert forecast.stars.max() <= scale.high
    assert forecast.probabilities.shape == (len(split.test), len(scale.stars))
    np.testing.assert_allclose(forecast.probabilities.sum(axis=1), 1)
    assert forecast.probabilities.min() > 0


@pytest.mark.parametrize("name", MODELS)
def test_says_on_what_a_forecast_rests(name: str, fitted: dict[str, Model], split: Split) -> None:
    user, movie = split.train.frame["user"][0], split.train.frame["movie"][0]
    requests = Requests.of([user, 999, user, 999], [movie, movie, 999, 999], at=2_000_000)
    forecast = fitted[name].predict(requests)
    assert forecast.basis.tolist() == [
        Basis.KNOWN,
        Basis.NEW_USER,
        Basis.NEW_MOVIE,
        Basis.BOTH_NEW,
    ]
    count = (split.train.frame["user"] == user).sum()
    assert forecast.history_length.tolist() == [count, 0, count, 0]
    assert np.isfinite(forecast.stars).all()


@pytest.mark.parametrize("name", [name for name in MODELS if name != "mean"])
def test_beats_the_mean(name: str, split: Split) -> None:
    settings: dict[str, Any] = (
        {"trainer": {"epochs": 40, "batch_size": 128}} if name in NETS else {}
    )
    model = make_model(name, **settings).fit(split.train, split.valid)
    error = np.sqrt(np.mean((model.predict(split.test.requests()).stars - split.test.stars) ** 2))
    spread = np.std(split.test.stars)
    assert error < 0.9 * spread


@pytest.mark.parametrize("name", MODELS)
def test_order_of_requests_does_not_matter(
    name: str, fitted: dict[str, Model], split: Split
) -> None:
    requests = split.test.requests()
    order = np.random.default_rng(0).permutation(len(requests))
    straight = fitted[name].predict(requests).stars[order]
    np.testing.assert_allclose(fitted[name].predict(requests.take(order)).stars, straight, 1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_same_seed_same_bits(name: str, fitted: dict[str, Model], split: Split) -> None:
    again = make(name).fit(split.train, split.valid)
    requests = split.test.requests()
    assert same(again.predict(requests), fitted[name].predict(requests))


@pytest.mark.parametrize("name", MODELS)
def test_a_saved_model_answers_alike(
    name: str, fitted: dict[str, Model], split: Split, tmp_path: Path
) -> None:
    fitted[name].save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    requests = split.test.requests()
    assert same(loaded.predict(requests), fitted[name].predict(requests))
    assert loaded.settings() == fitted[name].settings()
    assert not list(tmp_path.rglob("*.pkl"))


@pytest.mark.parametrize("name", LISTENERS)
def test_a_saved_model_keeps_what_it_observed(
    name: str, fitted: dict[str, Model], split: Split, tmp_path: Path
) -> None:
    model = copy.deepcopy(fitted[name])
    assert split.valid is not None
    model.observe(split.valid)
    model.save(tmp_path / "artifact")
    requests = split.test.requests()
    assert same(load_model(tmp_path / "artifact").predict(requests), model.predict(requests))


@pytest.mark.parametrize("name", LISTENERS)
def test_walk_equals_the_plain_loop(name: str, fitted: dict[str, Model], split: Split) -> None:
    walker, plain = copy.deepcopy(fitted[name]), copy.deepcopy(fitted[name])
    edges = time_groups(split.test)
    answers = []
    for start, stop in pairwise(edges):
        now = split.test.take(slice(start, stop))
        answers.append(plain.predict(now.requests()))
        plain.observe(now)
    assert same(walker.walk(split.test), Forecast.concat(answers))


@pytest.mark.parametrize("name", LISTENERS)
def test_nothing_at_or_after_a_moment_reaches_its_forecast(
    name: str, fitted: dict[str, Model], split: Split
) -> None:
    """Turn round every rating from some moment on: forecasts up to and at it keep every bit."""
    stream = split.test
    changed, stop = turned(stream)
    before = copy.deepcopy(fitted[name]).walk(stream)
    after = copy.deepcopy(fitted[name]).walk(changed)
    assert np.array_equal(before.stars[:stop], after.stars[:stop])
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])


@pytest.mark.parametrize("name", LISTENERS)
def test_the_input_is_left_as_it_was(name: str, split: Split) -> None:
    before = split.train.frame.clone()
    model = make(name).fit(split.train, split.valid)
    model.predict(split.test.requests())
    assert split.train.frame.equals(before)


@pytest.mark.parametrize("name", MODELS)
def test_string_ids_and_no_timestamps(name: str) -> None:
    table = planted()
    named = table.frame.select(
        pl.format("u{}", "user").alias("user"), pl.format("m{}", "movie").alias("movie"), "rating"
    )
    timeless = Ratings(named, scale=table.scale)
    model = make(name).fit(timeless)
    forecast = model.predict(Requests.of(["u1", "new"], ["m1", "m1"]))
    assert forecast.basis.tolist() == [Basis.KNOWN, Basis.NEW_USER]
