"""Ordered probit for the Bayesian factorization machine: a star is a latent value between cuts.

Reference: Albert, Chib 1993, "Bayesian analysis of binary and polychotomous response data"; cuts
by Metropolis steps that do not look at the latent values, as in Cowles 1996, "Accelerating Monte
Carlo Markov chain convergence for cumulative-link generalized linear models".
Differs: the outermost cuts stay half a step within the scale, which fixes level and unit of the
latent values, so that the priors of the regression hold for them too.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from ratecast.arrays import F64, I64

_TRIES, _REACH, _LEAST = 3, 2.0, 1e-12


@dataclass
class Latent:
    """What the chain explains instead of the stars. star: (n,), positions on `scale` (S,)."""

    star: I64
    scale: F64
    random: np.random.Generator
    cuts: F64 = field(init=False)
    value: F64 = field(init=False)

    def __post_init__(self) -> None:
        self.cuts = (self.scale[1:] + self.scale[:-1]) / 2
        self.value = self.scale[self.star]
        self._rows = [np.flatnonzero(self.star == k) for k in range(len(self.scale))]

    def draw(self, forecast: F64, trust: F64) -> F64:
        """New cuts, then new latent values, given forecasts and precisions: all (n,)."""
        root = np.sqrt(trust)
        for k in range(1, len(self.cuts) - 1):
            self._draw_cut(k, forecast, root)
        low, high = self._chances(self._borders(self.cuts), self.star, forecast, root)
        share = low + self.random.random(len(low)) * (high - low)
        self.value = forecast + ndtri(np.clip(share, _LEAST, 1 - _LEAST)) / root
        # Where rounding left no room between two chances.
        borders = self._borders(self.cuts)
        self.value = np.clip(self.value, borders[self.star], borders[self.star + 1])
        return self.value

    def points(self) -> F64:
        """Mean latent value of each star; the star itself where it was never given: (S,)."""
        given = np.bincount(self.star, minlength=len(self.scale))
        total = np.bincount(self.star, self.value, len(self.scale))
        return np.where(given > 0, total / np.maximum(given, 1), self.scale)

    def _draw_cut(self, k: int, forecast: F64, root: F64) -> None:
        """Metropolis steps of the cut between star k and the next."""
        rows = np.concatenate([self._rows[k], self._rows[k + 1]])
        star, mean, root = self.star[rows], forecast[rows], root[rows]
        reach = _REACH / np.sqrt(root @ root + 1)
        likelihood = self._likelihood(self.cuts, star, mean, root)
        for _ in range(_TRIES):
            tried = self.cuts.copy()
            tried[k] += reach * self.random.standard_normal()
            chance = self.random.random()
            if not tried[k - 1] < tried[k] < tried[k + 1]:
                continue
            other = self._likelihood(tried, star, mean, root)
            if np.log(chance) < other - likelihood:
                self.cuts, likelihood = tried, other

    def _likelihood(self, cuts: F64, star: I64, mean: F64, root: F64) -> float:
        low, high = self._chances(self._borders(cuts), star, mean, root)
        return float(np.log(np.maximum(high - low, _LEAST)).sum())

    def _chances(self, borders: F64, star: I64, mean: F64, root: F64) -> tuple[F64, F64]:
        return ndtr((borders[star] - mean) * root), ndtr((borders[star + 1] - mean) * root)

    def _borders(self, cuts: F64) -> F64:
        return np.concatenate([[-np.inf], cuts, [np.inf]])
