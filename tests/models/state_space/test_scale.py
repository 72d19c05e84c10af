"""The flagship on tables of any size: the same answers by pieces, threads, and what was kept."""

import copy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numba
import numpy as np
import polars as pl
import pytest

from ratecast.evaluation.protocol import as_of
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.refreshing import periods
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.modelling.kernels import loops
from ratecast.models.state_space import model as flagship
from ratecast.models.state_space import rhythm, trials
from ratecast.models.state_space.learning import Learned, learn
from ratecast.models.state_space.model import StateSpace
from ratecast.models.state_space.residual_buffer import ResidualBuffer
from ratecast.models.state_space.structure import usual
from ratecast.ratings import Ratings
from ratecast.splits import Split, chronological
from ratecast.training import make_model
from tests.models.state_space.camps import DAY, camps, model, same


@pytest.fixture(scope="module")
def split() -> Split:
    return chronological(camps())


@pytest.fixture(scope="module")
def fitted(split: Split) -> StateSpace:
    return model(refresh_growth=0.02).fit(split.train, split.valid)


def daily(going: StateSpace, part: Ratings, ratings: Ratings) -> tuple[Forecast, int]:
    """Walked day by day, and before each day a refresh, if it is due; how many there were."""
    answers, refreshes, edges = [], 0, periods(part, DAY)
    for start, stop in pairwise(edges):
        if start:
            before = going.movie_parameters
            going.refresh(ratings)
            refreshes += going.movie_parameters is not before and len(going.history.recent) == 0
        answers.append(going.walk(part.take(slice(start, stop))))
    return Forecast.concat(answers), refreshes


def test_walking_as_far_as_no_refresh_is_due_answers_alike(
    split: Split, fitted: StateSpace
) -> None:
    wanted, refreshes = daily(copy.deepcopy(fitted), split.test, split.train)
    assert 1 < refreshes < len(periods(split.test, DAY)) - 2
    parts = {"train": split.train, "test": split.test}
    assert same(as_of(copy.deepcopy(fitted), parts)["test"], wanted)


def test_a_refresh_learns_the_same_from_rows_walked_already(
    split: Split, fitted: StateSpace
) -> None:
    kept, anew = copy.deepcopy(fitted), copy.deepcopy(fitted)
    for one in (kept, anew):
        one.walk(split.test)
    anew._walked = ResidualBuffer.empty(anew._walked.features.shape[1])
    for one in (kept, anew):
        one.refresh(split.train)
    assert np.array_equal(kept._buffer.features, anew._buffer.features)
    assert np.array_equal(kept._buffer.residuals, anew._buffer.residuals)
    assert len(kept._buffer.residuals) > len(fitted._buffer.residuals)


def test_walked_rows_are_dropped_when_a_rating_is_removed(split: Split, fitted: StateSpace) -> None:
    going = copy.deepcopy(fitted)
    going.walk(split.test)
    user, movie = split.test.frame.select("user", "movie").row(0)
    going.unlearn([(user, movie)])
    assert len(going._walked.residuals) == 0


@pytest.mark.threads
def test_any_number_of_threads_gives_the_same_bits(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, all_of_them = [], numba.get_num_threads()
    monkeypatch.setattr(loops, "MANY", 0)
    for count in (1, all_of_them):
        numba.set_num_threads(count)
        one = model().fit(split.train, split.valid)
        found.append(one.walk(split.test))
    assert same(*found)


def test_beyond_many_ratings_a_refresh_waits_for_a_larger_share(
    fitted: StateSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = len(fitted.history.merged)
    assert fitted.refresh_after() == int(np.ceil(0.02 * known))
    monkeypatch.setattr(rhythm, "MANY_RATINGS", known // 3)
    assert fitted.refresh_after() == pytest.approx(0.06 * known, rel=0.01)


def test_only_the_rows_that_the_buffer_holds_are_walked(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flagship, "MAX_ROWS", 300)
    short = model().fit(split.train, split.valid)
    assert 300 <= len(short._buffer.residuals) < 400
    assert np.isfinite(short.predict(split.test.requests()).stars).all()


def test_new_movies_of_a_long_walk_are_as_unknown_as_asked_alone(
    split: Split, fitted: StateSpace
) -> None:
    frame = split.test.frame.with_columns(
        movie=pl.when(pl.int_range(pl.len()) % 9 == 0).then(900).otherwise("movie")
    )
    stream = replace(split.test, frame=frame)
    walked = copy.deepcopy(fitted).walk(stream)
    first = int((frame["movie"] == 900).arg_max() or 0)
    before = copy.deepcopy(fitted)
    before.observe(stream.take(slice(0, first)).take(stream.at[:first] < stream.at[first]))
    alone = before.predict(stream.take(slice(first, first + 1)).requests())
    assert walked.stars[first] == pytest.approx(alone.stars[0], abs=1e-12)


@pytest.mark.parametrize("name", ["state_space", "als", "bias"])
def test_alone_or_side_by_side_the_bits_are_the_same(
    name: str, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, found = make_model(name).fit(split.train, split.valid), []
    for many in (0, 1 << 40):
        monkeypatch.setattr(loops, "MANY", many)
        found.append(one.predict(split.test.requests()))
        found.append(copy.deepcopy(one).walk(split.test))
    assert same(found[0], found[2])
    assert same(found[1], found[3])


def test_beyond_many_ratings_a_fit_goes_on_from_its_rehearsal(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[RatingColumns] = []

    def noted(ratings: RatingColumns, *about: Any) -> Learned:
        learned.append(ratings)
        return learn(ratings, *about)

    monkeypatch.setattr(flagship, "learn", noted)
    monkeypatch.setattr(rhythm, "MANY_RATINGS", len(split.train) // 2)
    long = model().fit(split.train, split.valid)
    assert len(learned) == 1
    assert len(learned[0]) < len(long.history.merged) == len(split.train)
    assert np.isfinite(long.predict(split.test.requests()).stars).all()


@pytest.mark.parametrize(("some", "tries"), [(4, 1), (2, 2)])
def test_of_many_ratings_those_of_some_users_are_tried_first(
    some: int, tries: int, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [usual(some), usual(4)]
    monkeypatch.setattr(trials, "chosen", lambda *_: found.pop(0))
    monkeypatch.setattr(trials, "MIN_RATINGS", 1)
    monkeypatch.setattr(rhythm, "MANY_RATINGS", len(split.train) // 2)
    model().fit(split.train, split.valid)
    assert len(found) == 2 - tries


def test_sums_in_single_precision_give_the_same_forecasts(
    split: Split, fitted: StateSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = copy.deepcopy(fitted)
    near.walk(split.test)
    far = copy.deepcopy(near)
    near._update_em()
    monkeypatch.setattr(rhythm, "MANY_RATINGS", 1)
    far._update_em()
    requests = split.test.requests()
    found, wanted = far.predict(requests).stars, near.predict(requests).stars
    assert not np.array_equal(found, wanted)
    assert found == pytest.approx(wanted, abs=1e-4)
