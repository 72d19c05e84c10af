"""`observe` and `walk` of ratings that are not new, or not of the model's kind."""

import copy
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast.data.duplicates import keep_latest
from ratecast.errors import InputError, NotFittedError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.models import MODELS, load_model, model_class
from ratecast.ratings import Ratings, Scale
from tests.models.test_contract import ONLINE, every, make, same
from tests.planted import planted

STORING = [name for name in MODELS if issubclass(model_class(name), HistoryModel)]
QUICK = settings(max_examples=8, deadline=None, derandomize=True)
# One rating of each pair.
TABLE = replace(planted(), frame=keep_latest(planted().frame)[0])
TRAIN, TEST = TABLE.take(slice(0, 800)), TABLE.take(slice(800, None))
END = int(TEST.at.max()) + 1


@cache
def fitted(name: str) -> Model:
    return make(name).fit(TRAIN)


def storing(name: str) -> HistoryModel:
    model = copy.deepcopy(fitted(name))
    assert isinstance(model, HistoryModel)
    return model


def stored(model: HistoryModel) -> int:
    return len(model.history.all_ratings())


def given_at(table: Ratings, start: int, stars: list[float] | None = None) -> Ratings:
    """The same pairs, a second after another from `start` on, with these stars."""
    columns = [pl.Series("at", start + np.arange(len(table)))]
    if stars is not None:
        columns.append(pl.Series("rating", stars, pl.Float32))
    return replace(table, frame=table.frame.with_columns(columns))


@every(list(MODELS))
def test_ratings_that_are_not_of_the_models_kind(name: str) -> None:
    fresh, rows = make(name), TEST.take(slice(0, 20))
    for call in (fresh.observe, fresh.walk, fresh.predict, fresh.refit):
        with pytest.raises(NotFittedError, match=f"model {name}: not fitted; call fit"):
            call(rows)
    model = copy.deepcopy(fitted(name))
    before = model.predict(TEST)
    other = Ratings(rows.frame.with_columns(pl.col("rating") / 2), scale=Scale(0.5, 5, 0.5))
    text = Ratings(
        rows.frame.with_columns(pl.format("u{}", "user").alias("user")), scale=rows.scale
    )
    for table, line in (
        (other, "is not on the scale 1:5:1"),
        (text, "ids of this model are whole numbers"),
    ):
        for call in (model.observe, model.walk):
            with pytest.raises(InputError, match=line):
                call(table)
    with pytest.raises(InputError, match="earlier than the row before it; sort by time first"):
        model.walk(rows.take(np.arange(len(rows))[::-1]))
    # Nothing of what was refused is left in the model.
    assert same(model.predict(TEST), before)


@every(ONLINE)
def test_ratings_of_before_the_last_one_are_taken(name: str) -> None:
    model = copy.deepcopy(fitted(name))
    model.observe(TEST)
    old = replace(TRAIN, frame=TRAIN.frame.with_columns(pl.col("user") + 10_000)).take(slice(0, 30))
    model.observe(old)
    forecast = model.predict(old)
    assert np.isfinite(forecast.stars).all()
    assert (forecast.history_length > 0).all()


@every(STORING)
def test_a_training_row_observed_again_changes_nothing(name: str, tmp_path: Path) -> None:
    model, plain = storing(name), fitted(name)
    model.observe(TRAIN)
    assert same(model.predict(TEST), plain.predict(TEST))
    assert model.learned_from == plain.learned_from
    model.save(tmp_path / "artifact")
    loaded = load_model(tmp_path / "artifact")
    loaded.observe(TRAIN)
    assert same(loaded.predict(TEST), plain.predict(TEST))


@every(STORING)
def test_a_rating_again_takes_the_place_of_the_former(name: str) -> None:
    @QUICK
    @given(data=st.data())
    def again(data: st.DataObject) -> None:
        places = data.draw(st.lists(st.integers(0, len(TRAIN) - 1), min_size=1, max_size=6))
        rows = TRAIN.take(np.unique(places))
        stars = data.draw(
            st.lists(
                st.sampled_from(TRAIN.scale.stars.tolist()), min_size=len(rows), max_size=len(rows)
            )
        )
        table = given_at(rows, END, stars)
        by_hand = storing(name)
        assert by_hand.unlearn(table.frame.select("user", "movie").rows()) == len(table)
        one, batch, walked = (copy.deepcopy(storing(name)) for _ in range(3))
        batch.observe(table)
        for row in range(len(table)):
            one.observe(table.take(slice(row, row + 1)))
        walked.walk(table)
        by_hand.observe(table)
        expected = by_hand.predict(TEST)
        for model in (one, batch, walked):
            forecast = model.predict(TEST)
            np.testing.assert_allclose(forecast.stars, expected.stars)
            assert (forecast.history_length == expected.history_length).all()
            assert stored(model) == len(TRAIN)
        # What came before the latest rating is too late.
        batch.observe(given_at(rows, END - 1000))
        np.testing.assert_allclose(batch.predict(TEST).stars, expected.stars)

    again()


@every(STORING)
def test_a_walk_with_ratings_again_is_the_plain_loop(name: str) -> None:
    half = TEST.take(slice(0, 40))
    frame = pl.concat(
        [
            half.frame,
            given_at(half, END, [6.0 - s for s in half.stars.tolist()]).frame,
            TEST.frame[40:],
        ]
    )
    stream = Ratings(frame, scale=TEST.scale).sorted()
    walker, plain = storing(name), storing(name)
    edges, forecasts = time_groups(stream), []
    for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        now = stream.take(slice(start, stop))
        forecasts.append(plain.predict(now.requests()))
        plain.observe(now)
    walked = walker.walk(stream)
    np.testing.assert_array_equal(walked.stars, np.concatenate([f.stars for f in forecasts]))
    assert same(walker.predict(TEST), plain.predict(TEST))
    assert stored(walker) == len(TRAIN) + len(TEST)
