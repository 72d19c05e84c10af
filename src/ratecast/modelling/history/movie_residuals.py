"""What is heard of a movie after the fit: the mean surprise of its ratings, damped.

It lies beside a model whose movies stand still while it updates: `factorization_machine`,
`gaussian_process` and `cold_start`.
Reference: Funk 2006, "Try this at home" (damped means of residuals).
Differs: the residuals are those of forecasts made before the rating came; users are not told.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratecast.arrays import F64, I32, I64
from ratecast.modelling.contract.rows import Expected, grown


@dataclass
class News:
    """sums: (movies, 2), surprises and their number. damping: how many ratings no news is worth."""

    sums: F64
    damping: float

    @classmethod
    def none(cls, movies: int, damping: float) -> "News":
        """Nothing heard yet."""
        return cls(np.zeros((movies, 2)), damping)

    def grow(self, movies: int) -> None:
        """Make room for movies just met; of the unknown one nothing is heard."""
        self.sums = grown(self.sums, movies)

    def added(self, expected: Expected, movies: I32) -> Expected:
        """What is expected, with what was heard of the movies."""
        total, count = self.sums[movies].T
        return Expected(expected.mean + total / (count + self.damping), expected.deviation)

    def heard(
        self, expected: Expected, movies: I32, stars: NDArray[np.float32], edges: I64
    ) -> Expected:
        """The same, told moment by moment how far from `expected` the stars were."""
        rows = movies, stars - expected.mean
        extra = _hear(rows, edges, self.sums, self.damping)
        return Expected(expected.mean + extra, expected.deviation)


@njit(cache=True)
def _hear(rows, edges, sums, damping):  # type: ignore[no-untyped-def]
    """News of each row's movie before its moment, (n,); the sums are changed in place."""
    movies, surprise = rows
    extra = np.empty(len(movies))
    for moment in range(len(edges) - 1):
        for i in range(edges[moment], edges[moment + 1]):
            extra[i] = sums[movies[i], 0] / (sums[movies[i], 1] + damping)
        for i in range(edges[moment], edges[moment + 1]):
            sums[movies[i], 0] += surprise[i]
            sums[movies[i], 1] += 1.0
    return extra
