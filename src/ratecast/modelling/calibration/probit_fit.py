"""The fit of an ordered probit to forecasts and the stars that were observed."""

from dataclasses import replace

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.likelihood_kernel import LikelihoodRows, likelihood
from ratecast.modelling.calibration.newton import Value, minimize
from ratecast.modelling.calibration.ordered_probit import GROUPS, OrderedProbit
from ratecast.modelling.calibration.probit_kernel import HISTORY_EDGES, LEAST_STD, Forecasts

# Quantiles of the forecasts between which interpolated curves must not cross.
_TAILS = (0.005, 0.995)
_MAX_ROWS = 50_000
# L2 penalty, in nats, of a parameter that is 1 away from the prior: a handful of rows outweigh it.
# The second is that of curves which others are interpolated from.
_L2, _L2_INTERPOLATED = 20.0, 200.0
# Gradient for each row at which the search ends.
_TOLERANCE = 1e-6
# Rows below which a history group takes the std of the nearest group with more.
_MIN_GROUP_ROWS = 50
# For how many errors of a quarter of the scale the first std counts.
_PRIOR_ERRORS = 2
# How often the mixture and the probit are fitted in turn, and steps of a bisection.
_ROUNDS, _BISECTIONS = 2, 40
# In units of the probit: how far the cuts of stars that are never given lie beyond the others.
_FAR = 100.0
# Of e; a search may try a std so small that more would overflow.
_MOST_EXPONENT = 600.0
# Least and greatest mean slope, with the other sign, that scales the curves.
_SLOPES = (0.1, 10.0)


def fit_probit(
    prior: OrderedProbit, forecasts: Forecasts, star: I64, start: OrderedProbit | None = None
) -> OrderedProbit:
    """The probit of greatest penalized likelihood for observed stars, and its best mixture.

    Loss = -log likelihood + 20 |parameters - parameters of prior|^2 (200 if curves are
    interpolated): with few rows the result stays near the prior. A history group with fewer than 50
    rows takes the std of the nearest group. The search starts where the loss is the least: at
    `start`, at `prior`, or at straight curves with the standard deviation of the errors. Then
    probit and mixture are fitted in turn, each row by its probability of being from the probit
    (expectation maximization). Where the frequencies alone lose less than a nat for each
    parameter, they stand alone (Akaike 1974, with the effective number of parameters).

    forecasts: of n rows. star: (n,) positions of the observed stars on the scale.
    """
    rows = _rows(prior, forecasts, star)
    straight = replace(prior, curves=prior.location.curves(len(prior.curves) + 1))
    starts = [start or prior, prior, with_spread(straight, forecasts, star)]
    loss = _Loss(prior, rows)
    first = min((_parameters(probit) for probit in starts), key=lambda each: loss(each)[0])
    best = loss.least(first)
    frequencies = prior.groups.frequencies[rows.star]
    for _ in range(_ROUNDS):
        mixture = _Mixture(_shares(loss.probit(best), rows), frequencies)
        if mixture.weight in (0.0, 1.0):
            break
        loss = _Loss(prior, rows._replace(weight=mixture.of_probit()))
        best = loss.least(best)
    probit = loss.probit(best)
    mixture = _Mixture(_shares(probit, rows), frequencies)
    # The std of the prior is one more parameter.
    stands = mixture.gain > loss.effective_parameters(best) + 1
    return replace(probit, mixed=mixture.weight if stands else 1.0)


def with_spread(probit: OrderedProbit, forecasts: Forecasts, star: I64) -> OrderedProbit:
    """The same curves; one std for all groups, of the greatest likelihood.

    Two errors of a quarter of the scale count too, so that the spread of few or of equal ratings is
    not 0; the search starts at the root mean square of the errors over that of the deviations.
    forecasts, star: as in `fit_probit`.
    """
    rows, (_, unit, step) = _rows(probit, forecasts, star), probit.location
    size = max(float(np.square(rows.std).mean()), LEAST_STD**2)
    error = step / unit * (rows.star - len(probit.curves) / 2) - rows.distance
    square = (error @ error + _PRIOR_ERRORS) / (len(error) + _PRIOR_ERRORS) / size
    groups, curves = probit.groups, probit.curves
    if not groups.interpolated:
        rows, curves = rows._replace(star=groups.run(rows.star)), curves[groups.cuts]

    def loss(log_std: F64) -> Value:
        every = np.concatenate([curves.ravel(), np.repeat(log_std, GROUPS)])
        value, gradient, hessian = likelihood(every, rows, len(curves))
        # Of an error e under a standard deviation s: log s + e^2 / (2 s^2).
        prior = _PRIOR_ERRORS / size * np.exp(np.minimum(-2 * log_std, _MOST_EXPONENT))
        value += _PRIOR_ERRORS * log_std[0] + prior[0] / 2
        slope = gradient[-GROUPS:].sum() + _PRIOR_ERRORS - prior
        return float(value), slope, hessian[-GROUPS:, -GROUPS:].sum() + 2 * prior[:, None]

    log_std = minimize(loss, np.array([np.log(square) / 2]), _TOLERANCE * len(rows.star))
    return replace(probit, stds=np.full(GROUPS, float(np.exp(log_std[0]))))


def _rows(prior: OrderedProbit, forecasts: Forecasts, star: I64) -> LikelihoodRows:
    """At most `_MAX_ROWS` of the rows, in units of the probit."""
    part = slice(None, None, -(-len(star) // _MAX_ROWS))
    mean, history_length, deviation = forecasts
    centre, unit, _ = prior.location
    group = np.digitize(history_length[part], HISTORY_EDGES)
    distance, weight = (mean[part] - centre) / unit, np.ones(len(group))
    std = deviation[part] / unit if len(deviation) else weight / unit
    return LikelihoodRows(distance, std, group, star[part], weight)


def _shares(probit: OrderedProbit, rows: LikelihoodRows) -> F64:
    """The probability of each observed star: (n,)."""
    centre, unit, _ = probit.location
    history_length = np.array([0, *HISTORY_EDGES])[rows.group]
    every = probit.probabilities(centre + unit * rows.distance, history_length, unit * rows.std)
    shares: F64 = every[np.arange(len(rows.star)), rows.star]
    return shares


def _parameters(probit: OrderedProbit) -> F64:
    """What is fitted: the curves of the groups' cuts, then the logarithms of the stds."""
    return np.concatenate([probit.curves[probit.groups.cuts].ravel(), np.log(probit.stds)])


class _Loss:
    """Penalized negative log likelihood of some rows, as a function of the fitted parameters."""

    def __init__(self, prior: OrderedProbit, rows: LikelihoodRows) -> None:
        groups = prior.groups
        self._prior, self._rows, self._groups = prior, rows, groups
        self._centre = _parameters(prior)
        self._weight = _L2_INTERPOLATED if groups.interpolated else _L2
        along = np.kron(groups.weights, np.eye(3))
        self._along = np.zeros((len(along) + GROUPS, along.shape[1] + GROUPS))
        self._along[:-GROUPS, :-GROUPS], self._along[-GROUPS:, -GROUPS:] = along, np.eye(GROUPS)
        # Where each run has one star in use, the runs are the stars.
        self._reduced = rows if groups.interpolated else rows._replace(star=groups.run(rows.star))

    def least(self, first: F64) -> F64:
        """The parameters of the least loss, downhill from `first`."""
        return minimize(self, first, _TOLERANCE * len(self._rows.star))

    def effective_parameters(self, parameters: F64) -> float:
        """Trace of (H + 2 w I)^-1 H, with the Hessian H of the likelihood and the penalty w.

        Reference: Moody 1992, "The effective number of parameters".
        """
        _, _, hessian = self(parameters)
        return float(len(parameters) - 2 * self._weight * np.trace(np.linalg.inv(hessian)))

    def probit(self, parameters: F64) -> OrderedProbit:
        """The probit of these parameters, not mixed."""
        curves = (self._along @ parameters)[:-GROUPS].reshape(-1, 3)
        curves[:, 0] += _FAR * self._groups.beyond
        stds = np.exp(parameters[-GROUPS:])
        stds = _of_nearest_group(stds, np.bincount(self._rows.group, minlength=GROUPS))
        # Only curves / stds matters: scale both so that the mean slope of the curves is -1, where
        # forecasts say something.
        size = np.clip(-curves[self._groups.cuts, 1].mean(), *_SLOPES)
        return replace(self._prior, curves=curves / size, stds=stds / size, mixed=0.0)

    def __call__(self, parameters: F64) -> Value:
        """Loss, gradient and Hessian; infinite where curves cross."""
        likely = self._interpolated if self._groups.interpolated else self._plain
        value, gradient, hessian = likely(parameters)
        change, slope = parameters - self._centre, 2 * self._weight
        penalty = float(self._weight * change @ change)
        return value + penalty, gradient + slope * change, hessian + slope * np.eye(len(change))

    def _plain(self, parameters: F64) -> Value:
        value: Value = likelihood(parameters, self._reduced, len(self._groups.cuts))
        return value

    def _interpolated(self, parameters: F64) -> Value:
        if _cross(parameters, self._rows.distance):
            return np.inf, np.zeros(len(parameters)), np.eye(len(parameters))
        along, cuts = self._along, len(self._groups.weights)
        value, gradient, hessian = likelihood(along @ parameters, self._rows, cuts)
        return value, along.T @ gradient, along.T @ hessian @ along


def _cross(parameters: F64, distance: F64) -> bool:
    """Whether neighbours of the curves meet between the quantiles `_TAILS` of the forecasts."""
    level, slope, bend = np.diff(parameters[:-GROUPS].reshape(-1, 3), axis=0).T
    first, last = np.quantile(distance, _TAILS)
    # A parabola is least at an end, or at its vertex in between.
    vertex = np.clip(-slope / (2 * np.where(bend > 0, bend, np.inf)), first, last)
    gaps = [level + slope * x + bend * x * x for x in (first, vertex, last)]
    return bool(np.min(gaps) <= 0)


class _Mixture:
    """The mixture (1 - weight) p + weight f of the greatest likelihood, for observed stars.

    shares, frequencies: (n,), p and f. The likelihood is concave in the weight, which is found by
    bisection of its slope.
    """

    def __init__(self, shares: F64, frequencies: F64) -> None:
        self._shares, self._frequencies = shares, frequencies
        more = frequencies - shares
        low, high = 0.0, 1.0
        if (more / shares).sum() <= 0:
            high = 0.0
        elif (more / frequencies).sum() >= 0:
            low = 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            slope = (more / (shares + middle * more)).sum()
            low, high = (middle, high) if slope > 0 else (low, middle)
        self.weight = (low + high) / 2

    def of_probit(self) -> F64:
        """The probability that each row is from the probit: (n,)."""
        shares = (1 - self.weight) * self._shares
        return shares / (shares + self.weight * self._frequencies)

    @property
    def gain(self) -> float:
        """How much more likely the stars are than by their frequencies, in nats."""
        mixed = self._shares + self.weight * (self._frequencies - self._shares)
        return float(np.log(mixed / self._frequencies).sum())


def _of_nearest_group(stds: F64, rows: I64) -> F64:
    """The stds, where a group with too few rows has that of the nearest one with enough."""
    enough = np.flatnonzero(rows >= _MIN_GROUP_ROWS)
    if not len(enough):
        return stds
    nearest = [enough[np.abs(enough - k).argmin()] for k in range(len(rows))]
    return stds[nearest]
