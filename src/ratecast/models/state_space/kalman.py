"""Follow users through their ratings: a Kalman filter over the moments of each user."""

from dataclasses import dataclass

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.threads import side_by_side
from ratecast.models.state_space.state_vector import first, parts

Stream = tuple[NDArray[np.int64], NDArray[np.int32], F64, NDArray[np.int64]]

DAMPING = 5.0
SPREAD_DAMPING = 10.0
SESSION, STAY = 0.03, 0.7


@dataclass(frozen=True)
class Motion:
    """How a user's state moves from one moment to the next.

    start: (W,) where everybody stands before the first moment (`place`). keep: (D,) what stays of
    each part of the state. fresh: (D,) variance added to it. D = 1 + K taste, 1 session.
    """

    start: F64
    keep: F64
    fresh: F64

    @classmethod
    def of(cls, taste: F64, presence: int) -> "Motion":
        """taste: (1 + K, 1 + K), the covariance of the users' bias and factors. presence: Z.

        The bias walks; what a session adds to it swings back to 0 (AR(1)).
        """
        width = len(taste)
        start = np.zeros((width + 1, width + 1))
        start[:width, :width] = 0.75 * taste
        start[width, width] = SESSION
        keep, fresh = np.ones(width + 1), np.zeros(width + 1)
        keep[width], fresh[width] = STAY, (1 - STAY**2) * SESSION
        fresh[0] = 0.001
        return cls(first(start, width, presence), keep, fresh)


def follow(
    stream: Stream,
    asked: NDArray[np.bool_],
    users: tuple[F64, F64],
    movies: tuple[F64, ...],
    motion: tuple[F64, F64, F64],
    *,
    places: F64 | None = None,
) -> tuple[F64, F64, F64]:
    """Forecast and its variance for every asked row, from the rows of the user's earlier moments.

    Also the surprise at every row, in stars, after the rows before it; at those of a user's last
    moment, from which nothing follows, 0.

    stream: edges (u + 1,) of the users' rows, then of each row its movie, stars and moment.
    asked: (n,) bool. users: prior (u, F), pull (Z + 1, F) of presence on the prior.
    movies: mean, factors (M, K), their covariance (M, K, K), variance of the mean, noise,
    presence (M, Z). motion: start, keep, fresh. places: (u, W) where each user stands before the
    first of these rows; then, before the last moment. Without, all are at the start.

    The state's mean is kept as `offset + lean @ level`, since the level, the mean of the prior,
    moves with every movie that the user is heard to have rated.
    Reference: Kalman 1960; Durbin, Koopman 2012, section 6.4 (one row of a batch at a time).
    Differs: the noise holds the uncertainty of the movie's factors; the variance that is answered
    is scaled by how surprising the user was so far.
    """
    expected, variance = np.full(len(asked), np.nan), np.full(len(asked), np.nan)
    surprise = np.zeros(len(asked))
    found = expected, variance, surprise
    model = users, movies, motion, motion[0][None][:0] if places is None else places
    if side_by_side(len(asked)):
        _follow_all(pieces(stream[0]), stream, asked, model, found)
    else:
        _follow_some((0, len(stream[0]) - 1), (*stream, asked), model, found)
    return found


@njit(cache=True, parallel=True, fastmath=True)
def _follow_all(cuts, stream, asked, model, found):  # type: ignore[no-untyped-def]
    """All users, piece by piece, on all threads: 5 F^2 + 3 Z F operations a row heard or asked."""
    edges, row_movie, stars, moment = stream
    (prior, pull), (mean, factors, factor_cov, mean_var, noise, presence), motion, places = model
    start, keep, fresh = motion
    expected, variance, surprise = found
    for piece in prange(len(cuts) - 1):
        _follow_some(
            (cuts[piece], cuts[piece + 1]),
            (edges, row_movie, stars, moment, asked),
            (
                (prior, pull),
                (mean, factors, factor_cov, mean_var, noise, presence),
                (start, keep, fresh),
                places,
            ),
            (expected, variance, surprise),
        )


@njit(cache=True, fastmath=True)
def _follow_some(some, stream, model, found):  # type: ignore[no-untyped-def]
    edges, row_movie, stars, moment, asked = stream
    (prior, pull), movies, (start, keep, fresh), places = model
    expected, variance, surprise = found
    size, width, presence = len(keep), prior.shape[1], movies[5]
    here = np.empty(len(start))
    state, seen = parts(here, size, width)
    space = np.empty(size), np.empty(size), np.empty(width), np.empty(size), np.empty((size, size))
    level = np.empty(width)
    for user in range(some[0], some[1]):
        here[:] = places[user] if len(places) else start
        odd, heard, row = here[-2], int(here[-1]), edges[user]
        while row < edges[user + 1]:
            stop = _end(moment, row, edges[user + 1])
            if len(places) and row > edges[user] and stop == edges[user + 1]:
                here[-2], here[-1] = odd, heard
                places[user] = here
            level[:] = prior[user]
            if heard:
                _raise(level, pull, seen, heard)
                _drift(state, keep, fresh)
            own = (SPREAD_DAMPING + odd) / (SPREAD_DAMPING + heard)
            _turn(state, level, space)
            for i in range(row, stop):
                if asked[i]:
                    expected[i], spread = _look(state, space, movies, row_movie[i])
                    variance[i] = spread * own
            if stop == edges[user + 1]:
                break
            for i in range(row, stop):
                if i > row:
                    _turn(state, level, space)
                guess, spread = _look(state, space, movies, row_movie[i])
                surprise[i] = stars[i] - guess
                odd += surprise[i] ** 2 / spread
                _hear(state, level, space, surprise[i], spread)
                seen += presence[row_movie[i]]
            heard, row = heard + stop - row, stop


@njit(cache=True)
def _end(moment, row, stop):  # type: ignore[no-untyped-def]
    """Where the moment that begins at `row` ends, before `stop` or there."""
    end = row + 1
    while end < stop and moment[end] == moment[row]:
        end += 1
    return end


@njit(cache=True, fastmath=True)
def _raise(level, pull, seen, heard):  # type: ignore[no-untyped-def]
    """Move the prior's mean by what the user has rated."""
    for z in range(len(seen)):
        share = seen[z] / (heard + DAMPING)
        for f in range(len(level)):
            level[f] += pull[z, f] * share
    much = np.log1p(heard) - 3.0
    for f in range(len(level)):
        level[f] += pull[len(seen), f] * much


@njit(cache=True, fastmath=True)
def _drift(state, keep, fresh):  # type: ignore[no-untyped-def]
    """From one moment to the next; what stays as it is is left alone."""
    cov, offset, lean = state
    for a in range(len(keep)):
        if keep[a] != 1.0:
            offset[a] *= keep[a]
            lean[a] *= keep[a]
            for b in range(len(keep)):
                cov[a, b] *= keep[a]
                cov[b, a] *= keep[a]
        cov[a, a] += fresh[a]


@njit(cache=True, fastmath=True)
def _turn(state, level, space):  # type: ignore[no-untyped-def]
    """The taste that is expected now, and the second moments of its factors, into `space`."""
    cov, offset, lean = state
    taste, moments = space[3], space[4]
    for a in range(len(offset)):
        total = offset[a]
        for f in range(len(level)):
            total += lean[a, f] * level[f]
        taste[a] = total
    for k in range(1, len(level)):
        for m in range(1, len(level)):
            moments[k, m] = cov[k, m] + taste[k] * taste[m]


@njit(cache=True, fastmath=True)
def _look(state, space, movies, movie):  # type: ignore[no-untyped-def]
    """Expected stars and their variance; leaves load and gain in `space`."""
    cov = state[0]
    load, gain, _, taste, moments = space
    mean, factors, factor_cov, mean_var, noise, _ = movies
    count = factors.shape[1]
    load[0] = load[count + 1] = 1.0
    for k in range(count):
        load[1 + k] = factors[movie, k]
    guess, spread = mean[movie], noise[movie] + mean_var[movie]
    for a in range(len(load)):
        total = 0.0
        for b in range(len(load)):
            total += cov[a, b] * load[b]
        gain[a] = total
        spread += total * load[a]
        guess += load[a] * taste[a]
    for k in range(count):
        total = 0.0
        for m in range(count):
            total += factor_cov[movie, k, m] * moments[1 + k, 1 + m]
        spread += total
    return guess, spread


@njit(cache=True, fastmath=True)
def _hear(state, level, space, surprise, spread):  # type: ignore[no-untyped-def]
    """Kalman update with the row that `_look` looked at, `surprise` stars off."""
    cov, offset, lean = state
    load, gain, through = space[:3]
    through[:] = 0.0
    for a in range(len(load)):
        for f in range(len(level)):
            through[f] += load[a] * lean[a, f]
    for f in range(len(level)):
        surprise += through[f] * level[f]  # what the level gave to the guess is in `lean`
    for a in range(len(load)):
        part = gain[a] / spread
        offset[a] += part * surprise
        for f in range(len(through)):
            lean[a, f] -= part * through[f]
        for b in range(len(load)):
            cov[a, b] -= part * gain[b]
