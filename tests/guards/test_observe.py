"""`observe` and `walk` of ratings that are not new, or not of the model's kind."""

import copy
from dataclasses import replace
from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import settings

from ratecast.data.duplicates import keep_latest
from ratecast.errors import InputError, NotFittedError
from ratecast.modelling.contract.model import Model
from ratecast.models import MODELS
from ratecast.ratings import Ratings, Scale
from tests.models.test_contract import ONLINE, every, make, same
from tests.planted import planted

QUICK = settings(max_examples=8, deadline=None, derandomize=True)
# One rating of each pair.
TABLE = replace(planted(), frame=keep_latest(planted().frame)[0])
TRAIN, TEST = TABLE.take(slice(0, 800)), TABLE.take(slice(800, None))
END = int(TEST.at.max()) + 1


@cache
def fitted(name: str) -> Model:
    return make(name).fit(TRAIN)


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
