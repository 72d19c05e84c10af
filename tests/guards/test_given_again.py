"""A rating of a pair that was rated before takes the place of the former one, in every model."""

import copy
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import load_model, model_class
from ratecast.ratings import Ratings
from tests.guards.test_observe import END, TEST, TRAIN, fitted
from tests.models.test_contract import ONLINE, every, same
from tests.planted import rmse

# Models whose users and movies both move with a rating. What the former rating was learned from was
# the other side as it was then, which is not stored; so one forecast may differ by so many stars.
BOTH_MOVE = ("als", "mf", "mf_bias", "svdpp", "neumf", "attention", "blend", "knn",
             "variational_mf")  # fmt: skip
MOVED = dict.fromkeys(BOTH_MOVE, 0.1)
NEW = TEST.take(slice(0, 60))


def copied(name: str) -> Model:
    return copy.deepcopy(fitted(name))


def given_at(table: Ratings, start: int, stars: list[float] | None = None) -> Ratings:
    """The same pairs, a second after another from `start` on, with these stars."""
    columns = [pl.Series("at", start + np.arange(len(table)))]
    if stars is not None:
        columns.append(pl.Series("rating", stars, pl.Float32))
    return replace(table, frame=table.frame.with_columns(columns))


def opposite(table: Ratings) -> list[float]:
    return [6.0 - stars for stars in table.stars.tolist()]


def check_near(name: str, one: Forecast, other: Forecast) -> None:
    assert (one.history_length == other.history_length).all()
    assert (one.basis == other.basis).all()
    np.testing.assert_allclose(one.stars, other.stars, atol=MOVED.get(name, 1e-6), rtol=0)


def plainly(model: Model, stream: Ratings) -> Forecast:
    """The forecasts of a loop of `predict` and `observe`."""
    forecasts = []
    for start, stop in pairwise(time_groups(stream)):
        now = stream.take(slice(start, stop))
        forecasts.append(model.predict(now.requests()))
        model.observe(now)
    return Forecast.concat(forecasts)


@every(ONLINE)
def test_a_row_of_train_observed_again_changes_nothing(name: str, tmp_path: Path) -> None:
    model, before = copied(name), fitted(name).predict(TEST)
    model.observe(TRAIN)
    assert same(model.predict(TEST), before)
    assert model.learned_from == fitted(name).learned_from
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    for again in (TRAIN, given_at(TRAIN, END)):
        loaded.observe(again)
        assert same(loaded.predict(TEST), before)
    loaded.walk(given_at(TRAIN, END))
    assert same(loaded.predict(TEST), before)


@every(ONLINE)
def test_observed_twice_is_observed_once(name: str, tmp_path: Path) -> None:
    model = copied(name)
    model.observe(NEW)
    once = model.predict(TEST)
    assert not same(once, fitted(name).predict(TEST))
    model.observe(NEW)
    for row in range(3):
        model.observe(given_at(NEW.take(slice(row, row + 1)), END))
    model.walk(given_at(NEW, END))
    assert same(model.predict(TEST), once)
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    loaded.observe(NEW)
    assert same(loaded.predict(TEST), once)
    twice, model = Ratings(pl.concat([NEW.frame, NEW.frame]), scale=NEW.scale), copied(name)
    model.observe(twice)
    assert same(model.predict(TEST), once)


@every(ONLINE)
@pytest.mark.parametrize("row", range(0, 60, 6))
def test_of_two_ratings_the_later_counts(name: str, row: int) -> None:
    pair = NEW.take(slice(row, row + 1))
    low, high = given_at(pair, END, [1.0]), given_at(pair, END, [5.0])
    model, only = copied(name), copied(name)
    model.observe(low)
    after_low = model.predict(TEST)
    model.observe(high)
    only.observe(high)
    check_near(name, model.predict(TEST), only.predict(TEST))
    walked, only_late = copied(name), copied(name)
    only_late.observe(given_at(pair, END + 9, [5.0]))
    walked.walk(
        Ratings(pl.concat([low.frame, given_at(pair, END + 9, [5.0]).frame]), scale=low.scale)
    )
    check_near(name, walked.predict(TEST), only_late.predict(TEST))
    model.observe(low)
    check_near(name, model.predict(TEST), after_low)


@every(ONLINE)
def test_a_rating_of_train_is_replaced_and_put_back(name: str) -> None:
    model, before = copied(name), fitted(name).predict(TEST)
    rows = TRAIN.take(np.arange(0, len(TRAIN), 40))
    model.observe(given_at(rows, END, opposite(rows)))
    changed = model.predict(TEST)
    assert (changed.history_length == before.history_length).all()
    assert not np.allclose(changed.stars, before.stars, atol=1e-3)
    model.observe(given_at(rows, END + 1000, rows.stars.tolist()))
    back = model.predict(TEST)
    if name in ("mean", "bias", "cold_start"):
        check_near(name, back, before)
    # Those that know the times take these ratings as the latest of all.
    assert rmse(back.stars, before.stars) < rmse(changed.stars, before.stars) / 4


@every(ONLINE)
def test_a_walk_with_ratings_given_again_is_the_plain_loop(name: str) -> None:
    half = TEST.take(slice(0, 40))
    parts = [TEST.frame, given_at(half, END, opposite(half)).frame, given_at(half, END + 50).frame]
    parts += [given_at(TRAIN.take(slice(0, 90)), END + 20).frame]
    again = given_at(TRAIN, END + 30, opposite(TRAIN)).frame[:400:7]
    # Seconds in which a pair comes twice, with other stars and with the same.
    again = pl.concat([again, again.with_columns(rating=6.0 - pl.col("rating")), again])
    stream = Ratings(pl.concat([*parts, again.cast(TEST.frame.schema)]), scale=TEST.scale).sorted()
    walker, plain = copied(name), copied(name)
    expected = plainly(plain, stream)
    walked = walker.walk(stream)
    assert same(walked, expected)
    assert same(walker.predict(TEST), plain.predict(TEST))
    once = stream.frame.vstack(TRAIN.frame.select(stream.frame.columns))
    pairs = once.select("user", "movie").n_unique()
    assert walker.counts.of_users.sum() == walker.counts.of_movies.sum() == pairs
    if isinstance(walker, HistoryModel):
        assert len(walker.history.all_ratings()) == pairs


@every([name for name in ONLINE if issubclass(model_class(name), HistoryModel)])
def test_what_was_unlearned_counts_as_new(name: str, tmp_path: Path) -> None:
    model, rows = copied(name), TRAIN.take(slice(0, 3))
    assert isinstance(model, HistoryModel)
    before = model.predict(TEST)
    pairs = rows.frame.select("user", "movie").rows()
    assert model.unlearn(pairs) == 3
    assert not same(model.predict(TEST), before)
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    for one in (model, loaded):
        one.observe(given_at(rows, END))
        assert one.counts.of_users.sum() == len(TRAIN)
        assert same(one.predict(TEST), model.predict(TEST))


@every(ONLINE)
def test_who_was_forgotten_begins_anew(name: str) -> None:
    model, user = copied(name), TRAIN.frame["user"][0]
    rows = TRAIN.take((TRAIN.frame["user"] == user).to_numpy())
    model.forget(user)
    model.observe(rows)
    requests = rows.requests()
    assert model.predict(requests).history_length.tolist() == [len(rows)] * len(rows)
