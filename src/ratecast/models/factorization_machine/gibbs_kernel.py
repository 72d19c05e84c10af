"""Gibbs kernels of the Bayesian factorization machine.

Reference: Rendle 2013, "Scaling factorization machines to relational data". A feature of a user
touches her ratings only through two sums for each user, so that a sweep costs the ratings plus
the nonzeros of the users' and movies' features, not their product.
"""

import math

import numpy as np
from numba import njit


@njit(cache=True)
def seed_kernels(seed):  # type: ignore[no-untyped-def]
    """Seed the generator that the kernels draw from: numba's own, apart from numpy's."""
    np.random.seed(seed)  # noqa: NPY002 - compiled code knows no other


@njit(cache=True, fastmath=True)
def gather(index, times, trust, error, sums):  # type: ignore[no-untyped-def]
    """For each line of a block, sum trust x error x times, and trust x times^2, over its ratings.

    index, times, trust, error: (n,), one for each rating. sums: (2, lines), overwritten.
    """
    sums[:] = 0.0
    for r in range(index.size):
        weighted = trust[r] * times[r]
        sums[0, index[r]] += weighted * error[r]
        sums[1, index[r]] += weighted * times[r]


@njit(cache=True, fastmath=True)
def draw(matrix, prior, sums, coefficients, total):  # type: ignore[no-untyped-def]
    """Draw every coefficient from its normal, given all others; keep sums and totals current.

    matrix: (starts, lines, values) of the features, by column. prior: group of each feature, and
    precision of each group. sums: of `gather`. total: (lines,) features x coefficients.
    """
    starts, lines, values = matrix
    group, precision = prior
    for f in range(coefficients.size):
        pull, weight = 0.0, 0.0
        for j in range(starts[f], starts[f + 1]):
            pull += values[j] * sums[0, lines[j]]
            weight += values[j] * values[j] * sums[1, lines[j]]
        sharp = precision[group[f]] + weight
        mean = (pull + coefficients[f] * weight) / sharp
        drawn = mean + np.random.standard_normal() / math.sqrt(sharp)  # noqa: NPY002
        step = drawn - coefficients[f]
        coefficients[f] = drawn
        for j in range(starts[f], starts[f + 1]):
            change = values[j] * step
            sums[0, lines[j]] -= change * sums[1, lines[j]]
            total[lines[j]] += change


@njit(cache=True, fastmath=True)
def settle(index, times, step, error):  # type: ignore[no-untyped-def]
    """Carry the change `step` of each line's total into the errors of its ratings, in place."""
    for r in range(index.size):
        error[r] -= step[index[r]] * times[r]
