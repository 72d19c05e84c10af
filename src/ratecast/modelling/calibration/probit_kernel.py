"""Kernels of the ordered probit: star probabilities of many forecasts, and the likelihood.

Phi is read from a table and its Taylor series, to 1e-15. That takes a third of the time of a
library call, and a loop without calls can be unrolled by the compiler.
"""

from math import erfc, sqrt
from typing import NamedTuple

import numpy as np
from numba import njit

from ratecast.arrays import F64, I64
from ratecast.modelling.kernels.loops import even_cuts, on_all_threads, side_by_side

MIN_PROBABILITY = 1e-6
# In units of the probit: the least spread, and how far off a forecast counts; beyond them Phi is 0
# or 1 and its argument could overflow.
_LEAST_STD, _FARTHEST = 1e-6, 1e6
# Lower ends of the history groups 1-5, 6-20, over 20; group 0 has no rating.
HISTORY_EDGES = (1, 6, 21)
_TABLE_END, _STEPS = 8.5, 32
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
    """

    curves: F64
    stds: F64
    centre: float
    unit: float


class LikelihoodRows(NamedTuple):
    """Observed stars and their forecasts, in units of the probit, (n,) each.

    distance: (mean - centre) / unit. std: standard deviation / unit of a row whose group has
    std 1. group: history group. star: position of the observed star on the scale.
    """

    distance: F64
    std: F64
    group: I64
    star: I64


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

    P(star <= k) = Phi(curve_k(distance) * unit / (std of the group * deviation)).
    """
    if side_by_side(len(out)):
        on_all_threads(_fill_range, even_cuts(len(out)), out, forecasts, probits)
    else:
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
        inverse_std = probits.unit / max(std, _LEAST_STD * probits.unit)
        square, lower, total = distance * distance, 0.0, 0.0
        for k in range(curves.shape[1]):
            # P(star <= k), a parabola of the distance inside Phi.
            cut = curves[group, k, 0] + distance * curves[group, k, 1]
            upper = normal_cdf((cut + square * curves[group, k, 2]) * inverse_std)[0]
            # Where two curves cross, the star between them has probability 0.
            out[i, k] = max(upper - lower, 0.0) + MIN_PROBABILITY
            total += out[i, k]
            lower = max(upper, lower)
        out[i, curves.shape[1]] = 1.0 - lower + MIN_PROBABILITY
        total = 1.0 / (total + out[i, curves.shape[1]])
        for k in range(out.shape[1]):
            out[i, k] *= total


@njit(cache=True)
def likelihood(parameters, rows, curves):  # type: ignore[no-untyped-def]
    """Negative log likelihood of the observed stars, its gradient and its Hessian.

    parameters: (3 curves + groups,), `curves` parabolas, then the logarithm of each group's std.
    rows: `LikelihoodRows`. About 150 operations for each row.
    """
    loss, size = 0.0, len(parameters)
    gradient, hessian, power = np.zeros(size), np.zeros((size, size)), np.empty(3)
    stds = np.empty(size - 3 * curves)
    for group in range(len(stds)):
        stds[group] = np.exp(parameters[3 * curves + group])
    for i in range(len(rows.distance)):
        distance, star = rows.distance[i], rows.star[i]
        std = max(stds[rows.group[i]] * rows.std[i], _LEAST_STD)
        power[0], power[1] = 1.0 / std, distance / std
        power[2] = distance * power[1]
        upper_z, upper_density, upper = _cut(parameters, star, curves, power)
        lower_z, lower_density, lower = _cut(parameters, star - 1, curves, power)
        # (p + sqrt(p^2 + 4 eps^2)) / 2 is nearly p = upper - lower where p > 0, and smooth and
        # positive where a Newton step lets two cuts cross.
        root = np.sqrt((upper - lower) ** 2 + 4 * MIN_PROBABILITY**2)
        loss -= np.log((upper - lower + root) / 2)
        places = 3 * min(star, curves - 1), 3 * max(star - 1, 0), 3 * curves + rows.group[i]
        cuts = upper_z, upper_density / root, lower_z, lower_density / root
        _add_row(gradient, hessian, places, power, cuts)
    for a in range(size):
        for b in range(a):
            hessian[b, a] = hessian[a, b]
    return loss, gradient, hessian


@njit(cache=True)
def _cut(parameters, cut, curves, power):  # type: ignore[no-untyped-def]
    """A cut in standard deviations, with density and Phi there; density 0 beyond the ends."""
    if cut < 0:
        return 0.0, 0.0, 0.0
    if cut >= curves:
        return 0.0, 0.0, 1.0
    z = 0.0
    for k in range(3):
        z += parameters[3 * cut + k] * power[k]
    value, density = normal_cdf(z)
    return z, density, value


@njit(cache=True)
def _add_row(gradient, hessian, places, power, cuts):  # type: ignore[no-untyped-def]
    """Add one row to the gradient and to the lower triangle of the Hessian.

    places: index of the first parameter of the upper cut, of the lower cut, and of the std.
    dz / d curve = power, and dz / d log std = -z. cuts: z and density / probability of both cuts.
    """
    upper, lower, std = places
    upper_z, upper_rate, lower_z, lower_rate = cuts
    # Second derivatives of -log probability by upper z, lower z, and both.
    by_upper = upper_rate * (upper_z + upper_rate)
    by_lower = lower_rate * (lower_rate - lower_z)
    by_both = -upper_rate * lower_rate
    # The same by z and log std.
    upper_by_std = upper_rate - by_upper * upper_z - by_both * lower_z
    lower_by_std = -lower_rate - by_lower * lower_z - by_both * upper_z
    for a in range(3):
        gradient[upper + a] -= upper_rate * power[a]
        gradient[lower + a] += lower_rate * power[a]
        hessian[std, upper + a] += upper_by_std * power[a]
        hessian[std, lower + a] += lower_by_std * power[a]
        for b in range(a + 1):
            product = power[a] * power[b]
            hessian[upper + a, upper + b] += by_upper * product
            hessian[lower + a, lower + b] += by_lower * product
        for b in range(3):
            hessian[upper + a, lower + b] += by_both * power[a] * power[b]
    gradient[std] += upper_rate * upper_z - lower_rate * lower_z
    hessian[std, std] -= upper_by_std * upper_z + lower_by_std * lower_z
