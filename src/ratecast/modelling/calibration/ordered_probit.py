"""Ordered probit: from an expected rating to the probability of every star."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.newton import Value, minimize
from ratecast.modelling.calibration.probit_kernel import (
    HISTORY_EDGES,
    MIN_PROBABILITY,
    Forecasts,
    LikelihoodRows,
    ProbitTable,
    fill,
    likelihood,
)
from ratecast.ratings import Scale

GROUPS = len(HISTORY_EDGES) + 1
_MAX_ROWS = 50_000
# L2 penalty, in nats, of a parameter that is 1 away from the prior: a handful of rows outweigh it.
_L2 = 20.0
# Gradient for each row at which the search ends.
_TOLERANCE = 1e-6
# Rows below which a history group takes the std of the nearest group with more.
_MIN_GROUP_ROWS = 50


@dataclass(frozen=True, eq=False)
class OrderedProbit:
    """An ordered probit around a forecast.

    P(star <= k) = Phi(unit * curve_k(x) / (std * deviation)), with x = (mean - centre) / unit and
    curve_k(x) = curves[k] @ (1, x, x^2). Probabilities below 1e-6 are raised to it, and each row
    then sums to 1.

    curves: (S - 1, 3), for each cut between two stars.
    stds: (4,), in stars, for each history group: 0, 1-5, 6-20, more ratings of the user. Where the
        model gives a predictive deviation of its own, they multiply it.
    centre: middle of the scale, in stars.
    unit: a quarter of the scale, in stars.

    Reference: McCullagh 1980, "Regression models for ordinal data"; cuts with slopes of their own
    as in Peterson, Harrell 1990, "Partial proportional odds models".
    Differs: the location is the model's forecast, with a parabola for each cut, because stars near
    the ends of the scale vary less: on MovieLens 100K, one common slope has twice the calibration
    error.
    """

    curves: F64
    stds: F64
    centre: float
    unit: float

    @property
    def cuts(self) -> F64:
        """The cuts of a forecast at the middle of the scale, in stars: (S - 1,)."""
        return self.centre + self.unit * self.curves[:, 0]

    @classmethod
    def initial(cls, scale: Scale, std: float = 1.0) -> "OrderedProbit":
        """Cuts midway between the stars, no curvature, and the same std for all groups."""
        stars, unit = scale.stars, (scale.high - scale.low) / 4
        centre = (scale.high + scale.low) / 2
        cuts = ((stars[1:] + stars[:-1]) / 2 - centre) / unit
        curves = np.column_stack([cuts, -np.ones(len(cuts)), np.zeros(len(cuts))])
        return cls(curves, np.full(GROUPS, std), centre, unit)

    @property
    def parameters(self) -> F64:
        """Curves, then the logarithms of the stds: (3 S - 3 + groups,)."""
        return np.concatenate([self.curves.ravel(), np.log(self.stds)])

    def probabilities(self, mean: F64, history_length: I64, deviation: F64 | None = None) -> F64:
        """Probability of each star: (n, S), rows sum to 1.

        mean: (n,) expected stars.
        history_length: (n,) ratings of the user before the forecast.
        deviation: (n,) predictive standard deviation in stars, 1 where None.
        """
        return star_probabilities((self, self), mean, history_length, deviation)

    def fitted(
        self,
        mean: F64,
        history_length: I64,
        star: I64,
        deviation: F64 | None = None,
        *,
        start: "OrderedProbit | None" = None,
    ) -> "OrderedProbit":
        """The probit of greatest penalized likelihood for observed stars.

        Loss = -log likelihood + 20 |parameters - parameters of this probit|^2: with few rows the
        result stays near this one. A history group with fewer than 50 rows takes the std of the
        nearest group.

        mean, history_length, deviation: (n,), as in `probabilities`.
        star: (n,) positions of the observed stars on the scale.
        start: where the search starts, if not here.
        """
        step = -(-len(mean) // _MAX_ROWS)
        mean, star = mean[::step], star[::step]
        group = np.digitize(history_length[::step], HISTORY_EDGES)
        std = np.ones(len(mean)) if deviation is None else deviation[::step]
        prior, first = self.parameters, (start or self).parameters
        rows = LikelihoodRows((mean - self.centre) / self.unit, std / self.unit, group, star)

        def loss(parameters: F64) -> Value:
            change = parameters - prior
            value, gradient, hessian = likelihood(parameters, rows, len(self.curves))
            l2 = _L2 * change @ change, 2 * _L2 * change, 2 * _L2 * np.eye(len(change))
            return value + l2[0], gradient + l2[1], hessian + l2[2]

        best = minimize(loss, first, _TOLERANCE * len(mean))
        curves = best[: self.curves.size].reshape(self.curves.shape)
        stds = np.exp(best[self.curves.size :])
        stds = _of_nearest_group(stds, np.bincount(group, minlength=len(stds)))
        # Only curves / stds matters: scale both so that the mean slope of the curves is -1.
        size = max(float(-curves[:, 1].mean()), MIN_PROBABILITY)
        return OrderedProbit(curves / size, stds / size, self.centre, self.unit)


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
    return ProbitTable(curves, stds, float(known_users.centre), float(known_users.unit))


def _of_nearest_group(stds: F64, rows: I64) -> F64:
    """The stds, where a group with too few rows has that of the nearest one with enough."""
    enough = np.flatnonzero(rows >= _MIN_GROUP_ROWS)
    if not len(enough):
        return stds
    nearest = [enough[np.abs(enough - k).argmin()] for k in range(len(rows))]
    return stds[nearest]
