"""Matrix factorization with biases by stochastic gradient descent (SGD), without locks or races.

Reference: Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques for Recommender Systems",
eq. 5; parallel strata as in Gemulla, Nijkamp, Haas, Sismanis 2011, "Large-scale matrix
factorization with distributed stochastic gradient descent".
Differs: the priors apply once an epoch, not at each rating, and are centred at learned values; the
learning rate falls along half a cosine.
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from ratecast.arrays import F32, I64
from ratecast.compiled import njit
from ratecast.modelling.factors.pair_scores import Side32
from ratecast.modelling.kernels.aligned import cache_aligned
from ratecast.modelling.kernels.csr import Grouped, Triples, balanced_groups, sorted_by
from ratecast.modelling.kernels.loops import MANY, at_once, on_all_threads, thread_cuts
from ratecast.modelling.kernels.weighted_mean import weighted_mean

GROUPS = 16


@dataclass(frozen=True)
class Strata:
    """Ratings in GROUPS x GROUPS blocks of users and movies, ordered by user within a block.

    triples: (users, movies, centred stars), each (n,). edges: (GROUPS^2 + 1,) of the blocks.
    A stratum is a set of blocks that share no user and no movie, so that they can run in parallel.
    The movies of a block fit into a core's cache.
    """

    triples: Triples
    edges: I64

    @classmethod
    def of(cls, by_user: Grouped, movie_counts: I64) -> Self:
        """From the ratings of each user, and the number of ratings of each movie."""
        triples, user_counts = by_user.triples, by_user.counts
        popular = np.argsort(-movie_counts, kind="stable")
        movie_groups = np.empty(len(popular), np.int32)
        movie_groups[popular] = balanced_groups(movie_counts[popular], GROUPS)
        user_groups = balanced_groups(user_counts, GROUPS)
        keys = user_groups[triples[0]] * np.int32(GROUPS) + movie_groups[triples[1]]
        edges, ordered = sorted_by(keys, GROUPS * GROUPS, triples)
        return cls(ordered, edges)


class StepSizes(NamedTuple):
    """Learning rate and l2 of the vectors at each rating, both float32."""

    learning_rate: np.float32
    l2: np.float32


def initial_side(rows: int, width: int, init_std: float, random: np.random.Generator) -> Side32:
    """Biases of 0 and normal vectors with standard deviation `init_std`."""
    vectors = cache_aligned(rows, width)
    vectors[:] = random.standard_normal(vectors.shape, np.float32) * np.float32(init_std)
    return Side32(np.zeros(rows, np.float32), vectors)


def side_centre(side: Side32, weights: F32) -> tuple[np.float32, F32]:
    """Mean bias and mean vector, weighted by `weights` (rows,)."""
    return weighted_mean(side.biases[:, None], weights)[0], weighted_mean(side.vectors, weights)


def move_to_centre(
    side: Side32, centre: tuple[np.float32, F32], shares: tuple[float, float]
) -> None:
    """Gradient step of the prior, in place: x <- x + share (centre - x), share at most 1.

    shares: learning rate * l2, of biases and of vectors.
    """
    bias, vector = (np.float32(min(share, 1.0)) for share in shares)
    side.biases[:] += (centre[0] - side.biases) * bias
    # In place: the table may have a million rows.
    np.multiply(side.vectors, np.float32(1) - vector, out=side.vectors)
    np.add(side.vectors, centre[1] * vector, out=side.vectors)


def copied(side: Side32) -> Side32:
    """A copy of the arrays."""
    return Side32(side.biases.copy(), side.vectors.copy())


@njit(cache=True, fastmath=True)
def _run_block(triples, users, movies, learning_rate, l2):  # type: ignore[no-untyped-def]
    """One SGD step for each rating of a block, in order.

    step = learning_rate (r - b_u - b_i - p_u · q_i);  b_u += step;  b_i += step
    p_u <- (1 - learning_rate l2) p_u + step q_i;  q_i <- (1 - learning_rate l2) q_i + step p_u

    triples: (users, movies, centred stars), each (n,), ordered by user. users, movies: `Side32`,
    changed in place. 6 k floating-point operations a rating, and the movie's vector read and
    written, 8 k bytes; the user's stays in the first-level cache.
    """
    width = users.vectors.shape[1]
    user_vector, last, bias = np.empty(width, np.float32), np.int32(-1), np.float32(0)
    decay = np.float32(1) - learning_rate * l2
    for i in range(len(triples[0])):
        user, movie = triples[0][i], triples[1][i]
        if user != last:
            if last >= 0:
                _store(users, last, bias, user_vector)
            bias, last = users.biases[user], user
            for k in range(width):
                user_vector[k] = users.vectors[user, k]
        movie_vector, product = movies.vectors[movie], np.float32(0)
        for k in range(width):
            product += user_vector[k] * movie_vector[k]
        step = learning_rate * (triples[2][i] - bias - movies.biases[movie] - product)
        bias += step
        movies.biases[movie] += step
        for k in range(width):
            p, q = user_vector[k], movie_vector[k]
            user_vector[k] = decay * p + step * q
            movie_vector[k] = decay * q + step * p
    if last >= 0:
        _store(users, last, bias, user_vector)


@njit(cache=True)
def _store(side, row, bias, vector):  # type: ignore[no-untyped-def]
    """Number by number: assigning to a slice takes longer than the whole step of a rating."""
    side.biases[row] = bias
    for k in range(len(vector)):
        side.vectors[row, k] = vector[k]


@njit(cache=True, nogil=True)
def _run_groups(groups, strata, sides, sizes, stratum):  # type: ignore[no-untyped-def]
    """One pass over a stratum's blocks of the user groups from groups[0] to groups[1] - 1."""
    (triples, edges), (users, movies), (learning_rate, l2) = strata, sides, sizes
    for group in range(groups[0], groups[1]):
        block = group * GROUPS + (group + stratum) % GROUPS
        part = slice(edges[block], edges[block + 1])
        rows = triples[0][part], triples[1][part], triples[2][part]
        _run_block(rows, users, movies, learning_rate, l2)


def run_epoch(
    strata: Strata, sides: tuple[Side32, Side32], sizes: StepSizes, random: np.random.Generator
) -> None:
    """One SGD step for every rating, stratum by stratum; both sides are changed in place."""
    run = on_all_threads if len(strata.triples[0]) >= GROUPS * MANY else at_once
    cuts, ratings = thread_cuts(GROUPS), (strata.triples, strata.edges)
    for stratum in random.permutation(GROUPS).tolist():
        run(_run_groups, cuts, ratings, sides, sizes, stratum)
