"""A smooth surface over a few numbers: ridge on their products and on random cosines."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.modelling.kernels.row_products import rowwise

_COSINES, _FREQUENCY, _LOUDNESS = 200, 0.3, 3.0
_FARTHEST = 3.0


@dataclass
class Surface:
    """Correction = (expanded features - their mean) @ slope + level.

    Reference: Rahimi, Recht 2007, "Random features for large-scale kernel machines".
    Differs: pairwise products stand beside the cosines; inputs stop at 3 deviations, so that
    nothing is extrapolated.
    """

    centre: F64
    spread: F64
    waves: F64
    slope: F64
    level: NDArray[np.float64]

    @classmethod
    def fitted(cls, inputs: F64, target: F64, weight: F64, seed: int) -> "Surface":
        """inputs: (n, d). target, weight: (n,). The mean of the correction is right over rows."""
        random = np.random.default_rng(seed)
        waves = random.normal(0, _FREQUENCY, (inputs.shape[1] + 1, _COSINES))
        waves[-1] = random.uniform(0, 2 * np.pi, _COSINES)
        spread = inputs.std(axis=0)
        # A column that never varies says nothing; dividing by its rounding error would.
        spread[spread < 1e-9] = np.inf
        surface = cls(inputs.mean(axis=0), spread, waves, np.zeros(0), np.zeros(1))
        surface._solve(inputs, target, weight / weight.mean())
        return surface

    def __call__(self, inputs: F64) -> F64:
        """Correction of each row: (n,)."""
        # Not a matrix product: that rounds by the number of rows asked about at once.
        expanded = np.ascontiguousarray(self._expanded(inputs))
        return np.asarray((expanded * self.slope).sum(axis=1) + self.level, np.float64)

    def _solve(self, inputs: F64, target: F64, weight: F64, ridge: float = 3000.0) -> None:
        expanded = self._expanded(inputs)
        centred = expanded - np.average(expanded, axis=0, weights=weight)
        weighted = centred * weight[:, None]
        gram = weighted.T @ centred + ridge * np.eye(centred.shape[1])
        self.slope = np.asarray(np.linalg.solve(gram, weighted.T @ target), np.float64)
        self.level = np.array([(target - expanded @ self.slope).mean()])

    def _expanded(self, inputs: F64) -> F64:
        z = np.clip((inputs - self.centre) / self.spread, -_FARTHEST, _FARTHEST)
        first, second = np.triu_indices(z.shape[1])
        cosines = _LOUDNESS * np.cos(rowwise(z, self.waves[:-1]) + self.waves[-1])
        return np.concatenate([z, z[:, first] * z[:, second], cosines], axis=1)
