"""From an expected rating to the probability of every star."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.calibration.newton import Value, lowest
from ratecast.modelling.calibration.probit_kernel import HEARD_EDGES, LEAST, likelihood, shares
from ratecast.ratings import Scale

Asked = tuple[F64, I64, F64 | None]

SPREADS = len(HEARD_EDGES) + 1
_MOST_ROWS = 50_000
# How many nats a distance of 1 from the start costs: what a handful of rows can outweigh.
_PULL = 20.0
# How steep the mean loss of a row may be where the search ends.
_ENOUGH = 1e-6


@dataclass(frozen=True, eq=False)
class StarNoise:
    """An ordered probit around a forecast: P(star <= k) = Phi(curve_k(mean) / spread).

    curves: (S - 1, 3), a parabola for each cut between two stars: constant, fall and bend, of the
    forecast's distance from `centre` in units of a quarter of the scale. spreads: (SPREADS,), in
    stars, one for each count of ratings heard from the user (0, 1-5, 6-20, more); where the model
    brings its own predictive deviation, they scale it.
    Reference: McCullagh 1980, "Regression models for ordinal data"; cuts with slopes of their own
    as in Peterson, Harrell 1990, "Partial proportional odds models".
    Differs: the location is the model's forecast, bent for each cut, since stars near the ends
    spread less: on MovieLens 100K one common slope has twice the calibration error.
    """

    curves: F64
    spreads: F64
    centre: float
    unit: float

    @property
    def cuts(self) -> F64:
        """Where the curves cross the middle of the scale, in stars: (S - 1,)."""
        return self.centre + self.unit * self.curves[:, 0]

    @classmethod
    def flat(cls, scale: Scale, spread: float = 1.0) -> "StarNoise":
        """Cuts midway between the stars, straight, one spread for all."""
        stars, unit, centre = (
            scale.stars,
            (scale.high - scale.low) / 4,
            (scale.high + scale.low) / 2,
        )
        cuts = ((stars[1:] + stars[:-1]) / 2 - centre) / unit
        curves = np.column_stack([cuts, -np.ones(len(cuts)), np.zeros(len(cuts))])
        return cls(curves, np.full(SPREADS, spread), centre, unit)

    @property
    def parameters(self) -> F64:
        """Curves, then the logarithms of the spreads: (3 S - 3 + SPREADS,)."""
        return np.concatenate([self.curves.ravel(), np.log(self.spreads)])

    def probabilities(self, mean: F64, heard: I64, deviation: F64 | None = None) -> F64:
        """Probability of each star: (n, S), rows sum to 1."""
        found = np.empty((len(mean), len(self.curves) + 1))
        fill(found, (self, self), (mean, heard, deviation))
        return found

    def fitted(
        self,
        mean: F64,
        heard: I64,
        given: I64,
        deviation: F64 | None = None,
        *,
        begin: "StarNoise | None" = None,
    ) -> "StarNoise":
        """The noise of greatest likelihood for `given`, the positions of the stars: (n,).

        Where few rows speak, it stays near this one; a count of ratings heard that hardly any row
        shows takes the spread of its neighbour. begin: where the search begins, if not here.
        """
        every = -(-len(mean) // _MOST_ROWS)
        mean, bins, given = mean[::every], np.digitize(heard[::every], HEARD_EDGES), given[::every]
        unit = np.ones(len(mean)) if deviation is None else deviation[::every]
        centre, start = self.parameters, (begin or self).parameters
        rows = (mean - self.centre) / self.unit, unit / self.unit, bins, given

        def loss(parameters: F64) -> Value:
            away = parameters - centre
            far, slope, bend = likelihood(parameters, rows, len(self.curves))
            pull = _PULL * away @ away, 2 * _PULL * away, 2 * _PULL * np.eye(len(away))
            return far + pull[0], slope + pull[1], bend + pull[2]

        found = lowest(loss, start, _ENOUGH * len(mean))
        curves = found[: self.curves.size].reshape(self.curves.shape)
        spreads = np.exp(found[self.curves.size :])
        spreads = _borrowed(spreads, np.bincount(bins, minlength=len(spreads)))
        # Only the ratio of curves to spreads matters: let the curves fall by 1 on average.
        size = max(float(-curves[:, 1].mean()), LEAST)
        return StarNoise(curves / size, spreads / size, self.centre, self.unit)


def fill(found: F64, noises: tuple[StarNoise, StarNoise], asked: Asked) -> None:
    """Fill `found` (n, S) with the probability of each star: of users never heard, of others.

    asked: mean (n,), heard (n,), and deviation (n,) or None, as for `StarNoise.probabilities`.
    """
    mean, heard, deviation = asked
    own = np.empty(0) if deviation is None else deviation
    shares(found, (mean, heard, own), _of_each_bin(*noises))


@lru_cache(maxsize=32)
def _of_each_bin(strangers: StarNoise, others: StarNoise) -> tuple[F64, F64, F64]:
    """Curves, spreads, and centre and unit, as `kernels.stars.shares` takes them."""
    each = [strangers] + [others] * (SPREADS - 1)
    curves = np.stack([noise.curves for noise in each])
    spreads = np.array([noise.spreads[k] for k, noise in enumerate(each)])
    return curves, spreads, np.array([others.centre, others.unit])


def _borrowed(spreads: F64, rows: I64, enough: int = 50) -> F64:
    trusted = np.flatnonzero(rows >= enough)
    if not len(trusted):
        return spreads
    nearest = [trusted[np.abs(trusted - k).argmin()] for k in range(len(rows))]
    return spreads[nearest]
