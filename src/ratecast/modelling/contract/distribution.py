"""What follows from the probabilities of stars or cells: quantiles, distribution and density.

On a continuous scale the density is constant inside a cell, and the distribution function linear.
"""

import numpy as np
from numpy.typing import ArrayLike

from ratecast.arrays import F64
from ratecast.ratings import Scale

# A sum of probabilities may miss 1 by rounding.
_ROUNDING = 1e-9


def quantiles(probabilities: F64, scale: Scale, levels: ArrayLike) -> F64:
    """The rating that each forecast stays at or below with probability `levels`: (n, levels).

    On a scale of stars the least star k with P(rating <= k) >= level; on a continuous one the
    value where the distribution function is level.

    probabilities: (n, S), of each star or cell. levels: between 0 and 1.
    """
    wanted = np.atleast_1d(np.asarray(levels, float))
    below = np.cumsum(probabilities, axis=1)
    places = (below[:, None] + _ROUNDING >= wanted[:, None]).argmax(axis=2)
    if not scale.is_continuous:
        stars: F64 = scale.stars[places]
        return stars
    upper, share = (np.take_along_axis(x, places, axis=1) for x in (below, probabilities))
    inside = np.clip(1 - (upper - wanted) / share, 0, 1)
    values: F64 = scale.low + scale.cell_width * (places + inside)
    return values


def cumulative(probabilities: F64, scale: Scale, values: F64) -> F64:
    """P(rating <= value) of each forecast on a continuous scale: (n,).

    probabilities: (n, cells). values: (n,), one for each forecast.
    """
    position = np.clip((values - scale.low) / scale.cell_width, 0, probabilities.shape[1])
    cell = np.minimum(position.astype(np.int64), probabilities.shape[1] - 1)
    row = np.arange(len(values))
    upper, share = np.cumsum(probabilities, axis=1)[row, cell], probabilities[row, cell]
    below: F64 = upper - share * (1 - (position - cell))
    return below


def density(probabilities: F64, scale: Scale, values: F64) -> F64:
    """Density of each forecast at its value on a continuous scale: (n,), 0 off the scale.

    probabilities: (n, cells). values: (n,), one for each forecast.
    """
    inside = (values >= scale.low) & (values <= scale.high)
    share = probabilities[np.arange(len(values)), scale.index(scale.clip(values))]
    result: F64 = np.where(inside, share / scale.cell_width, 0.0)
    return result
