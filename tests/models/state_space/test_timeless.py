"""A model of a table without times gives the times of later ratings no weight."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import polars as pl

from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings, checked
from tests.planted import planted


def test_a_rating_of_today_does_not_outdate_the_others() -> None:
    table = planted()
    untimed = table.frame.unique(["user", "movie"], keep="first", maintain_order=True).drop("at")
    model = StateSpace(factors=2, co_rating_factors=2, iterations=2).fit(untimed[:900])
    new = checked(Ratings(untimed[900:940], scale=table.scale))
    dated = checked(Ratings(new.frame.with_columns(at=pl.lit(1_800_000_000)), scale=table.scale))
    one, other, walked = model, deepcopy(model), deepcopy(model)
    one.observe(new)
    other.observe(dated)
    walked.walk(dated)
    expected = one.predict(untimed[940:])
    assert np.array_equal(other.predict(untimed[940:]).probabilities, expected.probabilities)
    assert np.array_equal(walked.predict(untimed[940:]).probabilities, expected.probabilities)
    assert not one.history.all_ratings().at.any()
    assert not other.history.all_ratings().at.any()


def test_a_walk_is_the_loop_over_its_parts() -> None:
    table = planted()
    once = table.frame.unique(["user", "movie"], keep="first", maintain_order=True)
    model = StateSpace(factors=2, co_rating_factors=2, iterations=2).fit(once[:900].drop("at"))
    stream, edges = once[900:960], np.array([0, 20, 21, 60])
    walking, looping = deepcopy(model), deepcopy(model)
    walked = walking.walk(stream, edges)
    for start, stop in pairwise(edges):
        stars = looping.predict(stream[start:stop]).stars
        assert np.array_equal(stars, walked.stars[start:stop])
        looping.observe(stream[start:stop])
