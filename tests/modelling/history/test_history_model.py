"""A model with a history: ratings are unlearned, left out and replayed; plain requests."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.data.duplicates import keep_latest
from ratecast.ids import Id
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.plain_requests import predict_pairs
from ratecast.models import load_model
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import MOVIE, USER, Ratings, Requests
from ratecast.training import make_model
from tests.models.state_space.camps import camps, model


@pytest.fixture(scope="module")
def fitted_and_later() -> tuple[StateSpace, Ratings]:
    """A model fitted on the first 2,400 rows of a table, and the others, not observed yet."""
    table = camps()
    fitted = model().fit(table.take(slice(0, 2400)))
    return fitted, table.take(slice(2400, None))


def copied(fitted: StateSpace, later: Ratings) -> StateSpace:
    from copy import deepcopy

    twin = deepcopy(fitted)
    twin.observe(later)
    return twin


def same(one: Forecast, other: Forecast) -> bool:
    names = "stars", "history_length", "basis"
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


def test_an_unlearned_rating_leaves_no_trace(fitted_and_later: tuple[StateSpace, Ratings]) -> None:
    fitted, later = fitted_and_later
    user = int(later.frame[USER][-1])
    movie = int(later.frame[MOVIE][-1])
    gone = (later.frame[USER] == user) & (later.frame[MOVIE] == movie)
    requests = Requests.of([user] * 60, list(range(60)))
    never = copied(fitted, later.take(~gone.to_numpy()))
    changed = copied(fitted, later)
    assert not same(changed.predict(requests), never.predict(requests))
    before = sum(past.movie == movie for past in fitted.history_of(user))
    taken = changed.unlearn([(user, movie)])
    assert taken == int(gone.sum()) + before
    never.unlearn([(user, movie)])
    assert same(changed.predict(requests), never.predict(requests))
    assert changed.learned_from == ""


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("name", ["state_space", "bias"])
def test_a_forgotten_user_is_a_new_user(name: str, text: bool, tmp_path: Path) -> None:
    table = camps()
    if text:
        named = pl.col(USER).cast(pl.String)
        users = table.users.with_columns(named)
        table = replace(table, frame=table.frame.with_columns(named), users=users)
    made = model() if name == "state_space" else make_model(name)
    fitted = made.fit(table.take(slice(0, 2400)))
    user, new_user = ("3", "999") if text else (3, 999)
    requests = [Requests.of([who] * 60, list(range(60))) for who in (user, new_user)]
    assert not same(*map(fitted.predict, requests))
    fitted.forget(user)
    fitted.forget(new_user)
    assert same(*map(fitted.predict, requests))
    assert (fitted.users.table[USER] == user).sum() == 0
    fitted.observe(table.take((table.frame[USER] == user).to_numpy()))
    fitted.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    assert same(again.predict(requests[0]), fitted.predict(requests[0]))
    assert again.predict(requests[0]).history_length[0] > 0


def test_leaving_a_rating_out_equals_unlearning_it(
    fitted_and_later: tuple[StateSpace, Ratings],
) -> None:
    updated = copied(*fitted_and_later)
    user = int(updated.users.table[USER][0])
    history = updated.history_of(user)
    assert [k.at for k in history] == sorted(k.at for k in history)
    predicted = updated.leave_one_out(user, 7, slice(None))
    assert len(predicted) == len(history)
    alone = [k for k in history if [x.movie for x in history].count(k.movie) == 1]
    assert alone
    for rating in alone[:5]:
        twin = copied(*fitted_and_later)
        twin.unlearn([(user, rating.movie)])
        expected = twin.predict(Requests.of([user], [7])).stars[0]
        assert predicted[history.index(rating)] == expected
    assert updated.leave_one_out(99_999, 7, slice(None)).shape == (0,)


@pytest.mark.parametrize("side", [False, True])
def test_plain_requests_give_what_predict_gives(side: bool) -> None:
    table = camps(side=side)
    fitted = model().fit(table)
    users = [*range(0, 120, 7), 999]
    pairs = [(u, m) for u in users for m in range(60)]
    lists: tuple[list[Id], list[Id]] = [u for u, _ in pairs], [m for _, m in pairs]
    whole = fitted.predict(Requests.of(*lists))
    for precomputed in (False, True):
        if precomputed:
            fitted.precompute()
        plain = fitted.calibrate(*predict_pairs(fitted, *lists))
        assert same(plain, whole)
        assert np.array_equal(plain.probabilities, whole.probabilities)
        for row in range(0, len(pairs), 97):
            alone = fitted.calibrate(*predict_pairs(fitted, [lists[0][row]], [lists[1][row]]))
            assert alone.stars[0] == whole.stars[row]
            assert np.array_equal(alone.probabilities[0], whole.probabilities[row])


def test_the_cached_state_of_a_user_changes_no_prediction(
    fitted_and_later: tuple[StateSpace, Ratings],
) -> None:
    """The filtered state of a user is cached until a rating or a refresh changes it."""
    fitted, later = fitted_and_later
    often, fresh = (copied(fitted, later.take(slice(0, 0))) for _ in range(2))
    users = [*range(0, 120, 9), 9_999]
    for start in range(0, 300, 30):
        part = later.take(slice(start, start + 30))
        for user in {*users, *part.frame[USER].to_list()}:
            predict_pairs(often, [user], [7])
        for one in (often, fresh):
            one.observe(part)
        if start == 150:
            often.refresh(later)
            fresh.refresh(later)
        for user in users:
            alone = often.calibrate(*predict_pairs(often, [user] * 60, list(range(60))))
            # Requests of two users do not use the cache.
            both = fresh.calibrate(*predict_pairs(fresh, [user] * 60 + [1, 2], [*range(60), 3, 3]))
            assert np.array_equal(alone.stars, both.stars[:60])
            assert np.array_equal(alone.probabilities, both.probabilities[:60])


def test_ratings_observed_one_by_one_are_stored_alike(
    fitted_and_later: tuple[StateSpace, Ratings],
) -> None:
    fitted, later = fitted_and_later
    # One rating of each pair: given with a rating between, the same rating again is a later one.
    later = replace(later, frame=keep_latest(later.frame)[0])
    one_by_one, together = copied(fitted, later.take(slice(0, 0))), copied(fitted, later)
    for row in range(len(later)):
        one_by_one.observe(later.take(slice(row, row + 1)))
    for user in (1, 2, 50):
        assert one_by_one.history_of(user) == together.history_of(user)
    assert same(one_by_one.predict(replace(later.requests())), together.predict(later.requests()))


def test_a_replay_predicts_each_rating_from_earlier_ones(
    fitted_and_later: tuple[StateSpace, Ratings],
) -> None:
    fitted, later = fitted_and_later
    user = int(later.frame[USER][-1])
    updated = copied(fitted, later)
    history, replayed = updated.history_of(user), updated.replay(user)
    times = sorted({past.at for past in history})
    assert len(times) > 3
    twin = copied(fitted, later)
    twin.unlearn([(user, past.movie) for past in history])
    for time in times:
        now = [k for k in range(len(history)) if history[k].at == time]
        requests = Requests.of([user] * len(now), [history[k].movie for k in now])
        assert np.array_equal(twin.predict(requests).stars, replayed.stars[now])
        assert (replayed.history_length[now] == sum(past.at < time for past in history)).all()
        part = later.frame.head(len(now)).with_columns(
            pl.Series(USER, [user] * len(now)),
            pl.Series(MOVIE, [history[k].movie for k in now]),
            pl.Series("rating", [history[k].stars for k in now], dtype=pl.Float32),
            pl.Series("at", [time] * len(now)),
        )
        twin.observe(replace(later, frame=part))
    assert len(updated.replay(10**9)) == 0


def test_star_counts_of_a_movie(fitted_and_later: tuple[StateSpace, Ratings]) -> None:
    fitted, later = fitted_and_later
    updated = copied(fitted, later)
    movie = int(later.frame[MOVIE][0])
    ratings = [k for user in range(1000) for k in updated.history_of(user) if k.movie == movie]
    stars = updated.scale.stars.tolist()
    assert updated.star_counts(movie).tolist() == [
        sum(k.stars == s for k in ratings) for s in stars
    ]
    updated.unlearn([(user, movie) for user in range(1000)])
    assert updated.star_counts(movie).tolist() == [0] * len(stars)
    assert updated.star_counts(10**9).tolist() == [0] * len(stars)
