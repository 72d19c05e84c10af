"""The state-space model: its filter is exact, its forecasts causal, side information optional."""

import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.evaluation.protocol import as_of
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.rows import time_groups
from ratecast.models import load_model
from ratecast.models.state_space.kalman import (
    MovieParameters,
    RatingStream,
    UserPrior,
    run_filter,
)
from ratecast.models.state_space.model import StateSpace
from ratecast.models.state_space.state_vector import Dynamics, initial_row
from ratecast.ratings import Requests
from ratecast.splits import Split, chronological
from tests.models.state_space.camps import camps, model, same
from tests.planted import turned


@pytest.fixture(scope="module", params=[False, True], ids=["side", "no-side-half-stars"])
def split(request: pytest.FixtureRequest) -> Split:
    return chronological(camps(half=request.param, side=not request.param))


@pytest.fixture(scope="module")
def fitted(split: Split) -> StateSpace:
    return model().fit(split.train, split.valid)


def test_the_filter_gives_the_exact_gaussian_posterior() -> None:
    """With a constant state, filtering a user is a Bayesian linear regression."""
    random = np.random.default_rng(0)
    loadings = np.column_stack([np.ones(9), random.normal(size=(9, 2))])
    stars, noise, prior = random.normal(3, 1, 9), random.uniform(0.5, 1, 9), random.normal(size=3)
    start = np.diag([0.2, 1.0, 0.5, 0])
    factors, zeros = loadings[:, 1:].copy(), np.zeros(9)
    movies = MovieParameters(zeros, factors, np.zeros((9, 3)), zeros, noise, np.zeros((9, 1)))
    at = np.repeat([1, 2, 3], 3)
    stream = RatingStream(
        np.array([0, 9]), np.arange(9, dtype=np.int32), stars, at, np.ones(9, bool)
    )
    expected, _, innovations = run_filter(
        stream,
        UserPrior(prior[None], np.zeros((2, 3))),
        movies,
        Dynamics(initial_row(start, 3, 1), np.ones(4), np.zeros(4)),
    )
    for now in (0, 3, 6):
        past, weight = loadings[:now], 1 / noise[:now, None]
        inverse = np.linalg.inv(start[:3, :3])
        mean = np.linalg.solve(
            past.T @ (past * weight) + inverse,
            past.T @ (stars[:now] / noise[:now]) + inverse @ prior,
        )
        np.testing.assert_allclose(expected[now : now + 3], loadings[now : now + 3] @ mean)
        # The innovations of the last time group are not computed.
        innovation = stars[now] - expected[now] if now < 6 else 0.0
        np.testing.assert_allclose(innovations[now], innovation)


def test_finds_the_camp_of_a_new_user(split: Split) -> None:
    forecasts = as_of(model().fit(split.train, split.valid), split.parts)["test"]
    knows = forecasts.history_length > 5
    error = (forecasts.stars - split.test.stars)[knows]
    assert np.sqrt(np.mean(error**2)) < 0.7 < np.std(split.test.stars)


def test_refreshes_keep_the_forecasts_causal(split: Split) -> None:
    """Change every rating from some time on: no forecast before or at it changes a bit."""
    changed, stop = turned(split.test)
    other = replace(split, test=changed)
    before = as_of(model(refresh_growth=0).fit(split.train, split.valid), split.parts)["test"]
    after = as_of(model(refresh_growth=0).fit(split.train, split.valid), other.parts)["test"]
    assert np.array_equal(before.stars[:stop], after.stars[:stop])
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])


def test_walk_equals_the_plain_loop_for_ids_never_met(split: Split, fitted: StateSpace) -> None:
    stream = split.test.take(slice(0, 200))
    frame = stream.frame.with_columns(
        movie=pl.when(pl.int_range(200) % 5 == 0)
        .then(900 + pl.int_range(200) % 7)
        .otherwise("movie")
    )
    stream = replace(stream, frame=frame)
    walker, plain = copy.deepcopy(fitted), copy.deepcopy(fitted)
    answers = []
    for start, stop in pairwise(time_groups(stream)):
        now = stream.take(slice(start, stop))
        answers.append(plain.predict(now.requests()))
        plain.observe(now)
    assert same(walker.walk(stream), Forecast.concat(answers))


def test_a_loaded_model_goes_on_alike(split: Split, fitted: StateSpace, tmp_path: Path) -> None:
    """Ratings observed after the last refit are kept, and so is that they await one."""
    going = copy.deepcopy(fitted)
    going.observe(split.valid or split.test)
    going.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    for one in (going, loaded):
        one.refresh(split.train)
        one.observe(split.test.take(slice(0, 50)))
    requests = split.test.take(slice(50, 150)).requests()
    assert same(going.predict(requests), loaded.predict(requests))


def test_few_new_ratings_make_no_refit(split: Split, fitted: StateSpace) -> None:
    going = copy.deepcopy(fitted)
    going.observe(split.test.take(slice(0, 2)))
    requests = split.test.requests()
    before = going.predict(requests)
    going.refresh(split.train)
    assert same(going.predict(requests), before)
    going.observe(split.test)
    before = going.predict(requests)
    going.refresh(split.train)
    assert not same(going.predict(requests), before)


def test_fitted_anew_it_forgets(split: Split, fitted: StateSpace) -> None:
    again = copy.deepcopy(fitted)
    again.observe(split.test)
    again.fit(split.train, split.valid)
    assert same(again.predict(split.test.requests()), fitted.predict(split.test.requests()))


def test_side_information_of_a_new_user_counts() -> None:
    table = camps()
    known = model().fit(table)
    request = Requests.of([7_000], [3], at=2_000_000)
    with_side = replace(request, users=pl.DataFrame({"user": [7_000], "age": [70]}))
    assert known.predict(request).stars[0] != known.predict(with_side).stars[0]
