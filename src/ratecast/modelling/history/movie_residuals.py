"""Online update of a movie by the damped mean of its residuals after the fit.

It stands beside a model whose movies stay fixed between fits, or between refreshes:
`factorization_machine`, `gaussian_process`, `cold_start` and `state_space`.
Reference: Funk 2006, "Try this at home" (damped means of residuals).
Differs: the residuals are those of predictions made before the rating; users have no such mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I32, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.contract.rows import Expected, Rows, grown


@dataclass
class MovieResiduals:
    """Mean residual of a movie: b = sum(r - r̂) / (n + damping), in stars.

    sums: (movies, 2), sum of the residuals and their number. damping: weight of the prior mean 0,
    in ratings, of all movies or of each one, (movies,).
    """

    sums: F64
    damping: float | F64

    @classmethod
    def empty(cls, movies: int, damping: float | F64) -> "MovieResiduals":
        """No residual yet. movies: number of rows."""
        return cls(np.zeros((movies, 2)), damping)

    def grow(self, movies: int) -> None:
        """Add rows for new movies, which have no residual yet."""
        self.sums = grown(self.sums, movies)

    def corrected(self, expected: Expected, movies: I32) -> Expected:
        """`expected` plus the mean residual of each row's movie. movies: (n,)."""
        sums, damping = self.sums[movies], self.damping
        of_each = damping[movies] if isinstance(damping, np.ndarray) else damping
        mean = sums[:, 0] / (sums[:, 1] + of_each)
        return Expected(expected.mean + mean, expected.deviation)

    @property
    def _damping(self) -> F64:
        """Of each movie: (movies,)."""
        return np.broadcast_to(np.asarray(self.damping, np.float64), len(self.sums))

    def walk(self, expected: Expected, rows: Rows, edges: I64) -> Expected:
        """As `corrected`, group by group: the residuals of a group are added after it.

        A rating in the place of a former one changes its residual by their difference. rows: in
        time order. edges: (k + 1,) borders of the time groups.
        """
        first = rows.is_first
        residuals = np.where(first, rows.stars - expected.mean, rows.change)
        extra = self.add(rows.movies, (residuals, first), edges)
        return Expected(expected.mean + extra, expected.deviation)

    def add(self, movies: I32, more: tuple[F64, NDArray[np.bool_]], edges: I64) -> F64:
        """The mean residual of each row's movie before its time group: (n,).

        more: what each row adds to the sum of its movie, and whether it counts, (n,) each.
        """
        damping = read_only(np.ascontiguousarray(self._damping))
        means: F64 = _walk(read_only(movies), more, edges, self.sums, damping)
        return means


@njit(cache=True)
def _walk(movies, more, edges, sums, damping):  # type: ignore[no-untyped-def]
    """As `add`; `sums` changes in place. damping: (movies,)."""
    residuals, is_first = more
    means = np.empty(len(movies))
    for group in range(len(edges) - 1):
        for i in range(edges[group], edges[group + 1]):
            means[i] = sums[movies[i], 0] / (sums[movies[i], 1] + damping[movies[i]])
        for i in range(edges[group], edges[group + 1]):
            sums[movies[i], 0] += residuals[i]
            sums[movies[i], 1] += is_first[i]
    return means
