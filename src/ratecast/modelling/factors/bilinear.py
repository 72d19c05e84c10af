"""Two sides, each linear in its weights while the other stands still: forecasts and hearing.

A forecast is the bias of the user, the bias of the movie, and the product of their factors. A side
is (weights, cover): (rows, 1 + factors), the bias first, and the covariance of each row's first d
weights, (rows, d, d), in units of the noise of one rating. Those are the weights that a rating
moves; in a wide model the others stand still.
"""

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32, F64, I32
from ratecast.modelling.contract.rows import grown
from ratecast.modelling.factors.leading_directions import heard, turned
from ratecast.modelling.factors.posterior_covariance import covers
from ratecast.modelling.factors.recursive_least_squares import absorb, variance
from ratecast.modelling.kernels.csr import Heap
from ratecast.modelling.kernels.threads import side_by_side

Side = tuple[F64, F64]
Reals = F64 | F32
LEAST_LEFT = 0.05
_PIECE = 1 << 12


def grown_side(side: Side, rows: int) -> Side:
    """Lines for new ids up to `rows`, each a copy of the unknown's."""
    weights, cover = side
    return grown(weights, rows), grown(cover, rows)


def known(
    heaps: tuple[Heap, Heap],
    biases: tuple[Reals, Reals],
    factors: tuple[Reals, Reals],
    ridges: tuple[F64, F64],
    share: float = 0.0,
) -> tuple[Side, Side]:
    """Both sides, with the covers that the ratings leave which gave their weights.

    heaps: the ratings by user, and by movie. biases: (rows, 1) of either side. factors: (rows, k).
    ridges: (1 + k,), how many ratings the prior of each weight counts for. share: how many more
    that of a factor counts for with each rating of its line.
    """
    longest_first = turned(*(side.astype(np.float64, copy=False) for side in factors))
    users, movies = (
        np.hstack(pair, dtype=np.float64) for pair in zip(biases, longest_first, strict=True)
    )
    size = 1 + heard(users.shape[1] - 1, len(users) + len(movies))
    return (
        (users, covers(heaps[0], np.ascontiguousarray(movies[:, 1:size]), ridges[0][:size], share)),
        (movies, covers(heaps[1], np.ascontiguousarray(users[:, 1:size]), ridges[1][:size], share)),
    )


@njit(cache=True)
def solve(rows, side, others):  # type: ignore[no-untyped-def]
    """Bring one side from its prior to the ridge solution, the other side's weights held fixed.

    rows: (mine, theirs, above), each (n,). side: (weights, cover), changed in place. others:
    (rows, d) weights of the other side. About 3 d^2 multiplications a rating.
    """
    mine, theirs, above = rows
    weights, cover = side
    inputs = np.empty(weights.shape[1])
    for i in range(len(mine)):
        row = mine[i]
        inputs[:] = others[theirs[i]]
        error = above[i] - inputs[0]
        inputs[0] = 1.0
        for k in range(len(inputs)):
            error -= inputs[k] * weights[row, k]
        absorb(weights[row], cover[row], inputs, error, 1.0)


@njit(cache=True)
def without_own(rows, sides):  # type: ignore[no-untyped-def]
    """The movie's weights as they were without each row's own rating: (n, d).

    rows: (users, movies, above) that the movies' weights have learned from. One step of recursive
    least squares, taken back; the users' weights are held.
    """
    users, movies, above = rows
    found = np.empty((len(users), sides[0][0].shape[1]))
    of_user, of_movie = np.empty(found.shape[1]), np.empty(found.shape[1])
    for i in range(len(users)):
        said, _, sway = say(users[i], movies[i], sides, of_user, of_movie)
        share = (above[i] - said) / max(1.0 - sway, LEAST_LEFT)
        cover = sides[1][1][movies[i]]
        found[i] = sides[1][0][movies[i]]
        for a in range(len(cover)):
            for b in range(len(cover)):
                found[i, a] -= cover[a, b] * of_user[b] * share
    return found


@njit(cache=True)
def say(user, movie, sides, of_user, of_movie):  # type: ignore[no-untyped-def]
    """Forecast above the mean, and its variance from not knowing the user, and the movie.

    of_user, of_movie: (d,), filled with what either side multiplies of the other: the weights,
    with 1 in the place of the bias. About 2 d^2 multiplications.
    """
    users, movies = sides
    of_user[:] = users[0][user]
    of_movie[:] = movies[0][movie]
    said = of_user[0] + of_movie[0]
    of_user[0] = 1.0
    of_movie[0] = 1.0
    for k in range(1, len(of_user)):
        said += of_user[k] * of_movie[k]
    return said, variance(users[1][user], of_movie), variance(movies[1][movie], of_user)


@njit(cache=True)
def forecast(rows, sides):  # type: ignore[no-untyped-def]
    """Forecast and its deviation, in units of the noise of a rating: (n,) each. See `say`."""
    users, movies = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    of_user, of_movie = np.empty(sides[0][0].shape[1]), np.empty(sides[0][0].shape[1])
    for i in range(len(users)):
        said[i], doubt, other = say(users[i], movies[i], sides, of_user, of_movie)
        deviation[i] = np.sqrt(1.0 + doubt + other)
    return said, deviation


def said(rows: tuple[I32, I32], sides: tuple[Side, Side]) -> tuple[F64, F64]:
    """The same as `forecast`, on all threads where there are many rows."""
    kernel = _forecasts if side_by_side(len(rows[0])) else forecast
    found: tuple[F64, F64] = kernel(rows, sides)
    return found


@njit(cache=True, parallel=True)
def _forecasts(rows, sides):  # type: ignore[no-untyped-def]
    """The same bits as `forecast`, on all threads: for many rows."""
    (users, movies), (of_users, of_movies) = rows, sides
    (mine, my_cover), (theirs, their_cover) = of_users, of_movies
    said, deviation = np.empty(len(users)), np.empty(len(users))
    for piece in prange((len(users) + _PIECE - 1) // _PIECE):
        part = slice(piece * _PIECE, (piece + 1) * _PIECE)
        said[part], deviation[part] = forecast(
            (users[part], movies[part]), ((mine, my_cover), (theirs, their_cover))
        )
    return said, deviation


@njit(cache=True)
def hear(rows, edges, sides):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then take each into its user's and its movie's weights.

    rows: (users, movies, above), each (n,). edges: (k + 1,) borders of the moments. sides: of
    users and of movies, changed in place. About 10 d^2 multiplications a rating.
    """
    users, movies, above = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    of_user, of_movie = np.empty(sides[0][0].shape[1]), np.empty(sides[0][0].shape[1])
    for moment in range(len(edges) - 1):
        start, stop = edges[moment], edges[moment + 1]
        said[start:stop], deviation[start:stop] = forecast(
            (users[start:stop], movies[start:stop]), sides
        )
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            answer, doubt, _ = say(user, movie, sides, of_user, of_movie)
            error = above[i] - answer
            absorb(sides[0][0][user], sides[0][1][user], of_movie, error, 1.0)
            absorb(sides[1][0][movie], sides[1][1][movie], of_user, error, 1.0 + doubt)
    return said, deviation
