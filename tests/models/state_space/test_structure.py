"""The model finds what a table was drawn from, and keeps what is given by hand."""

import copy
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.evaluation.protocol import as_of
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import time_groups
from ratecast.models import load_model
from ratecast.models.bias import Bias
from ratecast.models.state_space.em import MAX_L2_BIASES
from ratecast.models.state_space.model import StateSpace
from ratecast.models.state_space.rhythm import refresh_after
from ratecast.models.state_space.structure import REGRESSION_ONLY, Drift, gain, most_gained, usual
from ratecast.ratings import Ratings
from ratecast.splits import Split, chronological
from tests.models.state_space import tables
from tests.models.state_space.camps import same
from tests.models.state_space.tables import Drawn


def errors(model: Model, split: Split) -> float:
    """RMSE of the as-of forecasts of test, in stars."""
    forecast = as_of(model.fit(split.train, split.valid), split.parts)["test"]
    return float(np.sqrt(np.mean((forecast.stars - split.test.stars) ** 2)))


# At most these times the RMSE of bias, whose dampings are learned too and which is the very model
# that drew two of the tables, and of the expected ratings themselves.
@pytest.mark.parametrize(
    ("draw", "of_bias", "of_expected"),
    [
        (tables.only_biases, 1.008, 1.1),
        (tables.one_rating_a_user, 1.001, 1.03),
        (tables.strong_factors, 0.6, 1.05),
        (tables.drifting_users, 0.9, 1.16),
        (tables.new_movies, 1.008, 1.12),
    ],
)
def test_forecasts_near_what_a_table_was_drawn_from(
    draw: Callable[[np.random.Generator], Drawn], of_bias: float, of_expected: float
) -> None:
    table, expected = draw(np.random.default_rng(1))
    split = chronological(table)
    noise = (table.stars - expected)[-len(split.test) :]
    found = errors(StateSpace(), split)
    assert found < of_bias * errors(Bias(), split)
    assert found < of_expected * float(np.sqrt(np.mean(noise**2)))


@pytest.fixture(scope="module")
def split() -> Split:
    return chronological(tables.new_movies(np.random.default_rng(1))[0])


@pytest.fixture(scope="module")
def fitted(split: Split) -> StateSpace:
    return StateSpace().fit(split.train, split.valid)


def test_movies_learn_between_refreshes(split: Split, fitted: StateSpace) -> None:
    """A movie's ratings change its forecast for another user before any refresh."""
    going = copy.deepcopy(fitted)
    first = split.valid
    assert first is not None
    one = first.take(slice(0, 200))
    movie = one.frame["movie"].mode()[0]
    before = going.predict([-1], [movie])
    going.walk(one)
    assert going.predict([-1], [movie]).stars[0] != before.stars[0]


def test_a_walk_equals_predicting_and_observing(split: Split, fitted: StateSpace) -> None:
    assert split.valid is not None
    stream, one = split.valid.take(slice(0, 60)), copy.deepcopy(fitted)
    walked = copy.deepcopy(fitted).walk(stream)
    for row, (start, stop) in enumerate(pairwise(time_groups(stream))):
        part = stream.take(slice(start, stop))
        assert one.predict(part.requests()).stars[0] == walked.stars[row]
        one.observe(part)


def given_again(split: Split) -> Ratings:
    """New ratings, then some of them and of train with other stars, then some with the same."""
    assert split.valid is not None
    later, new = split.valid.frame["at"].max(), split.valid.take(slice(0, 200)).frame
    again = pl.concat([split.train.frame[-400::4], new[:100]])
    again = again.with_columns(rating=10.0 - pl.col("rating"))
    again = pl.concat([again, new[100:150]]).with_columns(
        at=pl.lit(later, pl.Int64) + pl.int_range(pl.len())
    )
    return replace(split.valid, frame=pl.concat([new, again.cast(new.schema)]))


def test_a_walk_with_ratings_given_again_is_the_plain_loop(
    split: Split, fitted: StateSpace
) -> None:
    walked, one, stream = copy.deepcopy(fitted), copy.deepcopy(fitted), given_again(split)
    forecast = walked.walk(stream)
    for row in range(len(stream)):
        part = stream.take(slice(row, row + 1))
        assert one.predict(part.requests()).stars[0] == forecast.stars[row]
        one.observe(part)
    assert same(walked.predict(split.test), one.predict(split.test))


def test_what_a_movie_learned_from_a_former_rating_is_replaced(
    split: Split, fitted: StateSpace
) -> None:
    assert split.valid is not None
    pair = split.valid.take(slice(0, 1))
    movie, late = pair.frame["movie"].to_list(), split.valid.frame["at"].max()
    low, high = (
        replace(
            pair, frame=pair.frame.with_columns(pl.lit(stars, pl.Float32).alias("rating"), at=at)
        )
        for stars, at in ((0.0, pl.lit(late, pl.Int64)), (10.0, pl.lit(late, pl.Int64) + 1))
    )
    twice, once, before = (copy.deepcopy(fitted) for _ in range(3))
    twice.observe(low)
    assert twice.predict([-1], movie).stars[0] < before.predict([-1], movie).stars[0]
    twice.observe(high)
    once.observe(high)
    assert twice.predict([-1], movie).stars[0] > before.predict([-1], movie).stars[0]
    later = split.valid.take(slice(0, 200)).requests()
    np.testing.assert_allclose(twice.predict(later).stars, once.predict(later).stars)


def test_a_loaded_model_walks_alike(split: Split, fitted: StateSpace, tmp_path: Path) -> None:
    assert split.valid is not None
    one, stream = copy.deepcopy(fitted), split.valid.take(slice(0, 100))
    one.walk(stream)
    one.save(tmp_path / "saved")
    later = split.valid.take(slice(100, 300))
    assert same(load_model(tmp_path / "saved").walk(later), one.walk(later))


def test_a_number_of_factors_given_by_hand_is_kept(split: Split, fitted: StateSpace) -> None:
    given = StateSpace(factors=3, iterations=2).fit(split.train)
    assert given.movie_parameters.parameters.movie_vectors.shape[1] == 1 + 3
    chosen = fitted.movie_parameters.parameters
    assert chosen.movie_vectors.shape[1] < 1 + usual(0).factors
    assert chosen.l2_biases[0] < MAX_L2_BIASES


def test_factors_below_zero_are_refused() -> None:
    with pytest.raises(InputError, match=r"model.factors is -1; give a whole number, 0 or more"):
        StateSpace(factors=-1)


def test_a_refresh_waits_longer_on_a_sparse_table() -> None:
    dense, sparse, sparsest = (refresh_after(10_000, ids, 0.01) for ids in (100, 5_000, 10**6))
    assert (dense, sparse, sparsest) == (100, 400, 800)


def test_a_change_must_be_clear() -> None:
    random = np.random.default_rng(0)
    before = random.normal(size=4000)
    better, worse, alike = 0.9 * before, 1.1 * before, before + random.normal(0, 0.001, 4000)
    assert most_gained(before, [worse, alike, better, 0.95 * before]) == 2
    assert most_gained(before, [worse, alike]) is None
    assert gain(before, before) == gain(np.zeros(0), np.zeros(0)) == 0


def test_the_usual_structure_is_that_of_dense_tables() -> None:
    assert usual(0).factors == 16
    assert usual(5)._replace(factors=16) == usual(0)
    assert REGRESSION_ONLY.drift == usual(0).drift == Drift()
