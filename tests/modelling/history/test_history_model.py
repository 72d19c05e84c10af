"""A model that recalls answers as if a rating had never been given, and is asked in lists."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.plain_requests import Id, ask
from ratecast.models import load_model
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import MOVIE, USER, Ratings, Requests
from ratecast.training import make_model
from tests.models.state_space.camps import camps, model


@pytest.fixture(scope="module")
def told() -> tuple[StateSpace, Ratings]:
    """A model fitted on the first 2,400 rows of a table, and the others, not heard yet."""
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


def test_what_is_taken_back_was_never_heard(told: tuple[StateSpace, Ratings]) -> None:
    fitted, later = told
    user = int(later.frame[USER][-1])
    movie = int(later.frame[MOVIE][-1])
    gone = (later.frame[USER] == user) & (later.frame[MOVIE] == movie)
    asked = Requests.of([user] * 60, list(range(60)))
    never = copied(fitted, later.take(~gone.to_numpy()))
    changed = copied(fitted, later)
    assert not same(changed.predict(asked), never.predict(asked))
    before = sum(kept.movie == movie for kept in fitted.history_of(user))
    taken = changed.unlearn([(user, movie)])
    assert taken == int(gone.sum()) + before
    never.unlearn([(user, movie)])
    assert same(changed.predict(asked), never.predict(asked))
    assert changed.learned_from == ""


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("name", ["state_space", "bias"])
def test_a_forgotten_user_is_a_stranger(name: str, text: bool, tmp_path: Path) -> None:
    table = camps()
    if text:
        named = pl.col(USER).cast(pl.String)
        users = table.users.with_columns(named)
        table = replace(table, frame=table.frame.with_columns(named), users=users)
    made = model() if name == "state_space" else make_model(name)
    fitted = made.fit(table.take(slice(0, 2400)))
    user, stranger = ("3", "999") if text else (3, 999)
    asked = [Requests.of([who] * 60, list(range(60))) for who in (user, stranger)]
    assert not same(*map(fitted.predict, asked))
    fitted.forget(user)
    fitted.forget(stranger)
    assert same(*map(fitted.predict, asked))
    assert (fitted.users.table[USER] == user).sum() == 0
    fitted.observe(table.take((table.frame[USER] == user).to_numpy()))
    fitted.save(tmp_path / "artifact")
    again = load_model(tmp_path / "artifact")
    assert same(again.predict(asked[0]), fitted.predict(asked[0]))
    assert again.predict(asked[0]).history_length[0] > 0


def test_a_rating_left_out_is_one_taken_back(told: tuple[StateSpace, Ratings]) -> None:
    heard = copied(*told)
    user = int(heard.users.table[USER][0])
    kept = heard.history_of(user)
    assert [k.at for k in kept] == sorted(k.at for k in kept)
    without = heard.leave_one_out(user, 7, slice(None))
    assert len(without) == len(kept)
    alone = [k for k in kept if [x.movie for x in kept].count(k.movie) == 1]
    assert alone
    for rating in alone[:5]:
        twin = copied(*told)
        twin.unlearn([(user, rating.movie)])
        expected = twin.predict(Requests.of([user], [7])).stars[0]
        assert without[kept.index(rating)] == expected
    assert heard.leave_one_out(99_999, 7, slice(None)).shape == (0,)


@pytest.mark.parametrize("side", [False, True])
def test_what_is_asked_in_lists_is_what_is_predicted(side: bool) -> None:
    table = camps(side=side)
    fitted = model().fit(table)
    users = [*range(0, 120, 7), 999]
    pairs = [(u, m) for u in users for m in range(60)]
    lists: tuple[list[Id], list[Id]] = [u for u, _ in pairs], [m for _, m in pairs]
    whole = fitted.predict(Requests.of(*lists))
    for warm in (False, True):
        if warm:
            fitted.precompute()
        quick = fitted.calibrate(*ask(fitted, *lists))
        assert same(quick, whole)
        assert np.array_equal(quick.probabilities, whole.probabilities)
        for row in range(0, len(pairs), 97):
            alone = fitted.calibrate(*ask(fitted, [lists[0][row]], [lists[1][row]]))
            assert alone.stars[0] == whole.stars[row]
            assert np.array_equal(alone.probabilities[0], whole.probabilities[row])


def test_who_was_asked_about_before_is_answered_as_who_was_not(
    told: tuple[StateSpace, Ratings],
) -> None:
    """Where a user stands is kept from one question to the next, until anything changes it."""
    fitted, later = told
    often, fresh = (copied(fitted, later.take(slice(0, 0))) for _ in range(2))
    users = [*range(0, 120, 9), 9_999]
    for start in range(0, 300, 30):
        part = later.take(slice(start, start + 30))
        for user in {*users, *part.frame[USER].to_list()}:
            ask(often, [user], [7])
        for one in (often, fresh):
            one.observe(part)
        if start == 150:
            often.refresh(later)
            fresh.refresh(later)
        for user in users:
            alone = often.calibrate(*ask(often, [user] * 60, list(range(60))))
            # Of two users at once nothing is kept.
            both = fresh.calibrate(*ask(fresh, [user] * 60 + [1, 2], [*range(60), 3, 3]))
            assert np.array_equal(alone.stars, both.stars[:60])
            assert np.array_equal(alone.probabilities, both.probabilities[:60])


def test_ratings_heard_one_by_one_are_found_at_once(told: tuple[StateSpace, Ratings]) -> None:
    fitted, later = told
    one_by_one, together = copied(fitted, later.take(slice(0, 0))), copied(fitted, later)
    for row in range(len(later)):
        one_by_one.observe(later.take(slice(row, row + 1)))
    for user in (1, 2, 50):
        assert one_by_one.history_of(user) == together.history_of(user)
    assert same(one_by_one.predict(replace(later.requests())), together.predict(later.requests()))


def test_a_history_is_retold_as_it_was_told(told: tuple[StateSpace, Ratings]) -> None:
    fitted, later = told
    user = int(later.frame[USER][-1])
    heard = copied(fitted, later)
    history, retold = heard.history_of(user), heard.replay(user)
    moments = sorted({kept.at for kept in history})
    assert len(moments) > 3
    twin = copied(fitted, later)
    twin.unlearn([(user, kept.movie) for kept in history])
    for moment in moments:
        now = [k for k in range(len(history)) if history[k].at == moment]
        asked = Requests.of([user] * len(now), [history[k].movie for k in now])
        assert np.array_equal(twin.predict(asked).stars, retold.stars[now])
        assert (retold.history_length[now] == sum(kept.at < moment for kept in history)).all()
        part = later.frame.head(len(now)).with_columns(
            pl.Series(USER, [user] * len(now)),
            pl.Series(MOVIE, [history[k].movie for k in now]),
            pl.Series("rating", [history[k].stars for k in now], dtype=pl.Float32),
            pl.Series("at", [moment] * len(now)),
        )
        twin.observe(replace(later, frame=part))
    assert len(heard.replay(10**9)) == 0


def test_the_stars_given_to_a_movie_are_counted(told: tuple[StateSpace, Ratings]) -> None:
    fitted, later = told
    heard = copied(fitted, later)
    movie = int(later.frame[MOVIE][0])
    kept = [k for user in range(1000) for k in heard.history_of(user) if k.movie == movie]
    stars = heard.scale.stars.tolist()
    assert heard.star_counts(movie).tolist() == [sum(k.stars == s for k in kept) for s in stars]
    heard.unlearn([(user, movie) for user in range(1000)])
    assert heard.star_counts(movie).tolist() == [0] * len(stars)
    assert heard.star_counts(10**9).tolist() == [0] * len(stars)
