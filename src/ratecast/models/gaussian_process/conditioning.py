"""Condition a Gaussian process on one rating after another, by a Cholesky factor grown by rows.

With L the factor of the covariance A of the ratings so far, y = L^-1 r of their residuals r, and
v = L^-1 c of the covariances c with a new rating, its forecast is v . y, and v . v is the variance
explained. v is also the row that the new rating adds to L.
Reference: Rasmussen, Williams 2006, "Gaussian processes for machine learning", algorithm 2.1.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I64
from ratecast.compiled import njit
from ratecast.modelling.history.user_batches import NO_TIME
from ratecast.modelling.kernels.loops import copy

DAY = 86400


class BatchColumns(NamedTuple):
    """The rows of a `UserBatches`, as the kernel reads them.

    edges: (users + 1,) borders of the users. movies: (n,) movie of each row, 0 the first. residual:
    (n,) stars - mean - offset of the movie; not read for requests.
    times: (n,) UTC seconds, or `NO_TIME`. group: (n,) time group.
    """

    edges: I64
    movies: I64
    residual: F64
    times: I64
    group: I64


class Process(NamedTuple):
    """The Gaussian process in stars².

    covariance: (movies, movies). cross: (new, movies), of new movies, which are numbered after the
    known ones, with those. new_variances: (new,). variances: noise, then each time kernel. scales:
    seconds of the fading time kernels.
    """

    covariance: F32
    cross: F32
    new_variances: F32
    variances: F64
    scales: F64


class Conditioned(NamedTuple):
    """One user after n ratings. factor: (n, n) L. whitened: (n,) y."""

    factor: F64
    whitened: F64

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.factor.nbytes + self.whitened.nbytes


def not_conditioned() -> Conditioned:
    """Without a rating."""
    return Conditioned(np.empty((0, 0)), np.empty(0))


@njit(cache=True)
def time_covariance(time, other, variances, scales):  # type: ignore[no-untyped-def]
    """Covariance of two times: v1 [same second] + v2 [same day] + sum of v_k exp(-gap / scale_k).

    It is 0 where a time is missing, or where the model has no time kernels.
    """
    if len(variances) == 1 or NO_TIME in (time, other):
        return 0.0
    gap = abs(time - other)
    total = variances[1] if gap == 0 else 0.0
    if time // DAY == other // DAY:
        total += variances[2]
    for k in range(len(scales)):
        total += variances[3 + k] * np.exp(-gap / scales[k])
    return total


@njit(cache=True, fastmath=True)
def dot(first, second, size):  # type: ignore[no-untyped-def]
    """Product of the first `size` entries."""
    total = 0.0
    for k in range(size):
        total += first[k] * second[k]
    return total


@njit(cache=True)
def times_vector(matrix, vector):  # type: ignore[no-untyped-def]
    """Matrix times vector; a row's result has the same bits for any number of rows."""
    product = np.empty(len(matrix), np.float32)
    for row in range(len(matrix)):
        product[row] = dot(matrix[row], vector, len(vector))
    return product


@njit(cache=True)
def walk_users(batches, process, conditioned):  # type: ignore[no-untyped-def]
    """Forecast each row of each user from the user's rows of earlier time groups.

    batches: `BatchColumns`. process: `Process`. conditioned: `Conditioned` on all rows before the
    last time group, of the only user, or on none. Returns the mean, as a residual in stars, and the
    variance with noise, (n,) each, and the last user's `Conditioned` before the last time group.
    n^3 / 6 multiplications for a user with n ratings; for one who is conditioned on them n^2 / 2.
    """
    edges, movies, group = batches.edges, batches.movies, batches.group
    covariance, variances = process.covariance, process.variances
    mean, variance = np.zeros(len(movies)), np.zeros(len(movies))
    factor, whitened = conditioned.factor, conditioned.whitened
    for user in range(len(edges) - 1):
        start, stop = edges[user], edges[user + 1]
        # The last time group is only requested: nothing is forecast from its rows.
        used = stop - start
        while used > 0 and group[start + used - 1] == group[stop - 1] >= 0:
            used -= 1
        done = len(conditioned.whitened)
        if done == 0:
            factor, whitened = np.empty((used, used)), np.empty(used)
        v, known = np.empty(used), 0
        for i in range(done, stop - start):
            row = start + i
            if i and group[row] != group[row - 1]:
                known = i
            new = movies[row] - len(covariance)
            line = covariance[movies[row]] if new < 0 else process.cross[new]
            total = variances.sum()
            total += covariance[movies[row], movies[row]] if new < 0 else process.new_variances[new]
            # v = L^-1 c by forward substitution.
            for j in range(i if i < used else known):
                c = time_covariance(
                    batches.times[row], batches.times[start + j], variances, process.scales
                )
                c += line[movies[start + j]]
                v[j] = (c - dot(factor[j], v, j)) / factor[j, j]
            # mean = v . y, variance = k(x, x) + noise - v . v
            mean[row] = dot(v, whitened, known)
            variance[row] = max(total - dot(v, v, known), variances[0])
            if i < used:
                # The next row of L, and the next entry of y = L^-1 r.
                copy(factor[i], v[:i])
                factor[i, i] = np.sqrt(max(total - dot(v, v, i), variances[0]))
                whitened[i] = (batches.residual[row] - dot(v, whitened, i)) / factor[i, i]
    return mean, variance, Conditioned(factor, whitened)
