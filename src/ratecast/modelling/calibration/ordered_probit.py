"""Ordered probit: from an expected rating to the probability of every star."""

from dataclasses import dataclass, replace
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
# With more stars, or cells, each has few ratings, and not every cut is fitted a curve of its own,
# but so many of them, the first and the last included. On Jester, 9 give an NLL of 2.693, 17 of
# 2.666, and 25 of 2.676.
_MOST_FREE, _KNOTS = 20, 17
# Quantiles of the forecasts between which these curves must not cross.
_TAILS = (0.005, 0.995)
_MAX_ROWS = 50_000
# L2 penalty, in nats, of a parameter that is 1 away from the prior: a handful of rows outweigh it.
# The second is that of curves which others are interpolated from.
_L2, _L2_SMOOTH = 20.0, 200.0
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

    With more than 20 stars, and on a continuous scale, 17 curves are fitted, at evenly spaced cuts,
    and those between two of them are interpolated. Their distances from each other stretch the
    normal density; the first and the last leave to the outermost cells what ratings pile up there.

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
    def smooth(self) -> bool:
        """Whether most curves are interpolated."""
        return len(self.curves) >= _MOST_FREE

    @property
    def parameters(self) -> F64:
        """What is fitted: the curves, of the knots if `smooth`, then the logarithms of the stds."""
        curves = self.curves[_knots(len(self.curves))] if self.smooth else self.curves
        return np.concatenate([curves.ravel(), np.log(self.stds)])

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

        Loss = -log likelihood + 20 |parameters - parameters of this probit|^2 (200 if most curves
        are interpolated): with few rows the result stays near this one. A history group with fewer
        than 50 rows takes the std of the nearest group.

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
        along = _interpolation(len(self.curves)) if self.smooth else None
        weight = _L2_SMOOTH if self.smooth else _L2

        def loss(parameters: F64) -> Value:
            change = parameters - prior
            value, gradient, hessian = _likelihood(parameters, rows, len(self.curves), along)
            l2 = weight * change @ change, 2 * weight * change, 2 * weight * np.eye(len(change))
            return float(value + l2[0]), gradient + l2[1], hessian + l2[2]

        best = minimize(loss, first, _TOLERANCE * len(mean))
        best = best if along is None else along @ best
        curves = best[: self.curves.size].reshape(self.curves.shape)
        stds = np.exp(best[self.curves.size :])
        stds = _of_nearest_group(stds, np.bincount(group, minlength=len(stds)))
        # Only curves / stds matters: scale both so that the mean slope of the curves is -1.
        size = max(float(-curves[:, 1].mean()), MIN_PROBABILITY)
        return replace(self, curves=curves / size, stds=stds / size)

    def with_spread(self, mean: F64, star: I64, deviation: F64) -> "OrderedProbit":
        """The same curves; every std = root mean square of the errors / that of the deviations.

        mean, star, deviation: (n,), as in `fitted`. On a wide scale 1 is no likely spread.
        """
        width = (self.cuts[-1] - self.cuts[0]) / (len(self.cuts) - 1)
        error = self.cuts[0] + width * (star - 0.5) - mean
        # The variance of a uniform value inside a cell, so that the spread is never 0.
        square = (error**2).mean() + width**2 / 12
        std = np.sqrt(square / max((deviation**2).mean(), width**2 / 12))
        return replace(self, stds=np.full(GROUPS, std))


def _likelihood(parameters: F64, rows: LikelihoodRows, cuts: int, along: F64 | None) -> Value:
    """`likelihood` as a function of the fitted parameters.

    along: (all, fitted), where most curves are interpolated. It is infinite then where curves
    cross, so that a step there is undone.
    """
    if along is None:
        every: Value = likelihood(parameters, rows, cuts)
        return every
    if _cross(parameters, rows.distance):
        return np.inf, np.zeros(len(parameters)), np.eye(len(parameters))
    value, gradient, hessian = likelihood(along @ parameters, rows, cuts)
    return float(value), along.T @ gradient, along.T @ hessian @ along


def _cross(parameters: F64, distance: F64) -> bool:
    """Whether neighbours of the curves meet between the quantiles `_TAILS` of the forecasts."""
    level, slope, bend = np.diff(parameters[:-GROUPS].reshape(-1, 3), axis=0).T
    first, last = np.quantile(distance, _TAILS)
    # A parabola is least at an end, or at its vertex in between.
    vertex = np.clip(-slope / (2 * np.where(bend > 0, bend, np.inf)), first, last)
    gaps = [level + slope * x + bend * x * x for x in (first, vertex, last)]
    return bool(np.min(gaps) <= 0)


def _knots(cuts: int) -> I64:
    """Positions of the cuts whose curves are fitted, ascending."""
    return np.rint(np.linspace(0, cuts - 1, _KNOTS)).astype(np.int64)


@lru_cache(maxsize=2)
def _interpolation(cuts: int) -> F64:
    """All parameters from the fitted ones, by linear interpolation: (3 cuts + groups, fitted)."""
    between = np.column_stack(
        [np.interp(np.arange(cuts), _knots(cuts), knot) for knot in np.eye(_KNOTS)]
    )
    curves = np.kron(between, np.eye(3))
    every = np.zeros((len(curves) + GROUPS, curves.shape[1] + GROUPS))
    every[: len(curves), : curves.shape[1]] = curves
    every[len(curves) :, curves.shape[1] :] = np.eye(GROUPS)
    return every


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
