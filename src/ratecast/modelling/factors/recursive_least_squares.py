"""Ridge regression that hears one rating after another and stays exact: recursive least squares.

Reference: Plackett 1950, "Some theorems in least squares"; Kalman 1960, "A new approach to linear
filtering and prediction problems", without dynamics.
"""

import numpy as np
from numba import njit

from ratecast.arrays import F64


def ridges(bias: float, factor: float, factors: int) -> F64:
    """How many ratings the priors of a bias and of each factor count for: (1 + factors,)."""
    return np.concatenate([[bias], np.full(factors, factor)])


def prior_cover(ridges: F64, rows: int) -> F64:
    """Covariance of the weights before any rating, for each of `rows`: (rows, d, d).

    ridges: (d,), how many ratings the prior of each weight counts for.
    """
    return np.tile(np.diag(1 / ridges), (rows, 1, 1))


@njit(cache=True)
def absorb(mean, cover, inputs, error, noise):  # type: ignore[no-untyped-def]
    """Hear one rating: afterwards `mean` is the ridge solution with it among the others.

    mean: (d,) weights. cover: (d, d), their covariance in units of the noise of one rating. Both
    are changed in place. inputs: (d,). Where mean and inputs are longer, the rest stands still.
    error: the rating less its forecast. noise: variance of `error` for known weights, 1 where all
    else is certain. About 3 d^2 multiplications a rating.
    """
    size = len(cover)
    gain = cover[0] * inputs[0]
    for a in range(1, size):
        for b in range(size):
            gain[b] += cover[a, b] * inputs[a]
    total = noise
    for a in range(size):
        total += gain[a] * inputs[a]
    for a in range(size):
        share = gain[a] / total
        mean[a] += share * error
        for b in range(size):
            cover[a, b] -= share * gain[b]


@njit(cache=True)
def variance(cover, inputs):  # type: ignore[no-untyped-def]
    """Variance of inputs . weights, where `cover` (d, d) is that of the weights; d^2 steps.

    inputs: (d,) or longer; weights beyond d are taken as known.
    """
    total = 0.0
    for a in range(len(cover)):
        along = 0.0
        for b in range(len(cover)):
            along += cover[a, b] * inputs[b]
        total += inputs[a] * along
    return total
