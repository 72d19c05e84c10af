"""Matrix factorization with biases by stochastic gradient descent, without locks or races.

Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems",
eq. 5; strata that run side by side as in Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale
matrix factorization with distributed stochastic gradient descent".
Differs: the priors pull once an epoch, not at each rating, towards a centre that is learned; the
rate falls along a half cosine.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32, I64
from ratecast.modelling.kernels.aligned import on_lines
from ratecast.modelling.kernels.csr import Heap, Triples, even, sorted_by
from ratecast.modelling.kernels.weighted_mean import centre

GROUPS = 16


@dataclass(frozen=True)
class Strata:
    """Ratings in GROUPS x GROUPS blocks of users and movies, ordered by user within a block.

    triples: (users, movies, stars above the mean), each (n,). edges: (GROUPS^2 + 1,) of the blocks.
    Blocks of one stratum share no user and no movie, so that they can be learned side by side; and
    the movies of a block fit into a core's cache.
    """

    triples: Triples
    edges: I64

    @classmethod
    def of(cls, by_user: Heap, movie_counts: I64) -> Self:
        """From the ratings of each user, and how many each movie has."""
        triples, user_counts = by_user.triples, by_user.counts
        popular = np.argsort(-movie_counts, kind="stable")
        of_movie = np.empty(len(popular), np.int32)
        of_movie[popular] = even(movie_counts[popular], GROUPS)
        of_user = even(user_counts, GROUPS)
        keys = of_user[triples[0]] * np.int32(GROUPS) + of_movie[triples[1]]
        edges, ordered = sorted_by(keys, GROUPS * GROUPS, triples)
        return cls(ordered, edges)


@dataclass(frozen=True)
class Weights:
    """What is learned of one side: biases (rows,) and vectors (rows, k), float32."""

    biases: F32
    vectors: F32

    @classmethod
    def drawn(cls, rows: int, width: int, spread: float, random: np.random.Generator) -> Self:
        """No bias, and small numbers."""
        vectors = on_lines(rows, width)
        vectors[:] = random.standard_normal(vectors.shape, np.float32) * np.float32(spread)
        return cls(np.zeros(rows, np.float32), vectors)

    def centre(self, weights: F32) -> tuple[np.float32, F32]:
        """Mean of the lines, weighted by `weights` (rows,)."""
        return centre(self.biases[:, None], weights)[0], centre(self.vectors, weights)

    def pulled(self, centre: tuple[np.float32, F32], shares: tuple[float, float]) -> None:
        """Move biases and vectors by these shares of their way to the centre, in place."""
        bias, vector = (np.float32(min(share, 1.0)) for share in shares)
        self.biases[:] += (centre[0] - self.biases) * bias
        # In place: the table may have a million lines.
        np.multiply(self.vectors, np.float32(1) - vector, out=self.vectors)
        np.add(self.vectors, centre[1] * vector, out=self.vectors)

    def copy(self) -> "Weights":
        """As it is now."""
        return Weights(self.biases.copy(), self.vectors.copy())


@njit(cache=True, fastmath=True)
def _block(triples, users, movies, rate, decay):  # type: ignore[no-untyped-def]
    """Take one step for each rating of a block, in order.

    triples: (users, movies, above), each (n,), ordered by user. users, movies: (biases, vectors) of
    either side, changed in place. 6 k floating-point operations a rating, and the movie's vector
    read and written, 8 k bytes; the user's stays in the nearest cache.
    """
    width = users[1].shape[1]
    mine, last, bias = np.empty(width, np.float32), np.int32(-1), np.float32(0)
    keep = np.float32(1) - rate * decay
    for i in range(len(triples[0])):
        user, movie = triples[0][i], triples[1][i]
        if user != last:
            if last >= 0:
                _put(users, last, bias, mine)
            bias, last = users[0][user], user
            for k in range(width):
                mine[k] = users[1][user, k]
        theirs, product = movies[1][movie], np.float32(0)
        for k in range(width):
            product += mine[k] * theirs[k]
        step = rate * (triples[2][i] - bias - movies[0][movie] - product)
        bias += step
        movies[0][movie] += step
        for k in range(width):
            own, other = mine[k], theirs[k]
            mine[k] = keep * own + step * other
            theirs[k] = keep * other + step * own
    if last >= 0:
        _put(users, last, bias, mine)


@njit(cache=True)
def _put(side, row, bias, vector):  # type: ignore[no-untyped-def]
    """Number by number: assigning to a slice takes longer than a rating's whole step."""
    side[0][row] = bias
    for k in range(len(vector)):
        side[1][row, k] = vector[k]


@njit(cache=True, parallel=True)
def _pass(strata, users, movies, steps, rounds):  # type: ignore[no-untyped-def]
    """One pass over all blocks, stratum by stratum in the order of `rounds` (GROUPS,)."""
    triples, edges = strata
    rate, decay = steps
    for turn in rounds:
        for group in prange(GROUPS):
            block = group * GROUPS + (group + turn) % GROUPS
            part = slice(edges[block], edges[block + 1])
            rows = triples[0][part], triples[1][part], triples[2][part]
            _block(rows, users, movies, rate, decay)


def epoch(
    strata: Strata,
    sides: tuple[Weights, Weights],
    steps: tuple[float, float],
    random: np.random.Generator,
) -> None:
    """Learn from every rating once, at a rate and a decay of the vectors; both sides in place."""
    users, movies = ((side.biases, side.vectors) for side in sides)
    rounds = random.permutation(GROUPS)
    _pass(
        (strata.triples, strata.edges),
        users,
        movies,
        (np.float32(steps[0]), np.float32(steps[1])),
        rounds,
    )
