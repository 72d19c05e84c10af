"""Kernels of the ordered probit: the star probabilities of many forecasts.

Phi is read from a table and its Taylor series, to 1e-15. That takes a third of the time of a
library call, and a loop without calls can be unrolled by the compiler.
"""

from math import erfc, sqrt
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.compiled import in_python, njit
from ratecast.modelling.kernels.loops import over_rows, side_by_side

MIN_PROBABILITY = 1e-6
# In units of the probit: the least spread, and how far off a forecast counts; beyond them Phi is 0
# or 1 and its argument could overflow.
LEAST_STD, _FARTHEST = 1e-6, 1e6
# Lower ends of the history groups 1-5, 6-20, over 20; group 0 has no rating.
HISTORY_EDGES = (1, 6, 21)
_TABLE_END, _STEPS = 8.5, 32
_STEPS_A_STAR = 30
_POINTS = np.arange(-_TABLE_END * _STEPS, _TABLE_END * _STEPS + 1) / _STEPS
# erfc of the C library: scipy takes a fifth of a second to import, in every process.
_CDF = np.array([erfc(-point / sqrt(2)) / 2 for point in _POINTS])
_DENSITY = np.exp(-0.5 * _POINTS**2) / np.sqrt(2 * np.pi)


class Forecasts(NamedTuple):
    """Forecasts to turn into star probabilities.

    mean: (n,) stars. history_length: (n,) ratings of the user before the forecast. deviation:
    (n,) predictive standard deviation in stars, or (0,) where it is 1 for all.
    """

    mean: F64
    history_length: I64
    deviation: F64


class ProbitTable(NamedTuple):
    """Parameters of the ordered probit for each history group.

    curves: (groups, S - 1, 3). stds: (groups,). centre, unit: stars; see `OrderedProbit`.
    mixed: (groups,) weight of the frequencies (S,) of the stars.
    """

    curves: F64
    stds: F64
    centre: float
    unit: float
    mixed: F64
    frequencies: F64


@njit(cache=True)
def normal_cdf(z):  # type: ignore[no-untyped-def]
    """Phi(z) and its density: Taylor series of order six from the nearest point of the table."""
    z = min(max(z, -_TABLE_END), _TABLE_END)
    k = int((z + _TABLE_END) * _STEPS + 0.5)
    x, d = _POINTS[k], z - _POINTS[k]
    # Hermite polynomials: the derivatives of the density are multiples of it.
    h2, h3 = x * x - 1.0, (3.0 - x * x) * x
    h4 = -x * h3 - 3.0 * h2
    h5 = -x * h4 - 4.0 * h3
    a, b, c, e, f = -x / 2, h2 / 6, h3 / 24, h4 / 120, h5 / 720
    value = _CDF[k] + _DENSITY[k] * d * (1 + d * (a + d * (b + d * (c + d * (e + d * f)))))
    slope = 1 + d * (2 * a + d * (3 * b + d * (4 * c + d * (5 * e + d * 6 * f))))
    return value, _DENSITY[k] * slope


def fill(out: F64, forecasts: Forecasts, probits: ProbitTable) -> None:
    """Write the probability of each star into `out`, (n, S); rows sum to 1.

    P(star <= k) = Phi(curve_k(distance) * unit / (std of the group * deviation)), mixed with the
    frequencies of the stars.
    """
    if side_by_side(len(out)):
        over_rows(_fill_range, len(out), out, forecasts, probits)
        return
    with in_python(_STEPS_A_STAR * out.size):
        _fill_range((0, len(out)), out, forecasts, probits)


@njit(cache=True, nogil=True)
def _fill_range(part, out, forecasts, probits):  # type: ignore[no-untyped-def]
    """The rows from part[0] to part[1] - 1: about 30 operations for each star."""
    curves, deviation = probits.curves, forecasts.deviation
    for i in range(part[0], part[1]):
        group = 0
        for edge in HISTORY_EDGES:
            group += forecasts.history_length[i] >= edge
        std = probits.stds[group] * (deviation[i] if len(deviation) else 1.0)
        distance = (forecasts.mean[i] - probits.centre) / probits.unit
        if np.isnan(distance) or np.isnan(std):
            out[i] = np.nan
            continue
        distance = min(max(distance, -_FARTHEST), _FARTHEST)
        inverse_std = probits.unit / max(std, LEAST_STD * probits.unit)
        square, lower, total = distance * distance, 0.0, 0.0
        for k in range(curves.shape[1]):
            # P(star <= k), a parabola of the distance inside Phi.
            cut = curves[group, k, 0] + distance * curves[group, k, 1]
            upper = normal_cdf((cut + square * curves[group, k, 2]) * inverse_std)[0]
            # Where two curves cross, the star between them has probability 0.
            out[i, k] = max(upper - lower, 0.0)
            lower = max(upper, lower)
        out[i, curves.shape[1]] = 1.0 - lower
        mixed = probits.mixed[group]
        for k in range(out.shape[1]):
            out[i, k] += mixed * (probits.frequencies[k] - out[i, k]) + MIN_PROBABILITY
            total += out[i, k]
        total = 1.0 / total
        for k in range(out.shape[1]):
            out[i, k] *= total
