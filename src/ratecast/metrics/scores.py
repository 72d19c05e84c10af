"""Metrics of forecasts against the given stars. Each is an exact sum over all rows."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.compiled import njit
from ratecast.errors import InputError
from ratecast.modelling.contract.distribution import cumulative, density
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import Ratings, Scale

CALIBRATION_BINS = 15
INTERVAL = 0.8
# Levels of the quantiles whose calibration is measured on a continuous scale.
LEVELS = np.arange(1, 20) / 20
_BLOCK = 1 << 20
_FIGURES = 5


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
    def of(cls, forecast: Forecast, given: Ratings) -> "Score":
        """Score the forecasts of all rows of `given`. Raises `InputError` if one is missing."""
        sums = ScoreSums.of(forecast, given, np.zeros(len(given), np.int8), 1)
        return sums.score(np.ones(1, bool))


@dataclass(frozen=True)
class ScoreSums:
    """Sums over the rows of each of C cells, from which the score of any of them together follows.

    figures: (C, 5): n, and the sums of e², |e|, -ln p, and the shares inside the interval.
    calibration: (C, S, bins) sums of probability less frequency; on a continuous scale (C, levels)
    how many ratings are at or below each quantile.
    """

    figures: F64
    calibration: F64

    @classmethod
    def of(cls, forecast: Forecast, given: Ratings, cell: NDArray[np.int8], cells: int) -> Self:
        """Sum over the rows of `given`; cell: (n,), which cell each row is in.

        Raises `InputError` if a forecast is missing.
        """
        sums = cls.none(given.scale, forecast.probabilities.shape[1], cells)
        sums.add(forecast, given, cell)
        return sums

    @classmethod
    def none(cls, scale: Scale, columns: int, cells: int) -> Self:
        """Of no rows. columns: of the forecasts' probabilities."""
        inner = (len(LEVELS),) if scale.is_continuous else (columns, CALIBRATION_BINS)
        return cls(np.zeros((cells, _FIGURES)), np.zeros((cells, *inner)))

    def add(self, forecast: Forecast, given: Ratings, cell: NDArray[np.int8]) -> None:
        """Add rows to these sums, one after another: as if all were summed in one call.

        Arguments and errors are those of `of`.
        """
        require_every_forecast(forecast, given, "score")
        if not len(given):
            return
        known = not np.isnan(forecast.probabilities[:, 0]).any()
        # A block at a time, so that what is computed for each row takes little memory.
        for start in range(0, len(given), _BLOCK):
            block = slice(start, start + _BLOCK)
            truth, here = given.stars[block].astype(np.float64), cell[block]
            error = forecast.stars[block] - truth
            rows = [np.ones(len(truth)), error * error, np.abs(error)]
            if known:
                shares = forecast.probabilities[block].astype(np.float64, copy=False)
                into = _add_continuous if given.scale.is_continuous else _add_stepped
                rows += into(self.calibration, shares, given.scale, truth, here)
            for column, values in enumerate(rows):
                self.figures[:, column] = continued_sums(self.figures[:, column], here, values)
        if not known:
            self.figures[:, 3:] = self.calibration[:] = np.nan

    def score(self, cells: NDArray[np.bool_]) -> Score:
        """The score of all rows of some cells: (C,)."""
        n, squared, absolute, missed, inside = self.figures[cells].sum(axis=0).tolist()
        sums = self.calibration[cells].sum(axis=0)
        stepped = sums.ndim > 1
        gaps = np.abs(sums) / (n * len(sums)) if stepped else np.abs(sums / n - LEVELS) / len(sums)
        return Score(
            n=int(n),
            rmse=math.sqrt(squared / n),
            mae=absolute / n,
            nll=missed / n,
            ece=float(gaps.sum()),
            coverage=inside / n,
        )


def require_every_forecast(forecast: Forecast, given: Ratings, where: str) -> None:
    """Refuse forecasts that are not one finite number for each rating. where: for the message."""
    if len(forecast) != len(given):
        raise InputError(f"{where}: {len(forecast)} forecasts for {len(given)} ratings")
    missing = int((~np.isfinite(forecast.stars)).sum())
    if missing:
        raise InputError(f"{where}: {missing} forecasts are missing")


def quantile_shares(probabilities: F64, scale: Scale, truth: F64) -> F64:
    """Share of the ratings at or below each forecast quantile of `LEVELS`: (levels,).

    It is the level if calibrated. probabilities: (n, cells) of a continuous scale. truth: (n,).
    Reference: Gneiting, Balabdaoui, Raftery 2007, "Probabilistic forecasts, calibration and
    sharpness" (the probability integral transform).
    """
    reached = cumulative(probabilities, scale, truth)
    shares: F64 = (reached <= LEVELS[:, None]).mean(axis=1)
    return shares


Cells = NDArray[np.int8]


def continued_sums(sums: F64, cell: Cells, values: F64) -> F64:
    """`sums` (C,) with each value (n,) added to that of its cell, one after another: (C,).

    So a sum has the same bits however the rows come in calls.
    """
    cells = np.arange(len(sums))
    places, terms = np.concatenate([cells, cell]), np.concatenate([sums, values])
    return np.asarray(np.bincount(places, terms, len(sums)), np.float64)


def _add_continuous(
    counts: F64, probabilities: F64, scale: Scale, truth: F64, cell: Cells
) -> list[F64]:
    """-ln density and whether the rating is inside, of each row.

    counts: (cells, levels), to which is added how many ratings are at or below each quantile.
    """
    at = density(probabilities, scale, scale.clip(truth))
    reached, tail = cumulative(probabilities, scale, truth), (1 - INTERVAL) / 2
    inside = (reached >= tail) & (reached <= 1 - tail)
    below = [np.bincount(cell, reached <= level, len(counts)) for level in LEVELS]
    counts += np.column_stack(below)
    return [-np.log(at), inside.astype(np.float64)]


def _add_stepped(gaps: F64, probabilities: F64, scale: Scale, truth: F64, cell: Cells) -> list[F64]:
    """-ln p and the share inside, of each row. gaps: as for `_add_gaps`."""
    star = scale.index(truth)
    chosen = probabilities[np.arange(len(star)), star]
    _add_gaps(probabilities, star, cell, gaps)
    return [-np.log(chosen), _inside(probabilities, star, (1 - INTERVAL) / 2)]


def calibration_error(probabilities: F64, star: NDArray[np.int64]) -> float:
    """Classwise expected calibration error: the mean over the stars of sum_b n_b/n |p_b - f_b|.

    probabilities: (n, S). star: (n,) position of the given star. The bins b have equal width.
    Reference: Kull et al. 2019, "Beyond temperature scaling", eq. 4.
    """
    gaps = np.zeros((1, probabilities.shape[1], CALIBRATION_BINS))
    _add_gaps(probabilities, star, np.zeros(len(star), np.int8), gaps)
    return float(np.abs(gaps).sum() / (len(star) * probabilities.shape[1]))


def interval_coverage(probabilities: F64, star: NDArray[np.int64]) -> float:
    """Mean share of the given star's probability inside the central 80 % interval.

    A star is a step of the cumulative distribution; the step's share in [0.1, 0.9] counts. Its
    mean is 0.8 for calibrated forecasts, however few stars there are.
    Reference: Czado, Gneiting, Held 2009, "Predictive model assessment for count data" (the
    non-randomised PIT).
    """
    return float(_inside(probabilities, star, (1 - INTERVAL) / 2).mean())


@njit(cache=True)
def _add_gaps(probabilities, star, cell, gaps):  # type: ignore[no-untyped-def]
    """Add probability less frequency to `gaps` of each cell, star and bin: (cells, S, bins)."""
    for i in range(len(star)):
        for k in range(probabilities.shape[1]):
            bin_ = min(int(probabilities[i, k] * CALIBRATION_BINS), CALIBRATION_BINS - 1)
            gaps[cell[i], k, bin_] += probabilities[i, k] - (star[i] == k)


@njit(cache=True)
def _inside(probabilities, star, tail):  # type: ignore[no-untyped-def]
    """Share of each given star's probability that lies between the two tails: (n,)."""
    shares = np.empty(len(star))
    for i in range(len(star)):
        width, upper = probabilities[i, star[i]], 0.0
        for k in range(star[i] + 1):
            upper += probabilities[i, k]
        inside = min(upper, 1 - tail) - max(upper - width, tail)
        shares[i] = max(inside, 0.0) / width
    return shares
