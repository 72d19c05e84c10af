"""Conditioning a Gaussian process on one rating after another: a Cholesky factor grown by rows.

The row that a rating adds to the factor is what its forecast needed anyway: with v = L^-1 c and
y = L^-1 stars, the forecast is v . y and v . v the variance explained.
Reference: Rasmussen, Williams 2006, "Gaussian processes for machine learning", algorithm 2.1.
"""

import numpy as np
from numba import njit

from ratecast.modelling.history.user_batches import NO_TIME

DAY = 86400


@njit(cache=True)
def together(at, other, variances, fading):  # type: ignore[no-untyped-def]
    """Covariance of two moments: same moment, same day, and each fading; 0 where one is none."""
    if len(variances) == 1 or NO_TIME in (at, other):
        return 0.0
    gap = abs(at - other)
    total = variances[1] if gap == 0 else 0.0
    if at // DAY == other // DAY:
        total += variances[2]
    for k in range(len(fading)):
        total += variances[3 + k] * np.exp(-gap / fading[k])
    return total


@njit(cache=True, fastmath=True)
def dot(one, other, size):  # type: ignore[no-untyped-def]
    """Product of the first `size` entries."""
    total = 0.0
    for k in range(size):
        total += one[k] * other[k]
    return total


@njit(cache=True)
def times_vector(matrix, vector):  # type: ignore[no-untyped-def]
    """The product, each row's with the same bits whatever the number of rows."""
    product = np.empty(len(matrix), np.float32)
    for row in range(len(matrix)):
        product[row] = dot(matrix[row], vector, len(vector))
    return product


@njit(cache=True)
def follow(batches, process, times):  # type: ignore[no-untyped-def]
    """Forecast each row from what its user said before its moment, then hear it.

    batches: (edges, movies, above, at, moment) of `UserBatches`; above: stars minus movie mean.
    process: (covariance, cross, own): (movies, movies), (others, movies), variances of the others,
    which are numbered after the movies. times: (variances, fading). Returns forecasts above the
    movie's mean and variances: (n,) each. n^3 / 6 multiplications for a user with n ratings.
    """
    edges, movies, above, at, moment = batches
    covariance, cross, own = process
    variances, fading = times
    mean, variance = np.zeros(len(movies)), np.zeros(len(movies))
    for user in range(len(edges) - 1):
        start, stop = edges[user], edges[user + 1]
        # What is asked last need not be heard.
        used = stop - start
        while used > 0 and moment[start + used - 1] == moment[stop - 1] >= 0:
            used -= 1
        factor, said = np.empty((used, used)), np.empty(used)
        solved, known = np.empty(used), 0
        for i in range(stop - start):
            row = start + i
            if i and moment[row] != moment[row - 1]:
                known = i
            new = movies[row] - len(covariance)
            line = covariance[movies[row]] if new < 0 else cross[new]
            whole = variances.sum()
            whole += covariance[movies[row], movies[row]] if new < 0 else own[new]
            for j in range(i if i < used else known):
                c = together(at[row], at[start + j], variances, fading)
                c += line[movies[start + j]]
                solved[j] = (c - dot(factor[j], solved, j)) / factor[j, j]
            mean[row] = dot(solved, said, known)
            variance[row] = max(whole - dot(solved, solved, known), variances[0])
            if i < used:
                factor[i, :i] = solved[:i]
                factor[i, i] = np.sqrt(max(whole - dot(solved, solved, i), variances[0]))
                said[i] = (above[row] - dot(solved, said, i)) / factor[i, i]
    return mean, variance
