"""The reduced matrix of a fractal expansion: how often the source recurs, and where how densely.

Reference: Belletti, Lakshmanan, Krichene, Chen, Anderson 2019, Scalable Realistic Recommendation
Datasets through Fractal Expansions, arXiv:1901.08910, section IV. The expanded matrix is the
Kronecker product of a reduced copy of the source and the source itself; the reduced copy resizes
the factors of the source's SVD.
Differs: an entry of the reduced matrix is the share of the source's pattern that its block keeps
(there every entry is kept and scaled), so that density falls with size as it does in MovieLens.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from ratecast.data.expand.source import Source
from ratecast.errors import InputError

# From ml-100k to ml-25m, 250 times the ratings are of 172 times the users and 35 times the movies.
USERS_POWER, MOVIES_POWER = 0.933, 0.646
MOST_ROWS = 10**9
_RANK = 4
_LEAST_SHARE = 0.5
_FLOOR = 1e-3
_ROUNDS = 60

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """Blocks of users by blocks of movies, (a, b).

    counts: rows of each block. tilt: how strongly, and with what sign, its users' tastes are the
    source's; of unit root mean square over all rows.
    """

    counts: NDArray[np.int64]
    tilt: Matrix

    @property
    def users_times(self) -> int:
        """How often the source's users recur."""
        return int(self.counts.shape[0])

    @property
    def movies_times(self) -> int:
        """How often the source's movies recur."""
        return int(self.counts.shape[1])


def blocks(source: Source, rows: float) -> tuple[int, int]:
    """How many blocks of users and of movies `rows` take. Raises where it is not from n to 1e9."""
    if not len(source) <= rows <= MOST_ROWS or rows % 1:
        raise InputError(
            f"expand: {rows:,.12g} ratings asked; give a whole number from {len(source):,}, "
            f"which the source has, to {MOST_ROWS:,}"
        )
    times = rows / len(source)
    return int(np.ceil(times**USERS_POWER)), int(np.ceil(times**MOVIES_POWER))


def shaped(source: Source, rows: int, seed: int) -> Shape:
    """The shape of an expansion to exactly `rows` rows."""
    of_users, of_movies = sizes = blocks(source, rows)
    random = np.random.default_rng([seed, 0])
    order = np.ix_(random.permutation(of_users), random.permutation(of_movies))
    share = _shares(source, sizes, rows / len(source))[order]
    until = np.rint(np.cumsum(share.ravel()) * len(source)).astype(np.int64)
    until[-1] = rows
    counts = np.diff(until, prepend=0).reshape(sizes)
    tilt = (_resized(source.of_users, of_users) @ _resized(source.of_movies, of_movies).T)[order]
    return Shape(counts, tilt / np.sqrt((counts * tilt**2).sum() / counts.sum()))


def _shares(source: Source, sizes: tuple[int, int], times: float) -> Matrix:
    """The share of the source's rows that each block keeps, in 0 to 1; together `times`."""
    incidence = source.incidence()
    left, values, right = svds(incidence, _RANK, v0=np.ones(min(incidence.shape)))
    users = left[np.argsort(-incidence.sum(1), kind="stable")] * values
    movies = right.T[np.argsort(-incidence.sum(0), kind="stable")]
    reduced = _resized(users, sizes[0]) @ _resized(movies, sizes[1]).T
    reduced = reduced.clip(_FLOOR * reduced.max())
    # Every user keeps some history: half of the mean is shared out evenly, half by activity.
    active = reduced.sum(1, keepdims=True)
    even = _LEAST_SHARE + (1 - _LEAST_SHARE) * active / active.mean()
    # One row short of the whole source, so that a count that is rounded up is never above it.
    return _filled(reduced / active * even, times, 1 - 1 / len(source))


def _filled(weights: Matrix, total: float, most: float) -> Matrix:
    """`weights` times one number, cut at `most`, so that they sum to `total`."""
    low, high = 0.0, total / weights.min()
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if np.minimum(most, weights * middle).sum() < total:
            low = middle
        else:
            high = middle
    filled: Matrix = np.minimum(most, weights * high)
    return filled


def _resized(factors: Matrix, rows: int) -> Matrix:
    """The rows of `factors` averaged, or stretched, to so many."""
    sums = np.vstack([np.zeros(factors.shape[1]), np.cumsum(factors, 0)])
    edges = np.linspace(0, len(factors), rows + 1)
    columns = [np.interp(edges, np.arange(len(sums)), column) for column in sums.T]
    resized: Matrix = np.diff(np.stack(columns, 1), axis=0) * rows / len(factors)
    return resized
