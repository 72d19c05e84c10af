"""What corrects the filter: trees find what is planted, no more; echoes are of like movies."""

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
from ratecast.models.state_space.boosting import LEAST, Trees
from ratecast.models.state_space.model import StateSpace
from ratecast.models.state_space.residual_buffer import Lessons
from ratecast.models.state_space.residual_kernel import columns_of, likeness
from ratecast.splits import Split, chronological
from tests.models.state_space.camps import camps, model, same
from tests.planted import turned


@pytest.fixture(scope="module")
def split() -> Split:
    return chronological(camps())


@pytest.fixture(scope="module")
def fitted(split: Split) -> StateSpace:
    """Fitted, with trees that no guard has looked at, so that there are some."""
    fitted = model().fit(split.train, split.valid)
    columns, surprise = fitted._lessons.columns, fitted._lessons.surprise
    fitted._trees = Trees.grown(columns, surprise, 20, seed=0)
    return fitted


def drawn(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five columns; the surprise is a slope on the first and an exclusive or of two others."""
    random = np.random.default_rng(seed)
    columns = random.normal(size=(rows, 5)).astype(np.float32)
    planted = 0.3 * columns[:, 0] + 0.4 * np.sign(columns[:, 1] * columns[:, 3])
    return columns, planted + random.normal(size=rows)


def test_trees_find_a_planted_interaction() -> None:
    columns, surprise = drawn(20_000)
    trees = Trees.learned(columns, surprise, seed=0)
    new, told = drawn(20_000, seed=1)
    error = np.mean((told - trees.correct(new)) ** 2)
    assert trees.slope[0] == pytest.approx(0.3, abs=0.05)
    assert 1.0 < error + 0.05 < 1.15 < 1.2 < np.mean(told**2)


def test_noise_teaches_next_to_nothing() -> None:
    """Chance may let a tree or two pass the guard, but what they say is tiny."""
    random = np.random.default_rng(0)
    columns, noise = random.normal(size=(5000, 4)).astype(np.float32), random.normal(size=5000)
    assert np.abs(Trees.learned(columns, noise, seed=0).correct(columns)).max() < 0.1


def test_what_turns_round_in_time_is_left_out() -> None:
    columns, surprise = drawn(10_000)
    surprise[8000:] *= -1
    trees = Trees.learned(columns, surprise, seed=0)
    assert len(trees.leaves) == trees.slope[0] == 0
    assert not trees.correct(columns).any()


def test_few_rows_teach_nothing() -> None:
    columns, surprise = drawn(LEAST - 1)
    assert not Trees.learned(columns, surprise, seed=0).correct(columns).any()


def test_an_answer_does_not_depend_on_the_rows_beside_it() -> None:
    columns, surprise = drawn(3000)
    trees = Trees.learned(columns, surprise, seed=0)
    alone = [trees.correct(columns[i : i + 1])[0] for i in range(50)]
    assert np.array_equal(alone, trees.correct(columns)[:50])
    assert np.array_equal(trees.stages(columns)[-1], trees.correct(columns))


def test_columns_that_never_change_are_harmless() -> None:
    columns, surprise = drawn(3000)
    columns[:, 1:] = 7
    assert np.isfinite(Trees.learned(columns, surprise, seed=0).correct(columns)).all()


def test_an_echo_comes_from_earlier_moments_and_like_movies() -> None:
    """Movies 0 and 1 point the same way, 2 elsewhere; the third row is asked with the second."""
    way = np.array([[1.0, 0], [2, 0], [0, 1]])
    places = likeness(way, way, np.zeros((3, 0)), np.zeros(3))
    movies, at = np.array([0, 2, 1], np.int32), np.array([1, 2, 2])
    surprise = np.array([0.8, -5.0, 9.0])
    told = np.full(3, 3.0), np.ones(3), surprise
    signs = places, np.zeros((3, 3)), np.zeros((0, 0))
    columns = columns_of((np.array([0, 3]), movies, at), np.ones(3, bool), told, signs)
    assert columns[0, 0] == 0
    assert columns[2, 0] == pytest.approx(0.4)
    assert abs(columns[1, 0]) < 0.01
    assert columns[2, 12] == np.float32(0.8)


def test_lessons_are_due_after_a_fifth() -> None:
    lessons = Lessons.none(2).with_more(np.zeros((80, 2), np.float32), np.zeros(80)).learned()
    assert not lessons.due()
    assert not lessons.with_more(np.ones((19, 2), np.float32), np.ones(19)).due()
    more = lessons.with_more(np.ones((20, 2), np.float32), np.ones(20))
    assert more.due()
    assert not more.learned().due()
    assert not Lessons.none(2).due()


def test_the_correction_counts_and_walk_equals_the_loop(split: Split, fitted: StateSpace) -> None:
    stream = split.test.take(slice(0, 200))
    walker, plain, bare = (copy.deepcopy(fitted) for _ in range(3))
    bare._trees = Trees.none(len(fitted._trees.cuts))
    answers = []
    for start, stop in pairwise(time_groups(stream)):
        now = stream.take(slice(start, stop))
        answers.append(plain.predict(now.requests()))
        plain.observe(now)
    walked = walker.walk(stream)
    assert same(walked, Forecast.concat(answers))
    assert not same(walked, bare.walk(stream))


def test_a_loaded_model_learns_its_trees_alike(
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
    assert len(going._lessons.surprise) > len(fitted._lessons.surprise)


def test_surprises_are_honest(split: Split) -> None:
    """What is rehearsed before a moment does not change with the ratings from it on."""
    table = split.train.sorted()
    half = int(time_groups(table)[len(time_groups(table)) // 2])
    stars = table.stars.copy()
    stars[half:] = table.scale.low + table.scale.high - stars[half:]
    turned = replace(table, frame=table.frame.with_columns(pl.Series("rating", stars)))
    before, after = (model().fit(one)._lessons for one in (table, turned))
    known = half - (len(table) - len(before.surprise))
    assert known > 100
    assert np.array_equal(before.columns[:known], after.columns[:known])
    assert np.array_equal(before.surprise[:known], after.surprise[:known])
    assert not np.array_equal(before.surprise[known:], after.surprise[known:])


def test_trees_learned_again_keep_the_forecasts_causal(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Turn round every rating from some moment on: nothing before or at it changes a bit."""
    monkeypatch.setattr(Lessons, "due", lambda _: True)
    monkeypatch.setattr(Trees, "learned", lambda c, s, seed: Trees.grown(c, s, 5, seed))
    changed, stop = turned(split.test)
    other = replace(split, test=changed)
    before, after = (
        as_of(model(refresh_growth=0).fit(one.train, one.valid), one.parts)["test"]
        for one in (split, other)
    )
    assert np.array_equal(before.stars[:stop], after.stars[:stop])
    assert np.array_equal(before.probabilities[:stop], after.probabilities[:stop])
    assert not np.array_equal(before.stars[stop:], after.stars[stop:])
