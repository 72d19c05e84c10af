"""Follow users through their ratings: a Kalman filter over the moments of each user."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]
DAMPING = 5.0
SPREAD_DAMPING = 10.0
SESSION, STAY = 0.03, 0.7


@dataclass(frozen=True)
class Motion:
    """How a user's state moves from one moment to the next.

    start: (D, D) covariance at the first moment. keep: (D,) what stays of each part of the state.
    fresh: (D,) variance added to it. D = 1 + K taste, 1 session.
    """

    start: F64
    keep: F64
    fresh: F64

    @classmethod
    def of(cls, taste: F64) -> "Motion":
        """taste: (1 + K, 1 + K), the covariance of the users' bias and factors.

        The bias walks; what a session adds to it swings back to 0 (AR(1)).
        """
        width = len(taste)
        start = np.zeros((width + 1, width + 1))
        start[:width, :width] = 0.75 * taste
        start[width, width] = SESSION
        keep, fresh = np.ones(width + 1), np.zeros(width + 1)
        keep[width], fresh[width] = STAY, (1 - STAY**2) * SESSION
        fresh[0] = 0.001
        return cls(start, keep, fresh)


@njit(cache=True, fastmath=True)
def follow(stream, asked, users, movies, motion):  # type: ignore[no-untyped-def]
    """Forecast and its variance for every asked row, from the rows of the user's earlier moments.

    Also the surprise at every row, in stars, after the rows before it.

    stream: edges (u + 1,) of the users' rows, then of each row its movie, stars and moment.
    asked: (n,) bool. users: prior (u, F), pull (Z + 1, F) of presence on the prior.
    movies: mean, factors (M, K), their covariance (M, K, K), variance of the mean, noise,
    presence (M, Z). motion: start, keep, fresh.

    The state's mean is kept as `offset + lean @ level`, since the level, the mean of the prior,
    moves with every movie that the user is heard to have rated.
    Reference: Kalman 1960; Durbin, Koopman 2012, section 6.4 (one row of a batch at a time).
    Differs: the noise holds the uncertainty of the movie's factors; the variance that is answered
    is scaled by how surprising the user was so far.
    """
    edges, row_movie, stars, moment = stream
    prior, pull = users
    start, keep, fresh = motion
    size, width, presence = len(keep), prior.shape[1], movies[5]
    state = np.empty((size, size)), np.empty(size), np.empty((size, width))
    space = np.empty(size), np.empty(size), np.empty(width), np.empty(width - 1)
    level, seen = np.empty(width), np.empty(presence.shape[1])
    expected, variance = np.full(len(stars), np.nan), np.full(len(stars), np.nan)
    surprise = np.empty(len(stars))
    for user in range(len(edges) - 1):
        _begin(state, start)
        seen[:] = 0.0
        odd, heard, row = 0.0, 0, edges[user]
        while row < edges[user + 1]:
            stop = row
            while stop < edges[user + 1] and moment[stop] == moment[row]:
                stop += 1
            level[:] = prior[user]
            if heard:
                _raise(level, pull, seen, heard)
                _drift(state, keep, fresh)
            own = (SPREAD_DAMPING + odd) / (SPREAD_DAMPING + heard)
            for i in range(row, stop):
                if asked[i]:
                    expected[i], spread = _look(state, level, space, movies, row_movie[i])
                    variance[i] = spread * own
            for i in range(row, stop):
                guess, spread = _look(state, level, space, movies, row_movie[i])
                surprise[i] = stars[i] - guess
                odd += surprise[i] ** 2 / spread
                _hear(state, level, space, surprise[i], spread)
                seen += presence[row_movie[i]]
            heard, row = heard + stop - row, stop
    return expected, variance, surprise


@njit(cache=True, fastmath=True)
def _begin(state, start):  # type: ignore[no-untyped-def]
    """The state of a user before the first moment."""
    cov, offset, lean = state
    cov[:], offset[:], lean[:] = start, 0.0, 0.0
    for f in range(lean.shape[1]):
        lean[f, f] = 1.0


@njit(cache=True, fastmath=True)
def _raise(level, pull, seen, heard):  # type: ignore[no-untyped-def]
    """Move the prior's mean by what the user has rated."""
    for f in range(len(level)):
        for z in range(len(seen)):
            level[f] += pull[z, f] * seen[z] / (heard + DAMPING)
        level[f] += pull[len(seen), f] * (np.log1p(heard) - 3.0)


@njit(cache=True, fastmath=True)
def _drift(state, keep, fresh):  # type: ignore[no-untyped-def]
    """From one moment to the next."""
    cov, offset, lean = state
    for a in range(len(keep)):
        offset[a] *= keep[a]
        lean[a] *= keep[a]
        for b in range(len(keep)):
            cov[a, b] *= keep[a] * keep[b]
        cov[a, a] += fresh[a]


@njit(cache=True, fastmath=True)
def _look(state, level, space, movies, movie):  # type: ignore[no-untyped-def]
    """Expected stars and their variance; leaves load, gain and through in `space`."""
    cov, offset, lean = state
    load, gain, through, taste = space
    mean, factors, factor_cov, mean_var, noise, _ = movies
    width, count = len(level), len(taste)
    load[0] = load[width] = 1.0
    for k in range(count):
        load[1 + k] = factors[movie, k]
        taste[k] = offset[1 + k]
        for f in range(width):
            taste[k] += lean[1 + k, f] * level[f]
    guess, spread = mean[movie], noise[movie] + mean_var[movie]
    through[:] = 0.0
    for a in range(len(load)):
        total = 0.0
        for b in range(len(load)):
            total += cov[a, b] * load[b]
        gain[a] = total
        spread += total * load[a]
        guess += load[a] * offset[a]
        for f in range(width):
            through[f] += load[a] * lean[a, f]
    for f in range(width):
        guess += through[f] * level[f]
    for k in range(count):
        for m in range(count):
            spread += factor_cov[movie, k, m] * (cov[1 + k, 1 + m] + taste[k] * taste[m])
    return guess, spread


@njit(cache=True, fastmath=True)
def _hear(state, level, space, surprise, spread):  # type: ignore[no-untyped-def]
    """Kalman update with the row that `_look` looked at, `surprise` stars off."""
    cov, offset, lean = state
    load, gain, through, _ = space
    for f in range(len(level)):
        surprise += through[f] * level[f]  # what the level gave to the guess is in `lean`
    for a in range(len(load)):
        part = gain[a] / spread
        offset[a] += part * surprise
        for f in range(len(through)):
            lean[a, f] -= part * through[f]
        for b in range(len(load)):
            cov[a, b] -= part * gain[b]
