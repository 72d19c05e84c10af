"""Folding ratings into the users' vectors of every posterior sample, exactly, as they are heard.

Given a sample's movie vectors, noise and prior, a user's own vector has a normal posterior: a ridge
regression around the sum of her labels and of the movies that she rated, a set that grows with her.
Reference: Salakhutdinov, Mnih 2008, "Bayesian probabilistic matrix factorization", eq. 11.
Differs: the user's vector is not drawn, its posterior mean and covariance are taken. Beside it
stand the effects of the present bins of time, one of each width: a bin that is over is dropped,
which is exact, since time does not come back.
"""

import math

import numpy as np
from numba import njit

from ratecast.modelling.factors.recursive_least_squares import absorb, variance


@njit(cache=True)
def _hear(row, state):  # type: ignore[no-untyped-def]
    """Hear one rating in every sample.

    row: (vectors of the movie, (s, d); target; noise; level; which bins of time are at work, (b,)).
    state: (mean, cover), changed in place: (s, d + b) and its covariance.
    """
    vectors, target, noise, level, at_work = row
    mean, cover = state
    width, x = vectors.shape[1], np.empty(mean.shape[1])
    x[width:] = at_work
    for s in range(len(level)):
        x[:width] = vectors[s]
        error = target - level[s] - x[0]
        x[0] = 1.0
        for a in range(len(x)):
            error -= x[a] * mean[s, a]
        absorb(mean[s], cover[s], x, error, noise)


@njit(cache=True)
def _shift(step, ridge, state):  # type: ignore[no-untyped-def]
    """Move the prior mean of the user's vector by `step` (s, d), and with it the posterior's."""
    mean, cover = state
    for s in range(len(step)):
        for a in range(mean.shape[1]):
            for b in range(step.shape[1]):
                mean[s, a] += cover[s, a, b] * ridge[s, b] * step[s, b]


@njit(cache=True)
def _open(keys, now, loose, state, width):  # type: ignore[no-untyped-def]
    """Close each bin of time that is over, and open the next, of which nothing is known."""
    mean, cover = state
    for b in range(len(keys)):
        if keys[b] != now[b] or keys[b] < 0:
            now[b], k = keys[b], width + b
            mean[:, k] = 0.0
            cover[:, k, :] = 0.0
            cover[:, :, k] = 0.0
            cover[:, k, k] = loose[b]


@njit(cache=True)
def _chances(mean, spread, cuts, shares):  # type: ignore[no-untyped-def]
    """Add the probability of each star to `shares`, (S,)."""
    below = 0.0
    for k in range(len(cuts)):
        up_to = 0.5 * math.erfc((mean - cuts[k]) / spread * math.sqrt(0.5))
        shares[k] += up_to - below
        below = up_to
    shares[-1] += 1 - below


@njit(cache=True)
def _say(row, state, samples, shares):  # type: ignore[no-untyped-def]
    """Mean forecast, and its variance without noise; adds to `shares` each star's probability.

    row: (vectors of the movie; known effect of time; noise; bins at work: 1, not: 0).
    """
    vectors, time, noise, at_work = row
    mean_of, cover = state
    level, cuts = samples
    mean, square, x = 0.0, 0.0, np.empty(mean_of.shape[1])
    x[vectors.shape[1] :] = at_work
    for s in range(len(level)):
        x[: vectors.shape[1]] = vectors[s]
        said = level[s] + x[0] + time
        x[0] = 1.0
        for a in range(len(x)):
            said += x[a] * mean_of[s, a]
        doubt = variance(cover[s], x)
        step = said - mean
        mean += step / (s + 1)
        square += step * (said - mean) + doubt
        if cuts.shape[1]:
            _chances(said, math.sqrt(noise + doubt), cuts[s], shares)
    return mean, square / len(level)


@njit(cache=True)
def _start(prior, usual, ridge, state):  # type: ignore[no-untyped-def]
    """What is known of a user of whom nothing was heard, into `state`."""
    mean, cover = state
    mean[:], cover[:] = 0.0, 0.0
    for s in range(len(usual)):
        for a in range(usual.shape[1]):
            mean[s, a] = prior[s, a] + usual[s, a]
            cover[s, a, a] = 1 / ridge[s, a]


@njit(cache=True)
def follow(batches, bins, users, movies, samples):  # type: ignore[no-untyped-def]
    """Forecast each row from what its user said before its moment, then hear it.

    batches: (edges, movies, target, time, noise, group) of `UserBatches`; target: rating minus the
    known effect of its time. bins: (keys, unknown, loose): (n, b) bin of time of each row, whether
    its effect is not known from the fit, and (b,) variances of such effects. users: (prior,
    stranger's set, ridge): (users, s, d), (s, d), (s, d). movies: (vectors, company):
    (lines, s, d), (movies, s, d). samples: (level, cuts), cuts (s, 0) for the regression.
    Returns mean, variance without noise: (n,), and what the cuts make of them, the probabilities
    of the stars: (n, S). About 6 s (d + b)^2 multiplications a rating.
    """
    edges, row_movie, target, time, noise, moment = batches
    keys, unknown, loose = bins
    prior, usual, ridge = users
    vectors, company = movies
    level, cuts = samples
    count, width = usual.shape
    mean, doubt = np.zeros(len(row_movie)), np.zeros(len(row_movie))
    shares = np.zeros((len(row_movie), cuts.shape[1] + 1))
    full = width + len(loose)
    state = np.empty((count, full)), np.empty((count, full, full))
    for user in range(len(edges) - 1):
        _start(prior[user], usual, ridge, state)
        in_set, size = np.zeros((count, width)), 0
        rated = in_set + usual
        start, heard = edges[user], edges[user]
        now = np.full(len(loose), -2)
        for i in range(start, edges[user + 1]):
            if moment[i] < 0:
                continue
            while moment[heard] < moment[i]:
                movie = row_movie[heard]
                if not np.any(row_movie[start:heard] == movie):
                    size += 1
                    if movie < len(company):
                        in_set += company[movie]
                    _shift(in_set / math.sqrt(size) - rated, ridge, state)
                    rated = in_set / math.sqrt(size)
                _open(keys[heard], now, loose, state, width)
                told = vectors[movie], target[heard], noise[heard], level, unknown[heard]
                _hear(told, state)
                heard += 1
            same = (keys[i] == now) & (keys[i] >= 0)
            row = vectors[row_movie[i]], time[i], noise[i], unknown[i] * same
            mean[i], doubt[i] = _say(row, state, samples, shares[i])
            doubt[i] += (unknown[i] * loose * ~same).sum()
    return mean, doubt, shares / count
