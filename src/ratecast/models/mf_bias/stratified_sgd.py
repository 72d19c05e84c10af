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

from ratecast.aligned import LANES, cache_aligned, padded
from ratecast.arrays import F32, I32, I64
from ratecast.compiled import njit
from ratecast.lanes import (
    load,
    prefetch,
    repeated,
    store,
    times,
    times_plus,
    total,
)
from ratecast.modelling.factors.pair_scores import Side32
from ratecast.modelling.kernels.csr import Grouped, Triples, balanced_groups
from ratecast.modelling.kernels.loops import MANY, at_once, even_cuts, on_all_threads, thread_cuts
from ratecast.modelling.kernels.weighted_mean import weighted_mean

GROUPS = 16
# Users of a block whose ratings take turns.
TURNS = 2
# How many ratings before its use a movie's vector is asked for.
AHEAD = 16


@dataclass(frozen=True)
class Strata:
    """Ratings in GROUPS x GROUPS blocks of users and movies; within a block, two users take turns.

    A step waits for the one before if both change the same user. So a processor works at two at a
    time where neighbours are of different users.
    triples: (users, movies, centred stars), each (n,). edges: (GROUPS^2 + 1,) of the blocks.
    A stratum is a set of blocks that share no user and no movie, so that they can run in parallel.
    The movies of a block fit into a core's cache.
    """

    triples: Triples
    edges: I64

    @classmethod
    def of(cls, by_user: Grouped, movie_counts: I64) -> Self:
        """From the ratings of each user, and the number of ratings of each movie.

        `by_user` is used up: its ratings are ordered in place, since a copy takes much memory.
        """
        user_groups, movie_groups = block_groups(by_user.counts, movie_counts)
        borders = by_user.edges[np.searchsorted(user_groups, np.arange(GROUPS + 1))]
        strata = cls(by_user.triples, np.zeros(GROUPS * GROUPS + 1, np.int64))
        each = np.arange(GROUPS + 1)
        on_all_threads(_order, each, borders, movie_groups, strata.triples, strata.edges)
        return strata


def take_turns(triples: Triples) -> Triples:
    """The ratings of a block, ordered by user, as `Strata` has them."""
    turned = np.empty_like(triples[0]), np.empty_like(triples[1]), np.empty_like(triples[2])
    _take_turns(triples, 0, len(triples[0]), turned, 0)
    return turned


@njit(cache=True, nogil=True)
def _order(groups, borders, movie_groups, triples, edges):  # type: ignore[no-untyped-def]
    """Part the ratings of the user groups from groups[0] to groups[1] - 1 into blocks, in place.

    borders: (GROUPS + 1,) of the groups. triples: (users, movies, centred stars), each (n,), the
    users ascending. edges: (GROUPS^2 + 1,), those of the blocks are filled.
    """
    users, movies, values = triples
    for group in range(groups[0], groups[1]):
        start, stop = borders[group], borders[group + 1]
        first, count = group * GROUPS, np.zeros(GROUPS + 1, np.int64)
        for i in range(start, stop):
            count[movie_groups[movies[i]] + 1] += 1
        for k in range(GROUPS):
            count[k + 1] += count[k]
            edges[first + k + 1] = start + count[k + 1]
        own, place = _like((users, movies, values), stop - start), count.copy()
        for i in range(start, stop):
            k = movie_groups[movies[i]]
            own[0][place[k]], own[1][place[k]], own[2][place[k]] = users[i], movies[i], values[i]
            place[k] += 1
        for k in range(GROUPS):
            _take_turns(own, count[k], count[k + 1], triples, start + count[k])


@njit(cache=True)
def _like(triples, rows):  # type: ignore[no-untyped-def]
    """Room for so many ratings."""
    return np.empty(rows, np.int32), np.empty(rows, np.int32), np.empty(rows, triples[2].dtype)


@njit(cache=True, nogil=True)
def _take_turns(source, start, stop, triples, to):  # type: ignore[no-untyped-def]
    """Copy ratings, ordered by user, to triples from `to` on: the next user for each that ends."""
    users, movies, values = triples
    place, ends = np.zeros(TURNS, np.int64), np.zeros(TURNS, np.int64)
    following, last = start, to + stop - start
    while to < last:
        for turn in range(TURNS):
            if place[turn] == ends[turn] and following < stop:
                place[turn] = following
                following += 1
                while following < stop and source[0][following] == source[0][place[turn]]:
                    following += 1
                ends[turn] = following
            if place[turn] < ends[turn]:
                at = place[turn]
                users[to], movies[to], values[to] = source[0][at], source[1][at], source[2][at]
                place[turn] += 1
                to += 1


def block_groups(user_counts: I64, movie_counts: I64) -> tuple[I32, I32]:
    """Group of each user and of each movie, below GROUPS: (users,), (movies,).

    Groups of users are runs of row numbers, those of movies runs by popularity; each has nearly as
    many ratings as the others of its side.
    """
    popular = np.argsort(-movie_counts, kind="stable")
    movie_groups = np.empty(len(popular), np.int32)
    movie_groups[popular] = balanced_groups(movie_counts[popular], GROUPS)
    return balanced_groups(user_counts, GROUPS), movie_groups


class StepSizes(NamedTuple):
    """Learning rate and l2 of the vectors at each rating, both float32."""

    learning_rate: np.float32
    l2: np.float32


def initial_side(rows: int, width: int, init_std: float, random: np.random.Generator) -> Side32:
    """Biases of 0 and vectors of standard deviation `init_std`, filled up with zeros.

    Their numbers are uniform between two bounds: drawn in a fifth of the time of normal ones.
    """
    vectors, most = cache_aligned(rows, padded(width)), np.float32(np.sqrt(12) * init_std)
    vectors[:, :width] = random.random((rows, width), np.float32)
    vectors[:, :width] -= np.float32(0.5)
    vectors[:, :width] *= most
    vectors[:, width:] = 0
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
    steps = np.array([min(share, 1.0) for share in shares], np.float32)
    on_all_threads(_move, even_cuts(len(side.biases)), side, centre, steps)


@njit(cache=True, nogil=True)
def _move(rows, side, centre, steps):  # type: ignore[no-untyped-def]
    """See `move_to_centre`: the rows from rows[0] to rows[1] - 1."""
    kept = np.float32(1) - steps[1]
    for row in range(rows[0], rows[1]):
        side.biases[row] += (centre[0] - side.biases[row]) * steps[0]
        for k in range(side.vectors.shape[1]):
            side.vectors[row, k] = side.vectors[row, k] * kept + centre[1][k] * steps[1]


def copied(side: Side32) -> Side32:
    """A copy of the arrays."""
    return Side32(side.biases.copy(), side.vectors.copy())


@njit(cache=True, fastmath=True, forceinline=True)
def _run_block(triples, sides, sizes, width):  # type: ignore[no-untyped-def]
    """One SGD step for each rating of a block, in order.

    step = learning_rate (r - b_u - b_i - p_u · q_i);  b_u += step;  b_i += step
    p_u <- (1 - learning_rate l2) p_u + step q_i;  q_i <- (1 - learning_rate l2) q_i + step p_u

    triples: (users, movies, centred stars), each (n,). sides: `Side32` of users and of movies,
    changed in place. width: of their vectors; where it is a constant, loops over it are unrolled.
    6 k floating-point operations a rating, and the movie's vector read and written, 8 k bytes; the
    user's stays in the first-level cache.
    """
    (rows, columns, centred), (users, movies), (learning_rate, l2) = triples, sides, sizes
    of_user, of_movie = users.vectors, movies.vectors
    decay, last = repeated(np.float32(1) - learning_rate * l2), len(rows) - 1
    for i in range(len(rows)):
        user, movie, ahead = rows[i], columns[i], min(i + AHEAD, last)
        for k in range(0, width, LANES):
            prefetch(of_movie, columns[ahead], k)
            prefetch(of_user, rows[ahead], k)
        product = repeated(np.float32(0))
        for k in range(0, width, LANES):
            product = times_plus(load(of_user, user, k), load(of_movie, movie, k), product)
        error = centred[i] - users.biases[user] - movies.biases[movie] - total(product)
        step = learning_rate * error
        users.biases[user] += step
        movies.biases[movie] += step
        steps = repeated(step)
        for k in range(0, width, LANES):
            p, q = load(of_user, user, k), load(of_movie, movie, k)
            store(of_user, user, k, times_plus(steps, q, times(decay, p)))
            store(of_movie, movie, k, times_plus(steps, p, times(decay, q)))


@njit(cache=True, nogil=True)
def _run_groups(groups, strata, sides, sizes, stratum):  # type: ignore[no-untyped-def]
    """One pass over a stratum's blocks of the user groups from groups[0] to groups[1] - 1."""
    (triples, edges), width = strata, sides[0].vectors.shape[1]
    for group in range(groups[0], groups[1]):
        block = group * GROUPS + (group + stratum) % GROUPS
        part = slice(edges[block], edges[block + 1])
        rows = triples[0][part], triples[1][part], triples[2][part]
        # A width that is known when the loops are compiled saves a tenth of the time.
        if width == 32:
            _run_block(rows, sides, sizes, 32)
        elif width == 64:
            _run_block(rows, sides, sizes, 64)
        else:
            _run_block(rows, sides, sizes, width)


def run_block(
    block: tuple[int, int], triples: Triples, sides: tuple[Side32, Side32], sizes: StepSizes
) -> None:
    """The part of an epoch that is of one block, in place; without the interpreter's lock.

    block: its groups of users and of movies. triples: its ratings, in the order of `take_turns`.
    Blocks that share neither group may run at once.
    """
    group, movie_group = block
    edges = np.zeros(GROUPS * GROUPS + 1, np.int64)
    edges[group * GROUPS + movie_group + 1 :] = len(triples[0])
    stratum = (movie_group - group) % GROUPS
    _run_groups((group, group + 1), (triples, edges), sides, sizes, stratum)


def run_epoch(
    strata: Strata, sides: tuple[Side32, Side32], sizes: StepSizes, random: np.random.Generator
) -> None:
    """One SGD step for every rating, stratum by stratum; both sides are changed in place."""
    run = on_all_threads if len(strata.triples[0]) >= GROUPS * MANY else at_once
    cuts, ratings = thread_cuts(GROUPS), (strata.triples, strata.edges)
    for stratum in random.permutation(GROUPS).tolist():
        run(_run_groups, cuts, ratings, sides, sizes, stratum)
