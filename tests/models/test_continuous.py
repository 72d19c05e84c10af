"""What every model does with continuous ratings, on scales of any range."""

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ratecast.arrays import F64
from ratecast.data.example import example_ratings
from ratecast.metrics.scores import Score
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS, load_model
from ratecast.ratings import Ratings
from ratecast.scale import CELLS, Scale
from ratecast.splits import Split, chronological
from ratecast.training import make_model
from tests.models.test_contract import NETS, ONLINE, QUICK, every, same
from tests.planted import rmse, turned

JESTER, PERCENT = Scale(-10, 10, None), Scale(0, 100, None)
TRAINED = {"trainer": {"epochs": 30, "batch_size": 128}}


def make(name: str) -> Model:
    return make_model(name, **TRAINED if name in NETS else QUICK.get(name, {}))


@cache
def split_of(scale: Scale) -> Split:
    return chronological(example_ratings(scale=scale))


@cache
def fit_of(name: str, scale: Scale) -> Model:
    split = split_of(scale)
    return make(name).fit(split.train, split.valid)


def gaussian_nll(train: Ratings, test: Ratings) -> float:
    """Of the mean of train with the spread of train."""
    stars = train.stars.astype(np.float64)
    variance, errors = stars.var(), test.stars.astype(np.float64) - stars.mean()
    return float(0.5 * np.log(2 * np.pi * variance) + (errors**2).mean() / (2 * variance))


def shares_of(name: str, scale: Scale) -> tuple[F64, F64]:
    split = split_of(scale)
    forecast = fit_of(name, scale).predict(split.test)
    return (forecast.stars - scale.low) / (scale.high - scale.low), forecast.probabilities


@every(list(MODELS))
def test_forecasts_a_density_no_worse_than_one_bell_for_all(name: str) -> None:
    split = split_of(JESTER)
    forecast = fit_of(name, JESTER).predict(split.test)
    assert forecast.probabilities.shape == (len(split.test), CELLS)
    np.testing.assert_allclose(forecast.probabilities.sum(axis=1), 1)
    assert not np.isin(forecast.stars, JESTER.stars).any()
    score = Score.of(forecast, split.test)
    assert score.nll < gaussian_nll(split.train, split.test) + 0.01
    assert 0.6 < score.coverage < 0.95
    if name != "mean":
        assert score.rmse < 0.9 * np.std(split.test.stars)


@every(list(MODELS))
def test_the_range_of_the_scale_does_not_matter(name: str) -> None:
    """Percentages are forecast as the same ratings from -10 to 10: no setting is in stars."""
    (one, shares), (other, of_percent) = shares_of(name, JESTER), shares_of(name, PERCENT)
    assert rmse(one, other) < 0.003
    assert np.abs(shares.cumsum(axis=1) - of_percent.cumsum(axis=1)).mean() < 0.01


@every(list(MODELS))
def test_without_validation(name: str) -> None:
    split = split_of(PERCENT)
    score = Score.of(make(name).fit(split.train).predict(split.test), split.test)
    assert score.nll < gaussian_nll(split.train, split.test) + 0.02


@every(list(MODELS))
def test_a_saved_model_predicts_alike(name: str, tmp_path: Path) -> None:
    model, requests = fit_of(name, JESTER), split_of(JESTER).test.requests()
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    assert loaded.scale == JESTER
    assert same(loaded.predict(requests), model.predict(requests))


@every(ONLINE)
def test_a_walk_learns_and_sees_nothing_of_later(name: str) -> None:
    split = split_of(JESTER)
    changed, stop = turned(split.test)
    before = copy.deepcopy(fit_of(name, JESTER)).walk(split.test)
    after = copy.deepcopy(fit_of(name, JESTER)).walk(changed)
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])
    frozen = fit_of(name, JESTER).predict(split.test)
    if name not in ("mean", "cold_start"):
        assert rmse(before.stars, split.test.stars) < rmse(frozen.stars, split.test.stars) * 1.01


def test_ratings_are_kept_as_they_were_given() -> None:
    from ratecast.models.state_space.model import StateSpace

    split = split_of(JESTER)
    model = fit_of("state_space", JESTER)
    assert isinstance(model, StateSpace)
    user = int(split.train.frame["user"][0])
    own = split.train.frame.filter(split.train.frame["user"] == user)
    stars = [float(f"{star:.7g}") for star in own["rating"].to_list()]
    assert sorted(rating.stars for rating in model.history_of(user)) == sorted(stars)
    movie = int(own["movie"][0])
    assert model.star_counts(movie).sum() == (split.train.frame["movie"] == movie).sum()


@pytest.mark.parametrize("likelihood", ["normal", "ordinal"])
def test_both_likelihoods_of_the_factorization_machine(likelihood: str) -> None:
    split, model = split_of(PERCENT), make("factorization_machine")
    model = replace(model, likelihood=likelihood)  # type: ignore[call-arg]
    score = Score.of(model.fit(split.train, split.valid).predict(split.test), split.test)
    assert score.rmse < 0.6 * np.std(split.test.stars)
