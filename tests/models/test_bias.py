import copy

import numpy as np
import pytest

from ratecast.models.bias import Bias
from tests.planted import planted


def test_recovers_planted_biases() -> None:
    table = planted(rows=20_000, seed=3)
    model = Bias(user_damping=1e-6, movie_damping=1e-6).fit(table)
    error = model.predict(table.requests()).stars - table.stars
    assert np.sqrt(np.mean(error**2)) == pytest.approx(np.sqrt(0.3**2 + 1 / 12), abs=0.03)


def test_a_new_rating_moves_the_next_forecast() -> None:
    table = planted()
    low = table.take(slice(0, 1))
    pair = (table.frame["user"] == low.frame["user"][0]) & (
        table.frame["movie"] == low.frame["movie"][0]
    )
    model = Bias().fit(table.take(~pair.to_numpy()))
    again = copy.deepcopy(model)
    before = model.predict(low.requests()).stars[0]
    again.observe(low)
    after = again.predict(low.requests()).stars[0]
    assert np.sign(after - before) == np.sign(float(low.stars[0]) - before)
