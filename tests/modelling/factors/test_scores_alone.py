"""Scores without their deviation have the bits of those with it."""

import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.factors.bilinear import Side, Sides, predict, scores_alone


def test_the_bits_are_those_of_predict() -> None:
    random = np.random.default_rng(0)

    def side(rows: int) -> Side:
        weights: F64 = random.normal(size=(rows, 9))
        return Side(weights, np.tile(np.eye(9), (rows, 1, 1)))

    sides = Sides(side(40), side(30))
    for rows in (3, 10_000):
        users = random.integers(40, size=rows).astype(np.int32)
        movies = random.integers(30, size=rows).astype(np.int32)
        np.testing.assert_array_equal(
            scores_alone(users, movies, sides), predict(users, movies, sides)[0]
        )
