"""Priors of the level and of the variances of one chain: wide, except where ratings are few."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ratecast.arrays import F64

# Shape and rate of the wide gamma priors of all precisions.
SHAPE, RATE = 1.0, 1.0
# From so many ratings on the wide priors alone hold.
_ENOUGH = 1000
# What the prior of few ratings counts for: coefficients of a group.
_COEFFICIENTS = 10.0
# Prior variance of a linear term, or of the product of two vectors, as a share of the variance of
# the ratings.
_SHARE = 0.05
_LEAST_VARIANCE = 1e-4


@dataclass(frozen=True)
class Hyperprior:
    """Priors of a chain's level and of the precision of each group of coefficients.

    precision of row k of a group's coefficients ~ Gamma(shape / 2, rate[k] / 2); level ~
    N(mean, 1 / level_precision), flat where that is 0.

    A group with few members has a marginal prior without a mean, the Cauchy distribution, where
    shape and rate are 1. With few ratings all groups are like that: effects take over what belongs
    to the level, which then drifts, and a new user's forecast drifts with it. So with few ratings
    the prior expects effects that are small beside the ratings, and a level near their mean. Its
    weight falls to 0 at a thousand ratings, or later where they hardly differ.

    mean: of the ratings. shape: of all rows. rate: (1 + factors,), the linear terms first.
    """

    mean: float
    level_precision: float
    shape: float
    rate: F64

    @classmethod
    def of(cls, stars: F64, factors: int) -> Self:
        """For ratings `stars`, (n,), in units of the scale."""
        mean, variance = float(stars.mean()), max(float(stars.var()), _LEAST_VARIANCE)
        few = max(0.0, 1 - len(stars) * min(1.0, variance) / _ENOUGH)
        # The product of two vectors of `factors` numbers with variance v has variance factors v^2.
        product = np.sqrt(_SHARE * variance / max(factors, 1))
        expected = np.array([_SHARE * variance] + [product] * factors)
        return cls(
            mean,
            few * len(stars) / variance,
            (1 - few) * SHAPE + few * _COEFFICIENTS,
            (1 - few) * RATE + few * _COEFFICIENTS * expected,
        )
