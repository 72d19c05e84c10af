"""From an expected rating to the probability of every star."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import ndtr

from ratecast.ratings import Scale

F64 = NDArray[np.float64]

HEARD_EDGES = (1, 6, 21)
_LEAST = 1e-6
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class StarNoise:
    """Ordered probit around a forecast: P(star <= k) = Phi((cut_k - mean) / spread).

    cuts: (S - 1,), ascending, in stars. spreads: (4,), in stars, one for each count of ratings
    heard from the user (0, 1-5, 6-20, more); where the model brings its own predictive deviation,
    `spreads` scales it.
    Reference: McCullagh 1980, "Regression models for ordinal data".
    Differs: the location is the model's forecast, not a linear predictor of its own.
    """

    cuts: F64
    spreads: F64

    @classmethod
    def flat(cls, scale: Scale, spread: float = 1.0) -> "StarNoise":
        """Cuts midway between the stars, one spread for all."""
        stars = scale.stars
        return cls((stars[1:] + stars[:-1]) / 2, np.full(len(HEARD_EDGES) + 1, spread))

    def probabilities(
        self, mean: F64, heard: NDArray[np.int64], deviation: F64 | None = None
    ) -> F64:
        """Probability of each star: (n, S), rows sum to 1."""
        spread = self.spreads[np.digitize(heard, HEARD_EDGES)]
        if deviation is not None:
            spread = spread * deviation
        below = ndtr((self.cuts - mean[:, None]) / spread[:, None])
        edges = np.column_stack([np.zeros(len(mean)), below, np.ones(len(mean))])
        raised = np.diff(edges, axis=1) + _LEAST
        shares: F64 = raised / raised.sum(axis=1, keepdims=True)
        return shares

    def fitted(
        self,
        mean: F64,
        heard: NDArray[np.int64],
        given: NDArray[np.int64],
        deviation: F64 | None = None,
    ) -> "StarNoise":
        """The noise of greatest likelihood for `given`, the positions of the stars: (n,).

        A count of ratings heard that hardly any row shows takes the spread of its neighbour.
        """
        every = -(-len(mean) // _MOST_ROWS)
        mean, bins, given = mean[::every], np.digitize(heard, HEARD_EDGES)[::every], given[::every]
        unit = np.ones(len(mean)) if deviation is None else deviation[::every]
        start = np.concatenate([self.cuts, np.log(self.spreads)])
        rows = _Likelihood(mean, unit, bins, given, len(self.cuts))
        found = minimize(rows.loss, start, jac=True, method="L-BFGS-B").x
        cuts, spreads = np.sort(found[: len(self.cuts)]), np.exp(found[len(self.cuts) :])
        return StarNoise(cuts, _borrowed(spreads, np.bincount(bins, minlength=len(spreads))))


@dataclass(frozen=True)
class _Likelihood:
    mean: F64
    unit: F64
    bins: NDArray[np.int64]
    given: NDArray[np.int64]
    count: int

    def loss(self, parameters: F64) -> tuple[float, F64]:
        """Mean negative log likelihood and its gradient by (cuts, log spreads)."""
        cuts = np.concatenate([[-np.inf], parameters[: self.count], [np.inf]])
        spread = np.exp(parameters[self.count :])[self.bins] * self.unit
        low = (cuts[self.given] - self.mean) / spread
        high = (cuts[self.given + 1] - self.mean) / spread
        # A long step may bring two cuts past each other; the great loss there sends it back.
        chance = np.maximum(ndtr(high) - ndtr(low), 0) + _LEAST
        up, down = _density(high) / chance, _density(low) / chance
        by_cut = np.bincount(self.given + 1, up / spread, self.count + 2)
        by_cut -= np.bincount(self.given, down / spread, self.count + 2)
        pull = np.where(down > 0, low, 0) * down - np.where(up > 0, high, 0) * up
        by_spread = np.bincount(self.bins, pull, len(parameters) - self.count)
        slope = np.concatenate([by_cut[1:-1], by_spread])
        return float(-np.log(chance).mean()), -slope / len(self.mean)


def _density(z: F64) -> F64:
    bell: F64 = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
    return bell


def _borrowed(spreads: F64, rows: NDArray[np.int64], enough: int = 50) -> F64:
    trusted = np.flatnonzero(rows >= enough)
    if not len(trusted):
        return spreads
    nearest = [trusted[np.abs(trusted - k).argmin()] for k in range(len(rows))]
    return spreads[nearest]
