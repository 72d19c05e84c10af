"""The reduced matrix of a fractal expansion: how often the source is repeated, and how densely.

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

# ml-25m has 250 times the ratings, 172 times the users and 35 times the movies of ml-100k.
USERS_POWER, MOVIES_POWER = 0.933, 0.646
MOST_ROWS = 10**9
_RANK = 4
_LEAST_SHARE = 0.5
_FLOOR = 1e-3
_BISECTIONS = 60

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """The reduced matrix: user blocks by movie blocks, (a, b).

    counts: rows of each block. tilt: factor, with sign, of the source's taste in each block; its
    root mean square over all rows is 1.
    """

    counts: NDArray[np.int64]
    tilt: Matrix

    @property
    def user_blocks(self) -> int:
        """How often the source's users are repeated."""
        return int(self.counts.shape[0])

    @property
    def movie_blocks(self) -> int:
        """How often the source's movies are repeated."""
        return int(self.counts.shape[1])


def blocks(source: Source, rows: float) -> tuple[int, int]:
    """Number of user blocks and movie blocks for `rows`. Raises unless n <= rows <= 1e9."""
    if not len(source) <= rows <= MOST_ROWS or rows % 1:
        raise InputError(
            f"expand: cannot generate {rows:,.12g} ratings; give an integer from {len(source):,}, "
            f"the size of the source, to {MOST_ROWS:,}"
        )
    times = rows / len(source)
    return int(np.ceil(times**USERS_POWER)), int(np.ceil(times**MOVIES_POWER))


def shape_of(source: Source, rows: int, seed: int) -> Shape:
    """The reduced matrix of an expansion to exactly `rows` rows."""
    of_users, of_movies = sizes = blocks(source, rows)
    random = np.random.default_rng([seed, 0])
    order = np.ix_(random.permutation(of_users), random.permutation(of_movies))
    share = _shares(source, sizes, rows / len(source))[order]
    ends = np.rint(np.cumsum(share.ravel()) * len(source)).astype(np.int64)
    ends[-1] = rows
    counts = np.diff(ends, prepend=0).reshape(sizes)
    tilt = (_resized(source.of_users, of_users) @ _resized(source.of_movies, of_movies).T)[order]
    return Shape(counts, tilt / np.sqrt((counts * tilt**2).sum() / counts.sum()))


def _shares(source: Source, sizes: tuple[int, int], times: float) -> Matrix:
    """The share of the source's rows that each block keeps, from 0 to 1; the sum is `times`."""
    incidence = source.incidence()
    left, values, right = svds(incidence, _RANK, v0=np.ones(min(incidence.shape)))
    users = left[np.argsort(-incidence.sum(1), kind="stable")] * values
    movies = right.T[np.argsort(-incidence.sum(0), kind="stable")]
    reduced = _resized(users, sizes[0]) @ _resized(movies, sizes[1]).T
    reduced = reduced.clip(_FLOOR * reduced.max())
    # Every user keeps some ratings: half of the mean goes to all alike, half by activity.
    active = reduced.sum(1, keepdims=True)
    even = _LEAST_SHARE + (1 - _LEAST_SHARE) * active / active.mean()
    # At most one row less than the source, so that a count that is rounded up does not exceed it.
    return _scaled(reduced / active * even, times, 1 - 1 / len(source))


def _scaled(weights: Matrix, total: float, most: float) -> Matrix:
    """min(c * weights, most), with the c for which they sum to `total`; by bisection."""
    low, high = 0.0, total / weights.min()
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if np.minimum(most, weights * middle).sum() < total:
            low = middle
        else:
            high = middle
    scaled: Matrix = np.minimum(most, weights * high)
    return scaled


def _resized(factors: Matrix, rows: int) -> Matrix:
    """The rows of `factors`, averaged or stretched to the number `rows`."""
    sums = np.vstack([np.zeros(factors.shape[1]), np.cumsum(factors, 0)])
    edges = np.linspace(0, len(factors), rows + 1)
    columns = [np.interp(edges, np.arange(len(sums)), column) for column in sums.T]
    resized: Matrix = np.diff(np.stack(columns, 1), axis=0) * rows / len(factors)
    return resized
