"""The correction of the filter: trees find what is planted and no more; the kernel regression."""

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
from ratecast.models.state_space import rhythm
from ratecast.models.state_space.boosting import MIN_ROWS, BoostedTrees
from ratecast.models.state_space.kalman import FilterOutput, RatingStream
from ratecast.models.state_space.model import StateSpace
from ratecast.models.state_space.residual_buffer import ResidualBuffer
from ratecast.models.state_space.residual_kernel import (
    MovieTraits,
    residual_features,
    similarity_coordinates,
)
from ratecast.splits import Split, chronological
from tests.models.state_space.camps import camps, model, same
from tests.planted import turned


@pytest.fixture(scope="module")
def split() -> Split:
    return chronological(camps())


@pytest.fixture(scope="module")
def fitted(split: Split) -> StateSpace:
    """Fitted, with trees that were not checked on later rows, so that there are some."""
    fitted = model().fit(split.train, split.valid)
    features, residuals = fitted._buffer.features, fitted._buffer.residuals
    fitted._trees = BoostedTrees.grow(features, residuals, 20, seed=0)
    return fitted


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five features; the residual is a slope on the first and an exclusive or of two others."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 5)).astype(np.float32)
    planted = 0.3 * features[:, 0] + 0.4 * np.sign(features[:, 1] * features[:, 3])
    return features, planted + random.normal(size=rows)


def test_trees_find_a_planted_interaction() -> None:
    features, residuals = drawn(20_000)
    trees = BoostedTrees.fit(features, residuals, seed=0)
    new, wanted = drawn(20_000, seed=1)
    error = np.mean((wanted - trees.predict(new)) ** 2)
    assert trees.slope[0] == pytest.approx(0.3, abs=0.05)
    assert 1.0 < error + 0.05 < 1.15 < 1.2 < np.mean(wanted**2)


def test_noise_gives_next_to_no_correction() -> None:
    """Chance may let a tree or two pass the guard, but their values are tiny."""
    random = np.random.default_rng(0)
    features, noise = random.normal(size=(5000, 4)).astype(np.float32), random.normal(size=5000)
    assert np.abs(BoostedTrees.fit(features, noise, seed=0).predict(features)).max() < 0.1


def test_an_effect_that_turns_round_in_time_is_left_out() -> None:
    features, residuals = drawn(10_000)
    residuals[8000:] *= -1
    trees = BoostedTrees.fit(features, residuals, seed=0)
    assert len(trees.leaf_values) == trees.slope[0] == 0
    assert not trees.predict(features).any()


def test_few_rows_give_no_trees() -> None:
    features, residuals = drawn(MIN_ROWS - 1)
    assert not BoostedTrees.fit(features, residuals, seed=0).predict(features).any()


def test_a_prediction_does_not_depend_on_the_rows_beside_it() -> None:
    features, residuals = drawn(3000)
    trees = BoostedTrees.fit(features, residuals, seed=0)
    alone = [trees.predict(features[i : i + 1])[0] for i in range(50)]
    assert np.array_equal(alone, trees.predict(features)[:50])
    assert np.array_equal(trees.staged_predict(features)[-1], trees.predict(features))


def test_features_that_never_change_are_harmless() -> None:
    features, residuals = drawn(3000)
    features[:, 1:] = 7
    assert np.isfinite(BoostedTrees.fit(features, residuals, seed=0).predict(features)).all()


def test_the_kernel_mean_uses_earlier_time_groups_and_similar_movies() -> None:
    """Movies 0 and 1 have one direction, 2 another; rows two and three are of equal time."""
    vectors = np.array([[1.0, 0], [2, 0], [0, 1]])
    coordinates = similarity_coordinates(vectors, vectors, np.zeros((3, 0)), np.zeros(3))
    movies, at = np.array([0, 2, 1], np.int32), np.array([1, 2, 2])
    stream = RatingStream(np.array([0, 3]), movies, np.zeros(3), at, np.ones(3, bool))
    filtered = FilterOutput(np.full(3, 3.0), np.ones(3), np.array([0.8, -5.0, 9.0]))
    traits = MovieTraits(coordinates, np.zeros((3, 3)), np.zeros((0, 0)))
    features = residual_features(stream, filtered, traits)
    assert features[0, 0] == 0
    assert features[2, 0] == pytest.approx(0.4)
    assert abs(features[1, 0]) < 0.01
    assert features[2, 12] == np.float32(0.8)


def test_the_trees_are_due_after_a_fifth_of_new_rows() -> None:
    rows = ResidualBuffer.empty(2).with_more(np.zeros((80, 2), np.float32), np.zeros(80))
    buffer = rows.after_fit()
    assert not buffer.is_refit_due(80)
    assert not buffer.with_more(np.ones((19, 2), np.float32), np.ones(19)).is_refit_due(99)
    more = buffer.with_more(np.ones((20, 2), np.float32), np.ones(20))
    assert more.is_refit_due(100)
    assert not more.after_fit().is_refit_due(100)
    assert not ResidualBuffer.empty(2).is_refit_due(0)


def test_with_many_ratings_the_trees_wait_for_a_share_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buffer = ResidualBuffer.empty(2).with_more(np.ones((20, 2), np.float32), np.ones(20))
    assert buffer.is_refit_due(1000)
    monkeypatch.setattr(rhythm, "MANY_RATINGS", 300)
    assert buffer.is_refit_due(400)
    assert not buffer.is_refit_due(401)


def test_the_correction_counts_and_walk_equals_the_loop(split: Split, fitted: StateSpace) -> None:
    stream = split.test.take(slice(0, 200))
    walker, plain, bare = (copy.deepcopy(fitted) for _ in range(3))
    bare._trees = BoostedTrees.empty(len(fitted._trees.bin_edges))
    answers = []
    for start, stop in pairwise(time_groups(stream)):
        now = stream.take(slice(start, stop))
        answers.append(plain.predict(now.requests()))
        plain.observe(now)
    walked = walker.walk(stream)
    assert same(walked, Forecast.concat(answers))
    assert not same(walked, bare.walk(stream))


def test_a_loaded_model_fits_its_trees_alike(
    split: Split, fitted: StateSpace, tmp_path: Path
) -> None:
    going = copy.deepcopy(fitted)
    going.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    assert isinstance(loaded, StateSpace)
    requests = split.test.requests()
    assert same(going.predict(requests), loaded.predict(requests))
    for one in (going, loaded):
        one.observe(split.valid or split.test)
        one.refresh(split.train)
    assert same(going.predict(requests), loaded.predict(requests))
    assert len(going._buffer.residuals) > len(fitted._buffer.residuals)


def test_residuals_are_of_predictions_from_earlier_ratings(split: Split) -> None:
    """Residuals before a time do not change with the ratings from it on."""
    table = split.train.sorted()
    half = int(time_groups(table)[len(time_groups(table)) // 2])
    stars = table.stars.copy()
    stars[half:] = table.scale.low + table.scale.high - stars[half:]
    turned = replace(table, frame=table.frame.with_columns(pl.Series("rating", stars)))
    before, after = (model().fit(one)._buffer for one in (table, turned))
    known = half - (len(table) - len(before.residuals))
    assert known > 100
    assert np.array_equal(before.features[:known], after.features[:known])
    assert np.array_equal(before.residuals[:known], after.residuals[:known])
    assert not np.array_equal(before.residuals[known:], after.residuals[known:])


def test_trees_fitted_again_keep_the_forecasts_causal(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Change every rating from some time on: no forecast before or at it changes a bit."""
    monkeypatch.setattr(ResidualBuffer, "is_refit_due", lambda *_: True)
    monkeypatch.setattr(BoostedTrees, "fit", lambda c, s, seed: BoostedTrees.grow(c, s, 5, seed))
    changed, stop = turned(split.test)
    other = replace(split, test=changed)
    before, after = (
        as_of(model(refresh_growth=0).fit(one.train, one.valid), one.parts)["test"]
        for one in (split, other)
    )
    assert np.array_equal(before.stars[:stop], after.stars[:stop])
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])
