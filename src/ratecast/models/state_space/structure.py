"""What the table at hand supports: how many factors, how firm their prior, how fast users drift.

Each is chosen by the error of honest forecasts: movies are learned from the earlier half of train,
and its later half is forecast row by row, each from the user's earlier ratings. What was found to
be best on many tables stays, unless another choice is clearly better there.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64


class Drift(NamedTuple):
    """How a user's state starts and moves, see `state_vector.Dynamics`.

    initial_share: the initial covariance, as a share of that among all users; implicit feedback
    explains the rest. bias_noise: variance that a time group adds to the bias. session_variance: of
    the session component, stars^2.
    """

    initial_share: float = 0.75
    bias_noise: float = 0.001
    session_variance: float = 0.03


class Structure(NamedTuple):
    """factors: K. max_l2_factors: how many ratings the prior of a factor counts for, at most."""

    factors: int = 16
    max_l2_factors: float = 130.0
    drift: Drift = Drift()


USUAL = Structure()
# A prior without bound: what is left of the factors is their regression on the movies' columns.
REGRESSION_ONLY = Structure(2, 10_000.0)
FEW, MORE = Structure(4), Structure(8)
# What each part of the drift is multiplied by, one part after another.
MULTIPLES = {
    "initial_share": (4 / 3, 2.0),
    "bias_noise": (0.25, 4.0, 16.0),
    "session_variance": (0.25, 4.0),
}
# Standard errors by which a larger structure, or another drift, must be better.
MUCH = 2.0

# What a structure learns from the earlier half gives the errors of a drift in the later one, (n,).
Trial = Callable[[Structure], Callable[[Drift], F64]]


def usual(factors: int) -> Structure:
    """What was found to be best on many tables. factors: K, or 0 if not given."""
    return USUAL._replace(factors=factors or USUAL.factors)


def chosen(trial: Trial, factors: int) -> Structure:
    """The structure with which the table is forecast best. factors: K, or 0 if not given."""
    errors = trial(REGRESSION_ONLY)
    before = errors(USUAL.drift)
    found = usual(factors) if factors else _supported(trial, before)
    drift = found.drift
    for name, multiples in MULTIPLES.items():
        others = [drift._replace(**{name: times * getattr(drift, name)}) for times in multiples]
        after = [errors(other) for other in others]
        best = most_gained(before, after)
        if best is not None:
            drift, before = others[best], after[best]
    return found._replace(drift=drift)


def _supported(trial: Trial, without_factors: F64) -> Structure:
    """How many factors the table supports; where eight are better than four, so are sixteen.

    without_factors: the errors of `REGRESSION_ONLY`.
    """
    few = trial(FEW)(FEW.drift)
    if gain(without_factors, few) <= MUCH:
        return REGRESSION_ONLY
    return USUAL if gain(few, trial(MORE)(MORE.drift)) > MUCH else FEW


def gain(before: F64, after: F64) -> float:
    """How much smaller the squared errors are, in standard errors of the difference."""
    less = before**2 - after**2
    size = less.std() if len(less) else 0.0
    return float(less.mean() / size * np.sqrt(len(less))) if size > 0 else 0.0


def most_gained(before: F64, others: list[F64], least: float = MUCH) -> int | None:
    """Which of other errors are smallest, of those that are clearly smaller; None: none is.

    least: standard errors by which they must be.
    """
    clear = [each for each, after in enumerate(others) if gain(before, after) > least]
    return min(clear, key=lambda each: float(np.square(others[each]).sum()), default=None)
