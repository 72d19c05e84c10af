"""Metrics of forecasts against the given stars. Each is an exact sum over all rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.modelling.contract.distribution import cumulative, density
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings, Scale

CALIBRATION_BINS = 15
INTERVAL = 0.8
# Levels of the quantiles whose calibration is measured on a continuous scale.
LEVELS = np.arange(1, 20) / 20


@dataclass(frozen=True)
class Score:
    """Metrics over n rows, with error e = forecast - rating and p the given star's probability.

    rmse: √(mean e²), stars. mae: mean |e|, stars. nll: mean -ln p, nats. ece: expected calibration
    error, 0 to 1. coverage: mean share of the given star's probability inside the central 80 %
    interval, 0.8 if calibrated. On a continuous scale p is the density at the rating, so that nll
    may be negative, ece is that of the quantiles, and coverage the share of the ratings inside.
    These three are NaN for forecasts without probabilities.
    """

    n: int
    rmse: float
    mae: float
    nll: float
    ece: float
    coverage: float

    @classmethod
    def of(cls, forecast: Forecast, given: Ratings) -> Self:
        """Score the forecasts of all rows of `given`. Raises `InputError` if one is missing."""
        require_every_forecast(forecast, given, "score")
        truth = given.stars.astype(np.float64)
        error = forecast.stars - truth
        nll, ece, coverage = _of_probabilities(forecast.probabilities, given.scale, truth)
        return cls(
            n=len(truth),
            rmse=float(np.sqrt(np.mean(error * error))),
            mae=float(np.abs(error).mean()),
            nll=nll,
            ece=ece,
            coverage=coverage,
        )


def require_every_forecast(forecast: Forecast, given: Ratings, where: str) -> None:
    """Refuse forecasts that are not one finite number for each rating. where: for the message."""
    if len(forecast) != len(given):
        raise InputError(f"{where}: {len(forecast)} forecasts for {len(given)} ratings")
    missing = int((~np.isfinite(forecast.stars)).sum())
    if missing:
        raise InputError(f"{where}: {missing} forecasts are missing")


def _of_probabilities(
    probabilities: NDArray[np.float64], scale: Scale, truth: NDArray[np.float64]
) -> tuple[float, float, float]:
    """NLL, calibration error and coverage; NaN for forecasts that are of stars alone."""
    if np.isnan(probabilities).all():
        return np.nan, np.nan, np.nan
    of = _continuous if scale.is_continuous else _stepped
    return of(probabilities, scale, truth)


def quantile_shares(
    probabilities: NDArray[np.float64], scale: Scale, truth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of the ratings at or below each forecast quantile of `LEVELS`: (levels,).

    It is the level if calibrated. probabilities: (n, cells) of a continuous scale. truth: (n,).
    Reference: Gneiting, Balabdaoui, Raftery 2007, "Probabilistic forecasts, calibration and
    sharpness" (the probability integral transform).
    """
    reached = cumulative(probabilities, scale, truth)
    shares: NDArray[np.float64] = (reached <= LEVELS[:, None]).mean(axis=1)
    return shares


def _continuous(
    probabilities: NDArray[np.float64], scale: Scale, truth: NDArray[np.float64]
) -> tuple[float, float, float]:
    """NLL of the density, mean |share - level| of the quantiles, and coverage."""
    at = density(probabilities, scale, scale.clip(truth))
    gaps = np.abs(quantile_shares(probabilities, scale, truth) - LEVELS)
    reached, tail = cumulative(probabilities, scale, truth), (1 - INTERVAL) / 2
    inside = (reached >= tail) & (reached <= 1 - tail)
    return float(-np.log(at).mean()), float(gaps.mean()), float(inside.mean())


def _stepped(
    probabilities: NDArray[np.float64], scale: Scale, truth: NDArray[np.float64]
) -> tuple[float, float, float]:
    """NLL, calibration error and coverage of the star probabilities."""
    star = scale.index(truth)
    return (
        float(-np.log(_of_star(probabilities, star)).mean()),
        calibration_error(probabilities, star),
        interval_coverage(probabilities, star),
    )


def calibration_error(probabilities: NDArray[np.float64], star: NDArray[np.int64]) -> float:
    """Classwise expected calibration error: the mean over the stars of sum_b n_b/n |p_b - f_b|.

    probabilities: (n, S). star: (n,) position of the given star. The bins b have equal width.
    Reference: Kull et al. 2019, "Beyond temperature scaling", eq. 4.
    """
    gaps = _gaps(probabilities, star)
    return float(np.abs(gaps).sum() / (len(star) * probabilities.shape[1]))


def interval_coverage(probabilities: NDArray[np.float64], star: NDArray[np.int64]) -> float:
    """Mean share of the given star's probability inside the central 80 % interval.

    A star is a step of the cumulative distribution; the step's share in [0.1, 0.9] counts. Its
    mean is 0.8 for calibrated forecasts, however few stars there are.
    Reference: Czado, Gneiting, Held 2009, "Predictive model assessment for count data" (the
    non-randomised PIT).
    """
    return float(_inside(probabilities, star, (1 - INTERVAL) / 2) / len(star))


def _of_star(values: NDArray[np.float64], star: NDArray[np.int64]) -> NDArray[np.float64]:
    return values[np.arange(len(star)), star]


@njit(cache=True)
def _gaps(probabilities, star):  # type: ignore[no-untyped-def]
    """Sum of probability less frequency in each bin of each star: (S, CALIBRATION_BINS)."""
    gaps = np.zeros((probabilities.shape[1], CALIBRATION_BINS))
    for i in range(len(star)):
        for k in range(len(gaps)):
            bin_ = min(int(probabilities[i, k] * CALIBRATION_BINS), CALIBRATION_BINS - 1)
            gaps[k, bin_] += probabilities[i, k] - (star[i] == k)
    return gaps


@njit(cache=True)
def _inside(probabilities, star, tail):  # type: ignore[no-untyped-def]
    """Sum of the shares of the given stars' probability that lie between the two tails."""
    total = 0.0
    for i in range(len(star)):
        width, upper = probabilities[i, star[i]], 0.0
        for k in range(star[i] + 1):
            upper += probabilities[i, k]
        inside = min(upper, 1 - tail) - max(upper - width, tail)
        total += max(inside, 0.0) / width
    return total
