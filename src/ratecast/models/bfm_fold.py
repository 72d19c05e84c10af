"""Folding ratings into the users' vectors of every posterior sample, exactly, as they are heard.

Given a sample's movie vectors, noise and prior, a user's own vector has a normal posterior: a ridge
regression around the sum of her labels and of the movies that she rated, a set that grows with her.
Reference: Salakhutdinov, Mnih 2008, "Bayesian probabilistic matrix factorization", eq. 11.
Differs: the user's vector is not drawn, its posterior mean and covariance are taken.
"""

import math

import numpy as np
from numba import njit


@njit(cache=True)
def _solve(data, ridge, prior, half, weights):  # type: ignore[no-untyped-def]
    """Posterior mean into `weights` (d,), Cholesky factor of its precision into `half` (d, d).

    data: sums over ratings of xx'/noise (lower half) and of x target/noise. prior: mean.
    """
    gram, pull = data
    size = len(ridge)
    for a in range(size):
        weights[a] = pull[a]
        for b in range(size):
            weights[a] -= (gram[a, b] if b <= a else gram[b, a]) * prior[b]
    for a in range(size):
        for b in range(a + 1):
            total = gram[a, b]
            if a == b:
                total += ridge[a]
            for k in range(b):
                total -= half[a, k] * half[b, k]
            half[a, b] = math.sqrt(total) if a == b else total / half[b, b]
    _forward(half, weights)
    for a in range(size - 1, -1, -1):
        for b in range(a + 1, size):
            weights[a] -= half[b, a] * weights[b]
        weights[a] /= half[a, a]
    for a in range(size):
        weights[a] += prior[a]


@njit(cache=True)
def _forward(half, vector):  # type: ignore[no-untyped-def]
    """Solve half x = vector in place, from the first entry on."""
    for a in range(len(vector)):
        for b in range(a):
            vector[a] -= half[a, b] * vector[b]
        vector[a] /= half[a, a]


@njit(cache=True)
def _hear(movie, heard, state, company, vectors):  # type: ignore[no-untyped-def]
    """Hear one rating: add it to gram and pull of every sample; its movie to the user's set."""
    target, noise, level, fresh = heard
    gram, pull, in_set = state
    for s in range(len(level)):
        x = vectors[movie, s]
        above = (target - level[s] - x[0]) / noise
        for a in range(len(x)):
            of_a = x[a] if a else 1.0
            pull[s, a] += of_a * above
            for b in range(a + 1):
                gram[s, a, b] += of_a * (x[b] if b else 1.0) / noise
            if fresh and movie < len(company):
                in_set[s, a] += company[movie, s, a]


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
def _centre(prior, user_set, centre):  # type: ignore[no-untyped-def]
    """Prior mean of the user's vector in every sample, into `centre`: labels plus her set."""
    in_set, size, usual = user_set
    for s in range(len(centre)):
        for a in range(centre.shape[1]):
            rated = in_set[s, a] / math.sqrt(size) if size else usual[s, a]
            centre[s, a] = prior[s, a] + rated


@njit(cache=True)
def _say(row, posterior, samples, shares):  # type: ignore[no-untyped-def]
    """Mean forecast, and its variance without noise; adds to `shares` each star's probability.

    row: (vectors of the movie, (s, d); effect of time; noise). posterior: (half, weights) of each
    sample.
    """
    vectors, time, noise = row
    half, weights = posterior
    level, cuts = samples
    mean, variance, x = 0.0, 0.0, np.empty(weights.shape[1])
    for s in range(len(level)):
        x[:] = vectors[s]
        said = level[s] + x[0] + time
        x[0] = 1.0
        for a in range(len(x)):
            said += x[a] * weights[s, a]
        _forward(half[s], x)
        doubt = 0.0
        for a in range(len(x)):
            doubt += x[a] * x[a]
        step = said - mean
        mean += step / (s + 1)
        variance += step * (said - mean) + doubt
        if cuts.shape[1]:
            _chances(said, math.sqrt(noise + doubt), cuts[s], shares)
    return mean, variance / len(level)


@njit(cache=True)
def follow(turns, users, movies, samples):  # type: ignore[no-untyped-def]
    """Forecast each row from what its user said before its moment, then hear it.

    turns: (edges, movies, target, time, noise, moment) of `Turns`; target: the rating less the
    effect of its time. users: (prior, stranger's set, ridge): (users, s, d), (s, d), (s, d).
    movies: (vectors, company): (lines, s, d), (movies, s, d). samples: (level, cuts), cuts (s, 0)
    for the regression. Returns mean, variance without noise: (n,), and what the cuts make of them,
    the probabilities of the stars: (n, S). About s d^3 / 6 multiplications a moment.
    """
    edges, row_movie, target, time, noise, moment = turns
    prior, usual, ridge = users
    vectors, company = movies
    level, cuts = samples
    count, width = usual.shape
    mean, variance = np.zeros(len(row_movie)), np.zeros(len(row_movie))
    shares = np.zeros((len(row_movie), cuts.shape[1] + 1))
    half, weights = np.zeros((count, width, width)), np.empty((count, width))
    centre = np.empty((count, width))
    for user in range(len(edges) - 1):
        gram, pull = np.zeros((count, width, width)), np.zeros((count, width))
        in_set, size = np.zeros((count, width)), 0
        start, heard, solved = edges[user], edges[user], -1
        for i in range(start, edges[user + 1]):
            if moment[i] < 0:
                continue
            while moment[heard] < moment[i]:
                fresh = not np.any(row_movie[start:heard] == row_movie[heard])
                size += fresh
                told = target[heard], noise[heard], level, fresh
                _hear(row_movie[heard], told, (gram, pull, in_set), company, vectors)
                heard += 1
            if solved != heard:
                _centre(prior[user], (in_set, size, usual), centre)
                for s in range(count):
                    _solve((gram[s], pull[s]), ridge[s], centre[s], half[s], weights[s])
                solved = heard
            row = vectors[row_movie[i]], time[i], noise[i]
            mean[i], variance[i] = _say(row, (half, weights), samples, shares[i])
    return mean, variance, shares / count
