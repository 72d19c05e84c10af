"""From forecasts to the probability of every star, and how likely the stars that came were.

The normal distribution is read from a table and its Taylor series, to 1e-15: a third of the time
of a library's, and no call that keeps the loop over the cuts from being unrolled.
"""

from math import erfc, sqrt

import numpy as np
from numba import njit, prange

from ratecast.arrays import F64, I64
from ratecast.modelling.kernels.threads import side_by_side

LEAST = 1e-6
HEARD_EDGES = (1, 6, 21)
_PIECE = 1 << 13
_FAR, _STEPS = 8.5, 32
_PLACES = np.arange(-_FAR * _STEPS, _FAR * _STEPS + 1) / _STEPS
# By the library of C: scipy's takes a fifth of a second to import, in every process.
_BELOW = np.array([erfc(-place / sqrt(2)) / 2 for place in _PLACES])
_BELL = np.exp(-0.5 * _PLACES**2) / np.sqrt(2 * np.pi)


@njit(cache=True)
def below(z):  # type: ignore[no-untyped-def]
    """Phi(z), and its slope: from the nearest place of the table, by six derivatives."""
    z = min(max(z, -_FAR), _FAR)
    k = int((z + _FAR) * _STEPS + 0.5)
    x, d = _PLACES[k], z - _PLACES[k]
    # Hermite polynomials: the derivatives of the bell, as multiples of it.
    h2, h3 = x * x - 1.0, (3.0 - x * x) * x
    h4 = -x * h3 - 3.0 * h2
    h5 = -x * h4 - 4.0 * h3
    a, b, c, e, f = -x / 2, h2 / 6, h3 / 24, h4 / 120, h5 / 720
    value = _BELOW[k] + _BELL[k] * d * (1 + d * (a + d * (b + d * (c + d * (e + d * f)))))
    slope = 1 + d * (2 * a + d * (3 * b + d * (4 * c + d * (5 * e + d * 6 * f))))
    return value, _BELL[k] * slope


def shares(found: F64, forecasts: tuple[F64, I64, F64], noise: tuple[F64, F64, F64]) -> None:
    """Fill `found` (n, S) with the probability of each star; rows sum to 1.

    forecasts: mean, how many ratings of the user were heard, (n,) each, and deviation, (n,), or
    (0,) where it is 1. noise: curves (bins, S - 1, 3) and spreads (bins,) by the bins of
    `HEARD_EDGES`; centre and unit, (2,).
    """
    if side_by_side(len(found)):
        _shares(found, forecasts, noise)
    else:
        _share_some(found, (0, len(found)), forecasts, noise)


@njit(cache=True, parallel=True)
def _shares(found, forecasts, noise):  # type: ignore[no-untyped-def]
    """All rows, piece by piece: about 30 operations a star."""
    mean, heard, deviation = forecasts
    curves, spreads, place = noise
    for piece in prange((len(mean) + _PIECE - 1) // _PIECE):
        some = piece * _PIECE, min(len(mean), (piece + 1) * _PIECE)
        _share_some(found, some, (mean, heard, deviation), (curves, spreads, place))


@njit(cache=True)
def _share_some(found, some, forecasts, noise):  # type: ignore[no-untyped-def]
    mean, heard, deviation = forecasts
    curves, spreads, place = noise
    for i in range(some[0], some[1]):
        group = 0
        for edge in HEARD_EDGES:
            group += heard[i] >= edge
        spread = spreads[group] * (deviation[i] if len(deviation) else 1.0)
        distance, unit = (mean[i] - place[0]) / place[1], place[1] / spread
        square, lower, total = distance * distance, 0.0, 0.0
        for k in range(curves.shape[1]):
            cut = curves[group, k, 0] + distance * curves[group, k, 1]
            upper = below((cut + square * curves[group, k, 2]) * unit)[0]
            # Cuts that cross are brought together.
            found[i, k] = max(upper - lower, 0.0) + LEAST
            total += found[i, k]
            lower = max(upper, lower)
        found[i, curves.shape[1]] = 1.0 - lower + LEAST
        total = 1.0 / (total + found[i, curves.shape[1]])
        for k in range(found.shape[1]):
            found[i, k] *= total


@njit(cache=True)
def likelihood(parameters, rows, curves):  # type: ignore[no-untyped-def]
    """Sum of the negative log likelihood of the stars that came, its gradient and Hessian.

    parameters: `curves` parabolas of 3, then the logarithm of each bin's spread. rows: distance
    and unit, the spread of a row where its bin's is 1, (n,) each, bin and given star (n,). About
    150 operations a row.
    """
    distances, units, bins, stars = rows
    loss, size = 0.0, len(parameters)
    slope, bend, power = np.zeros(size), np.zeros((size, size)), np.empty(3)
    spreads = np.exp(parameters[3 * curves :])
    for i in range(len(distances)):
        distance, star, spread = distances[i], stars[i], spreads[bins[i]] * units[i]
        power[0], power[1] = 1.0 / spread, distance / spread
        power[2] = distance * power[1]
        high, up, upper = _cut(parameters, star, curves, power)
        low, down, lower = _cut(parameters, star - 1, curves, power)
        # Nearly the difference where it is above 0. A step may bring two cuts past each other:
        # the loss is smooth there as well, and leads back.
        root = np.sqrt((upper - lower) ** 2 + 4 * LEAST**2)
        loss -= np.log((upper - lower + root) / 2)
        at = 3 * min(star, curves - 1), 3 * max(star - 1, 0), 3 * curves + bins[i]
        _add(slope, bend, at, power, (high, up / root, low, down / root))
    for a in range(size):
        for b in range(a):
            bend[b, a] = bend[a, b]
    return loss, slope, bend


@njit(cache=True)
def _cut(parameters, cut, curves, power):  # type: ignore[no-untyped-def]
    """Where a cut lies, in spreads, the bell and the probability there; no bell beyond the ends."""
    if cut < 0:
        return 0.0, 0.0, 0.0
    if cut >= curves:
        return 0.0, 0.0, 1.0
    z = 0.0
    for k in range(3):
        z += parameters[3 * cut + k] * power[k]
    value, bell = below(z)
    return z, bell, value


@njit(cache=True)
def _add(slope, bend, at, power, cuts):  # type: ignore[no-untyped-def]
    """One row's part of the gradient, and of the Hessian's lower triangle.

    at: where the upper cut's curve, the lower cut's, and the spread stand among the parameters.
    A cut moves with its curve by `power`, and with the logarithm of the spread by less itself.
    """
    upper, lower, bin_ = at
    high, up, low, down = cuts
    by_high, by_low, by_both = up * (high + up), down * (down - low), -up * down
    turn_high = up - by_high * high - by_both * low
    turn_low = -down - by_low * low - by_both * high
    for a in range(3):
        slope[upper + a] -= up * power[a]
        slope[lower + a] += down * power[a]
        bend[bin_, upper + a] += turn_high * power[a]
        bend[bin_, lower + a] += turn_low * power[a]
        for b in range(a + 1):
            both = power[a] * power[b]
            bend[upper + a, upper + b] += by_high * both
            bend[lower + a, lower + b] += by_low * both
        for b in range(3):
            bend[upper + a, lower + b] += by_both * power[a] * power[b]
    slope[bin_] += up * high - down * low
    bend[bin_, bin_] -= turn_high * high + turn_low * low
