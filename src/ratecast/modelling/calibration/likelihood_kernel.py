"""The likelihood of an ordered probit, with its slopes.

Probabilities of rows far from their forecast come from their logarithms, so that the likelihood has
a slope everywhere.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.compiled import njit
from ratecast.modelling.calibration.probit_kernel import LEAST_STD, normal_cdf

# Below it, the difference of two values of Phi loses too many digits.
_FAR = 1e-6
# From here on, the continued fraction of Mills' ratio has 15 digits with so many terms.
_FRACTION_FROM, _TERMS = 6.0, 24
_LOG_ROOT = 0.5 * np.log(2 * np.pi)


class LikelihoodRows(NamedTuple):
    """Observed stars and their forecasts, in units of the probit, (n,) each.

    distance: (mean - centre) / unit. std: standard deviation / unit of a row whose group has
    std 1. group: history group. star: position of the observed star on the scale. weight: how
    often the row counts.
    """

    distance: F64
    std: F64
    group: I64
    star: I64
    weight: F64


@njit(cache=True)
def likelihood(parameters, rows, curves):  # type: ignore[no-untyped-def]
    """Negative log likelihood of the observed stars, its gradient and its Hessian.

    It is infinite where the cuts beside an observed star cross: a step there is undone.

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
        std = max(stds[rows.group[i]] * rows.std[i], LEAST_STD)
        power[0], power[1] = 1.0 / std, distance / std
        power[2] = distance * power[1]
        upper = _cut(parameters, star, curves, power)
        lower = _cut(parameters, star - 1, curves, power)
        log_probability, upper_rate, lower_rate = log_between(lower, upper)
        weight = rows.weight[i]
        loss -= weight * log_probability
        if not np.isfinite(loss):
            return np.inf, gradient, hessian
        places = 3 * min(star, curves - 1), 3 * max(star - 1, 0), 3 * curves + rows.group[i]
        # Beyond the ends of the scale the rate is 0, and so is its product with any number.
        upper, lower = upper if upper < np.inf else 0.0, lower if lower > -np.inf else 0.0
        cuts = upper, upper_rate, lower, lower_rate, weight
        _add_row(gradient, hessian, places, power, cuts)
    for a in range(size):
        for b in range(a):
            hessian[b, a] = hessian[a, b]
    return loss, gradient, hessian


@njit(cache=True)
def _cut(parameters, cut, curves, power):  # type: ignore[no-untyped-def]
    """A cut in standard deviations: below the first star and above the last one, infinite."""
    if cut < 0:
        return -np.inf
    if cut >= curves:
        return np.inf
    z = 0.0
    for k in range(3):
        z += parameters[3 * cut + k] * power[k]
    return z


@njit(cache=True)
def log_between(lower, upper):  # type: ignore[no-untyped-def]
    """Logarithm of p = Phi(upper) - Phi(lower), and the densities there divided by p.

    -infinity where upper <= lower.
    """
    if upper <= lower:
        return -np.inf, 0.0, 0.0
    if lower + upper > 0:
        log_probability, lower_rate, upper_rate = _log_between_below(-upper, -lower)
    else:
        log_probability, upper_rate, lower_rate = _log_between_below(lower, upper)
    return log_probability, upper_rate, lower_rate


@njit(cache=True)
def _log_between_below(lower, upper):  # type: ignore[no-untyped-def]
    """`log_between` where lower + upper <= 0, so that the density is the greater at `upper`."""
    upper_value, upper_density = normal_cdf(upper)
    lower_value, lower_density = normal_cdf(lower)
    probability = upper_value - lower_value
    if probability > _FAR:
        if np.isinf(lower):
            lower_density = 0.0
        if np.isinf(upper):
            upper_density = 0.0
        return np.log(probability), upper_density / probability, lower_density / probability
    # p / density(upper) = ratio(-upper) - ratio(-lower) density(lower) / density(upper)
    less = np.exp(0.5 * (upper - lower) * (upper + lower))
    share = mills_ratio(-upper)
    if less > 0:
        share -= less * mills_ratio(-lower)
    if not share > 0:
        return -np.inf, 0.0, 0.0
    return np.log(share) - 0.5 * upper * upper - _LOG_ROOT, 1.0 / share, less / share


@njit(cache=True)
def mills_ratio(z):  # type: ignore[no-untyped-def]
    """(1 - Phi(z)) / density(z), without underflow.

    Reference: Abramowitz, Stegun 1964, 26.2.14 (the continued fraction).
    """
    if z < _FRACTION_FROM:
        value, density = normal_cdf(-z)
        return value / density
    fraction = z
    for k in range(_TERMS, 0, -1):
        fraction = z + k / fraction
    return 1.0 / fraction


@njit(cache=True)
def _add_row(gradient, hessian, places, power, cuts):  # type: ignore[no-untyped-def]
    """Add one row to the gradient and to the lower triangle of the Hessian.

    places: index of the first parameter of the upper cut, of the lower cut, and of the std.
    dz / d curve = power, and dz / d log std = -z. cuts: z and density / probability of both cuts,
    and the weight of the row.
    """
    upper, lower, std = places
    upper_z, upper_rate, lower_z, lower_rate, weight = cuts
    # Second derivatives of -log probability by upper z, lower z, and both.
    by_upper = weight * upper_rate * (upper_z + upper_rate)
    by_lower = weight * lower_rate * (lower_rate - lower_z)
    by_both = -weight * upper_rate * lower_rate
    upper_rate, lower_rate = weight * upper_rate, weight * lower_rate
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
