"""Online update of the users' vectors in every posterior sample, exact for each new rating.

Given a sample's movie vectors, noise and prior, a user's own vector has a normal posterior: a ridge
regression around the sum of the user's labels and of the set of rated movies, which grows.
Reference: Salakhutdinov, Mnih 2008, "Bayesian probabilistic matrix factorization", eq. 11.
Differs: the user's vector is not drawn, its posterior mean and covariance are used. The effects of
the present time bins, one of each width, stand beside it. A bin that is over is dropped, which is
exact, since time only goes forward.
"""

import math
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import copy, fill


class BatchColumns(NamedTuple):
    """The rows of a `UserBatches`, as the kernel reads them.

    edges: (users + 1,) borders of the users. movies: (n,) rows of `MovieSide`. target: (n,) the
    rating less `time_effect`. time_effect: (n,) effects of time bins that the fit knows. noise:
    (n,) variances. group: (n,) time group.
    """

    edges: I64
    movies: I64
    target: F64
    time_effect: F64
    noise: F64
    group: I64


class TimeBins(NamedTuple):
    """Bins of time, one of each of b widths.

    keys: (n, b) the bin of each row; below 0 for a row without time. unknown: (n, b) 1 where the
    fit does not know the bin's effect. variances: (b,) prior variances of the effects.
    """

    keys: I64
    unknown: F64
    variances: F64


class UserSide(NamedTuple):
    """Priors of the users' vectors in s samples, of width d.

    labels: (users, s, d) sums of the users' labels. mean_set: (s, d) set of a user without ratings.
    precision: (s, d) prior precisions of a user's own vector.
    """

    labels: F32 | F64
    mean_set: F32 | F64
    precision: F64


class MovieSide(NamedTuple):
    """vectors: (rows, s, d). in_set: (rows, s, d), what each movie adds to a user's set."""

    vectors: F32 | F64
    in_set: F32 | F64


class Likelihood(NamedTuple):
    """level: (s,). cuts: (s, S - 1) of the ordered probit, (s, 0) for the regression."""

    level: F64
    cuts: F64


class _State(NamedTuple):
    """One user's vector and bin effects: mean (s, d + b), and covariance (s, d + b, d + b)."""

    mean: F64
    covariance: F64


class _Row(NamedTuple):
    """One row: vectors (s, d) of its movie, and open_bins (b,), 1 where a bin has an effect."""

    vectors: F32 | F64
    target: float
    time_effect: float
    noise: float
    open_bins: F64


@njit(cache=True)
def _multiply(covariance, vector, size, out):  # type: ignore[no-untyped-def]
    """Set out[:size] to the leading part of a symmetric matrix times a vector, row by row."""
    for b in range(size):
        out[b] = covariance[0, b] * vector[0]
    for a in range(1, size):
        number = vector[a]
        for b in range(size):
            out[b] += covariance[a, b] * number


@njit(cache=True)
def _learn(mean, covariance, inputs, errors):  # type: ignore[no-untyped-def]
    """`rls_update` of the leading part, as long as `inputs`. errors: the error, and the noise."""
    gain, (error, total) = np.empty(len(inputs)), errors
    _multiply(covariance, inputs, len(inputs), gain)
    for a in range(len(inputs)):
        total += gain[a] * inputs[a]
    for a in range(len(inputs)):
        share = gain[a] / total
        mean[a] += share * error
        for b in range(len(inputs)):
            covariance[a, b] -= share * gain[b]


@njit(cache=True)
def _update(row, level, state, size):  # type: ignore[no-untyped-def]
    """Update every sample's posterior with one rating, by recursive least squares.

    size: d, or d + b once a bin of unknown effect was learned: until then bins are independent of
    the vector.
    """
    vectors, mean, covariance = row.vectors, state.mean, state.covariance
    width, x = vectors.shape[1], np.empty(mean.shape[1])
    copy(x[width:], row.open_bins)
    for s in range(len(level)):
        # residual = target - level - movie bias - x . mean, x = (1, factors, bins)
        copy(x, vectors[s])
        residual = row.target - level[s] - x[0]
        x[0] = 1.0
        for a in range(size):
            residual -= x[a] * mean[s, a]
        _learn(mean[s], covariance[s], x[:size], (residual, row.noise))


@njit(cache=True)
def _shift_prior(step, precision, state, size):  # type: ignore[no-untyped-def]
    """Move the prior mean by `step` (s, d): the posterior mean moves by covariance precision step.

    It is exact, since the posterior mean is linear in the prior mean. size: as for `_update`.
    """
    mean, covariance = state.mean, state.covariance
    scaled, product = np.zeros(mean.shape[1]), np.empty(mean.shape[1])
    for s in range(len(step)):
        for b in range(step.shape[1]):
            scaled[b] = precision[s, b] * step[s, b]
        _multiply(covariance[s], scaled, size, product)
        for a in range(size):
            mean[s, a] += product[a]


@njit(cache=True)
def _open_bins(keys, current, variances, state, width):  # type: ignore[no-untyped-def]
    """Replace each time bin that is over by the bin of `keys`, with its prior: mean 0."""
    mean, covariance = state.mean, state.covariance
    for b in range(len(keys)):
        if keys[b] != current[b] or keys[b] < 0:
            current[b], k = keys[b], width + b
            for s in range(len(mean)):
                mean[s, k] = 0.0
                fill(covariance[s, k], 0.0)
                fill(covariance[s, :, k], 0.0)
                covariance[s, k, k] = variances[b]


@njit(cache=True)
def _add_probabilities(mean, std, cuts, out):  # type: ignore[no-untyped-def]
    """Add Phi((cut_k - mean) / std) - Phi((cut_(k-1) - mean) / std) to `out`, (S,)."""
    below = 0.0
    for k in range(len(cuts)):
        up_to = 0.5 * math.erfc((mean - cuts[k]) / std * math.sqrt(0.5))
        out[k] += up_to - below
        below = up_to
    out[-1] += 1 - below


@njit(cache=True)
def _predict(row, state, likelihood, out):  # type: ignore[no-untyped-def]
    """Mean over samples and variance without noise; adds each star's probability to `out` (S,).

    variance = variance of the samples' means + mean of the samples' variances x' C x.
    """
    vectors, level, cuts = row.vectors, likelihood.level, likelihood.cuts
    mean, square, x = 0.0, 0.0, np.empty(state.mean.shape[1])
    size, product = vectors.shape[1], np.empty(len(x))
    copy(x[size:], row.open_bins)
    if np.any(row.open_bins != 0):
        size = len(x)
    for s in range(len(level)):
        copy(x, vectors[s])
        forecast = level[s] + x[0] + row.time_effect
        x[0] = 1.0
        own = 0.0
        _multiply(state.covariance[s], x, size, product)
        for a in range(size):
            forecast += x[a] * state.mean[s, a]
            own += x[a] * product[a]
        # Welford's running mean and sum of squares.
        step = forecast - mean
        mean += step / (s + 1)
        square += step * (forecast - mean) + own
        if cuts.shape[1]:
            _add_probabilities(forecast, math.sqrt(row.noise + own), cuts[s], out)
    return mean, square / len(level)


@njit(cache=True)
def _row(i, movies, batches, time_bins):  # type: ignore[no-untyped-def]
    """Row i of the batches; time_bins: which unknown time bins it is in, (b,)."""
    return _Row(
        movies.vectors[batches.movies[i]],
        batches.target[i],
        batches.time_effect[i],
        batches.noise[i],
        time_bins,
    )


@njit(cache=True)
def _start(labels, users, state):  # type: ignore[no-untyped-def]
    """Set `state` to the prior of a user without ratings."""
    for s in range(len(users.mean_set)):
        fill(state.mean[s], 0.0)
        for a in range(len(state.covariance[s])):
            fill(state.covariance[s, a], 0.0)
        for a in range(users.mean_set.shape[1]):
            state.mean[s, a] = labels[s, a] + users.mean_set[s, a]
            state.covariance[s, a, a] = 1 / users.precision[s, a]


@njit(cache=True)
def walk_users(batches, bins, users, movies, likelihood):  # type: ignore[no-untyped-def]
    """Forecast each row of each user from the user's rows of earlier time groups.

    batches: `BatchColumns`. bins: `TimeBins`. users: `UserSide`. movies: `MovieSide`. likelihood:
    `Likelihood`. Returns mean and variance without noise, (n,) each, and the probabilities of the
    stars by the cuts, (n, S). About 4 s d^2 multiplications for each rating; d + b in place of d
    once a bin of unknown effect was learned.
    """
    edges, row_movie, group = batches.edges, batches.movies, batches.group
    count, width = users.mean_set.shape
    mean, uncertainty = np.zeros(len(row_movie)), np.zeros(len(row_movie))
    probabilities = np.zeros((len(row_movie), likelihood.cuts.shape[1] + 1))
    full = width + len(bins.variances)
    state = _State(np.empty((count, full)), np.empty((count, full, full)))
    for user in range(len(edges) - 1):
        _start(users.labels[user], users, state)
        in_set, rated_movies = np.zeros((count, width)), 0
        rated = in_set + users.mean_set
        start, learned = edges[user], edges[user]
        current, size = np.full(len(bins.variances), -2), width
        for i in range(start, edges[user + 1]):
            if group[i] < 0:
                continue
            # Learn all rows of earlier groups.
            while group[learned] < group[i]:
                movie = row_movie[learned]
                if not np.any(row_movie[start:learned] == movie):
                    rated_movies += 1
                    if movie < len(movies.in_set):
                        in_set += movies.in_set[movie]
                    # The set is a sum / sqrt(its size).
                    now = in_set / math.sqrt(rated_movies)
                    _shift_prior(now - rated, users.precision, state, size)
                    rated = now
                _open_bins(bins.keys[learned], current, bins.variances, state, width)
                if np.any(bins.unknown[learned] != 0):
                    size = full
                rating = _row(learned, movies, batches, bins.unknown[learned])
                _update(rating, likelihood.level, state, size)
                learned += 1
            same = (bins.keys[i] == current) & (bins.keys[i] >= 0)
            request = _row(i, movies, batches, bins.unknown[i] * same)
            mean[i], uncertainty[i] = _predict(request, state, likelihood, probabilities[i])
            # A bin that has not begun has its prior variance.
            uncertainty[i] += (bins.unknown[i] * bins.variances * ~same).sum()
    return mean, uncertainty, probabilities / count
