"""How far forecasts were from the given stars. Every figure is an exact sum over all rows."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.models.answer import Forecast
from ratecast.ratings import Ratings

CALIBRATION_BINS = 15
INTERVAL = 0.8


@dataclass(frozen=True)
class Score:
    """Figures over n rows.

    rmse, mae: stars. nll: nats a rating, of the star's probability. ece: calibration error, 0 to
    1. coverage: share of the given ratings' probability that lies in the central 80 % interval;
    0.8 when calibrated.
    """

    n: int
    rmse: float
    mae: float
    nll: float
    ece: float
    coverage: float

    @classmethod
    def of(cls, forecast: Forecast, given: Ratings) -> Self:
        """Score a forecast of every row of `given`; a gap is refused, never filled."""
        truth = given.stars.astype(np.float64)
        if len(forecast) != len(truth):
            raise InputError(f"score: {len(forecast)} forecasts for {len(truth)} ratings")
        if not np.isfinite(forecast.stars).all():
            raise InputError(f"score: {(~np.isfinite(forecast.stars)).sum()} forecasts are missing")
        error, star = forecast.stars - truth, given.scale.index(truth)
        return cls(
            n=len(truth),
            rmse=float(np.sqrt(np.mean(error * error))),
            mae=float(np.abs(error).mean()),
            nll=float(-np.log(_chosen(forecast.probabilities, star)).mean()),
            ece=calibration_error(forecast.probabilities, star),
            coverage=interval_coverage(forecast.probabilities, star),
        )


def calibration_error(probabilities: NDArray[np.float64], star: NDArray[np.int64]) -> float:
    """Classwise expected calibration error: the mean over the stars of sum_b n_b/n |p_b - f_b|.

    probabilities: (n, S). star: (n,) position of the given star. The bins b part [0, 1] evenly.
    Reference: Kull et al. 2019, "Beyond temperature scaling", eq. 4.
    """
    stars = probabilities.shape[1]
    bins = np.minimum((probabilities * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gap = probabilities - (star[:, None] == np.arange(stars))
    cell = (bins + CALIBRATION_BINS * np.arange(stars)).ravel()
    sums = np.bincount(cell, gap.ravel(), stars * CALIBRATION_BINS)
    return float(np.abs(sums).sum() / (len(star) * stars))


def interval_coverage(probabilities: NDArray[np.float64], star: NDArray[np.int64]) -> float:
    """Mean share of the given star's probability inside the central 80 % interval.

    A star is a step of the cumulative distribution; the step's share in [0.1, 0.9] counts. Its
    mean is 0.8 for calibrated forecasts, however few stars there are.
    Reference: Czado, Gneiting, Held 2009, "Predictive model assessment for count data" (the
    non-randomised PIT).
    """
    tail = (1 - INTERVAL) / 2
    upper = _chosen(probabilities.cumsum(axis=1), star)
    width = _chosen(probabilities, star)
    inside = np.minimum(upper, 1 - tail) - np.maximum(upper - width, tail)
    return float((np.maximum(inside, 0) / width).mean())


def _chosen(values: NDArray[np.float64], star: NDArray[np.int64]) -> NDArray[np.float64]:
    return values[np.arange(len(star)), star]
