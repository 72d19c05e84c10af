"""Ordered probit for the Bayesian factorization machine: a star is a latent value between cuts.

Reference: Albert, Chib 1993, "Bayesian analysis of binary and polychotomous response data"; cuts
by Metropolis steps given the forecasts alone, as in Cowles 1996, "Accelerating Monte Carlo Markov
chain convergence for cumulative-link generalized linear models".
Differs: the outermost cuts stay half a step inside the scale, which fixes level and unit of the
latent values, so the priors of the regression hold for them too.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr, ndtri

from ratecast.arrays import F64, I64

_PROPOSALS, _STEP, _TINY = 3, 2.0, 1e-12


@dataclass
class OrdinalLatent:
    """The latent values that a chain explains in place of the stars.

    star: (n,) positions on `scale` (S,). random: source of draws. cuts: (S - 1,), ascending.
    values: (n,) latent values, each between the cuts of its star.
    """

    star: I64
    scale: F64
    random: np.random.Generator
    cuts: F64 = field(init=False)
    values: F64 = field(init=False)

    def __post_init__(self) -> None:
        self.cuts = (self.scale[1:] + self.scale[:-1]) / 2
        self.values = self.scale[self.star]
        self._rows = [np.flatnonzero(self.star == k) for k in range(len(self.scale))]

    def draw(self, forecast: F64, precision: F64) -> F64:
        """Draw new cuts, then new latent values: (n,).

        value ~ N(forecast, 1 / precision), truncated to the cuts of its star.

        forecast, precision: (n,).
        """
        root = np.sqrt(precision)
        for k in range(1, len(self.cuts) - 1):
            self._draw_cut(k, forecast, root)
        low, high = _cdf(_borders(self.cuts), self.star, forecast, root)
        share = low + self.random.random(len(low)) * (high - low)
        self.values = forecast + ndtri(np.clip(share, _TINY, 1 - _TINY)) / root
        # Rounding may put a value beyond its cuts where low and high are nearly equal.
        borders = _borders(self.cuts)
        self.values = np.clip(self.values, borders[self.star], borders[self.star + 1])
        return self.values

    def star_means(self) -> F64:
        """Mean latent value of each star, or the star itself where no rating has it: (S,)."""
        count = np.bincount(self.star, minlength=len(self.scale))
        total = np.bincount(self.star, self.values, len(self.scale))
        return np.where(count > 0, total / np.maximum(count, 1), self.scale)

    def _draw_cut(self, k: int, forecast: F64, root: F64) -> None:
        """Metropolis steps of the cut between star k and the next."""
        rows = np.concatenate([self._rows[k], self._rows[k + 1]])
        star, mean, root = self.star[rows], forecast[rows], root[rows]
        std = _STEP / np.sqrt(root @ root + 1)
        likelihood = _log_likelihood(self.cuts, star, mean, root)
        for _ in range(_PROPOSALS):
            proposal = self.cuts.copy()
            proposal[k] += std * self.random.standard_normal()
            uniform = self.random.random()
            if not proposal[k - 1] < proposal[k] < proposal[k + 1]:
                continue
            proposed = _log_likelihood(proposal, star, mean, root)
            # Accept with probability min(1, likelihood ratio).
            if np.log(uniform) < proposed - likelihood:
                self.cuts, likelihood = proposal, proposed


def _log_likelihood(cuts: F64, star: I64, mean: F64, root: F64) -> float:
    low, high = _cdf(_borders(cuts), star, mean, root)
    return float(np.log(np.maximum(high - low, _TINY)).sum())


def _cdf(borders: F64, star: I64, mean: F64, root: F64) -> tuple[F64, F64]:
    """Phi at the lower and the upper cut of each star; root: square root of the precision."""
    return ndtr((borders[star] - mean) * root), ndtr((borders[star + 1] - mean) * root)


def _borders(cuts: F64) -> F64:
    return np.concatenate([[-np.inf], cuts, [np.inf]])
