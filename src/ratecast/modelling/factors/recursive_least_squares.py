"""Recursive least squares: ridge regression that takes in one rating at a time and stays exact.

Model: rating = x · w + error, w ~ N(w₀, diag(1 / l2)) in units of the noise of one rating.
Reference: Plackett 1950, "Some theorems in least squares"; Kalman 1960, "A new approach to linear
filtering and prediction problems", without dynamics.
"""

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit

# Least share of a variance that a rating leaves, where inputs have changed since it was taken in.
MIN_REMAINDER = 0.05


def l2_vector(bias: float, factor: float, factors: int) -> F64:
    """L2 penalties of a bias and of each factor: (1 + factors,).

    bias, factor: noise variance / prior variance, that is, how many ratings the prior counts for.
    """
    return np.concatenate([[bias], np.full(factors, factor)])


def prior_covariance(l2: F64, rows: int) -> F64:
    """diag(1 / l2), the covariance of the weights before any rating, for each row: (rows, d, d).

    l2: (d,), how many ratings the prior of each weight counts for.
    """
    return np.tile(np.diag(1 / l2), (rows, 1, 1))


@njit(cache=True)
def rls_update(weights, covariance, inputs, error, noise):  # type: ignore[no-untyped-def]
    """Take in one rating: afterwards `weights` is the ridge solution that includes it.

    gain = P x / (noise + x' P x);  w <- w + gain error;  P <- P - gain (P x)'

    weights: w, (d,). covariance: P, (d, d), in units of the noise of one rating. Both are changed
    in place. inputs: x, (d,). Where weights and inputs are longer than d, the rest stays fixed.
    error: the rating less its prediction. noise: variance of `error` for known weights, 1 where
    everything else is certain. About 3 d^2 multiplications.
    """
    size = len(covariance)
    # P x, by rows: P is symmetric.
    gain = covariance[0] * inputs[0]
    for a in range(1, size):
        for b in range(size):
            gain[b] += covariance[a, b] * inputs[a]
    # noise + x' P x, the variance of the error.
    total = noise
    for a in range(size):
        total += gain[a] * inputs[a]
    for a in range(size):
        share = gain[a] / total
        weights[a] += share * error
        for b in range(size):
            covariance[a, b] -= share * gain[b]


@njit(cache=True)
def rls_replace(weights, covariance, inputs, change, noise):  # type: ignore[no-untyped-def]
    """Put a later rating in the place of one that was taken in: w <- w + P x change / noise.

    The weights are linear in every rating, and P depends on none. weights: changed in place.
    covariance, inputs: as in `rls_update`, after the former rating. change: the later rating less
    the former one. noise: as given to `rls_update` for the former one. d^2 multiplications.
    """
    for a in range(len(covariance)):
        product = 0.0
        for b in range(len(covariance)):
            product += covariance[a, b] * inputs[b]
        weights[a] += product * change / noise


@njit(cache=True)
def noise_before(variance_after, noise=1.0):  # type: ignore[no-untyped-def]
    """Noise of a rating for the movie's weights, s + x' P x of its user, from that after it.

    noise: s, of the rating itself. The rating took x' P x to v = s x' P x / (s + x' P x), so the
    noise was s / (1 - v / s).
    """
    return noise / max(1.0 - variance_after / noise, MIN_REMAINDER)


@njit(cache=True)
def variance(covariance, inputs):  # type: ignore[no-untyped-def]
    """X' P x, the variance of inputs · weights; d^2 multiplications.

    covariance: P, (d, d). inputs: x, (d,) or longer; weights beyond d are taken as known.
    """
    total = 0.0
    for a in range(len(covariance)):
        product = 0.0
        for b in range(len(covariance)):
            product += covariance[a, b] * inputs[b]
        total += inputs[a] * product
    return total
