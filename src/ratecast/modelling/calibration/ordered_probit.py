"""Ordered probit: from an expected rating to the probability of every star."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.probit_kernel import (
    HISTORY_EDGES,
    Forecasts,
    ProbitTable,
    fill,
)
from ratecast.modelling.calibration.star_groups import StarGroups
from ratecast.ratings import Scale

GROUPS = len(HISTORY_EDGES) + 1


class Location(NamedTuple):
    """Where a scale lies: its middle, a quarter of its width, and the distance of its stars."""

    centre: float
    unit: float
    step: float

    def curves(self, stars: int) -> F64:
        """Straight curves, one for each cut between `stars` stars, midway between them."""
        cuts = (np.arange(1, stars) - stars / 2) * self.step / self.unit
        return np.column_stack([cuts, -np.ones(stars - 1), np.zeros(stars - 1)])


@dataclass(frozen=True, eq=False)
class OrderedProbit:
    """An ordered probit around a forecast, mixed with the frequencies of the stars.

    P(star <= k) = (1 - mixed) Phi(unit * curve_k(x) / (std * deviation)) + mixed * F_k, with
    x = (mean - centre) / unit, curve_k(x) = curves[k] @ (1, x, x^2), and F_k the share of ratings
    at or below star k. Probabilities below 1e-6 are raised to it, and each row then sums to 1.

    curves: (S - 1, 3), for each cut between two stars.
    stds: (4,), in stars, for each history group: 0, 1-5, 6-20, more ratings of the user. Where the
        model gives a predictive deviation of its own, in any unit, they multiply it.
    location: centre, unit and step of the scale.
    groups: which curves are fitted, and the frequencies of the stars; the other curves are
        interpolated, so that their distances from each other stretch the normal density.
    mixed: weight of the frequencies, 0 to 1.

    Reference: McCullagh 1980, "Regression models for ordinal data"; cuts with slopes of their own
    as in Peterson, Harrell 1990, "Partial proportional odds models".
    Differs: the location is the model's forecast, with a parabola for each cut, because stars near
    the ends of the scale vary less: on MovieLens 100K, one common slope has twice the calibration
    error. The frequencies stand for ratings that have little to do with the forecast.
    """

    curves: F64
    stds: F64
    location: Location
    groups: StarGroups
    mixed: float = 0.0

    @property
    def cuts(self) -> F64:
        """The cuts of a forecast at the middle of the scale, in stars: (S - 1,)."""
        return self.location.centre + self.location.unit * self.curves[:, 0]

    @classmethod
    def initial(
        cls, scale: Scale, std: float = 1.0, groups: StarGroups | None = None
    ) -> "OrderedProbit":
        """Cuts midway between the stars, no curvature, and the same std for all groups.

        groups: of ratings on the scale; None: every star is as frequent.
        """
        stars, unit = scale.stars, (scale.high - scale.low) / 4
        location = Location((scale.high + scale.low) / 2, unit, float(stars[1] - stars[0]))
        groups = groups or StarGroups.equal(len(stars))
        return cls(location.curves(len(stars)), np.full(GROUPS, std), location, groups)

    def probabilities(self, mean: F64, history_length: I64, deviation: F64 | None = None) -> F64:
        """Probability of each star: (n, S), rows sum to 1.

        mean: (n,) expected stars.
        history_length: (n,) ratings of the user before the forecast.
        deviation: (n,) predictive standard deviation, 1 where None.
        """
        return star_probabilities((self, self), mean, history_length, deviation)


Probits = tuple[OrderedProbit, OrderedProbit]


def star_probabilities(
    probits: Probits,
    mean: F64,
    history_length: I64,
    deviation: F64 | None = None,
    out: F64 | None = None,
) -> F64:
    """Probability of each star: (n, S), rows sum to 1; written into `out` if it is given.

    probits: one for new users, without any rating, and one for all other users.
    mean, history_length, deviation: (n,), as for `OrderedProbit.probabilities`.
    """
    if out is None:
        out = np.empty((len(mean), len(probits[0].curves) + 1))
    forecasts = Forecasts(mean, history_length, np.empty(0) if deviation is None else deviation)
    fill(out, forecasts, _table(*probits))
    return out


@lru_cache(maxsize=32)
def _table(new_users: OrderedProbit, known_users: OrderedProbit) -> ProbitTable:
    each = [new_users] + [known_users] * (GROUPS - 1)
    curves = np.stack([probit.curves for probit in each])
    stds = np.array([probit.stds[k] for k, probit in enumerate(each)])
    mixed = np.array([probit.mixed for probit in each])
    centre, unit, _ = known_users.location
    return ProbitTable(curves, stds, centre, unit, mixed, known_users.groups.frequencies)
