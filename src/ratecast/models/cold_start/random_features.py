"""A smooth regression on a few inputs: ridge on their products and on random cosines."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64
from ratecast.modelling.kernels.row_products import rowwise

_COSINES, _FREQUENCY_STD, _COSINE_SCALE = 200, 0.3, 3.0
_MAX_DEVIATIONS = 3.0
_L2 = 3000.0


@dataclass
class RandomFeatures:
    """correction = f(z) . weights + intercept, with z the standardized inputs.

    f(z) = z, the products z_i z_j, and 3 cos(z . w_k + phase_k) for 200 random w_k ~ N(0, 0.3²).

    mean, std: (d,) of the inputs. frequencies: (d + 1, 200), the phases in the last row. weights:
    (features,). intercept: (1,).

    Reference: Rahimi, Recht 2007, "Random features for large-scale kernel machines".
    Differs: pairwise products stand beside the cosines; inputs are clipped at 3 standard
    deviations, so nothing is extrapolated.
    """

    mean: F64
    std: F64
    frequencies: F64
    weights: F64
    intercept: F64

    @classmethod
    def fitted(cls, inputs: F64, target: F64, weight: F64, seed: int) -> "RandomFeatures":
        """Weighted ridge regression; the intercept makes the unweighted mean residual 0.

        inputs: (n, d). target, weight: (n,).
        """
        random = np.random.default_rng(seed)
        frequencies = random.normal(0, _FREQUENCY_STD, (inputs.shape[1] + 1, _COSINES))
        frequencies[-1] = random.uniform(0, 2 * np.pi, _COSINES)
        mean, std = inputs.mean(axis=0), inputs.std(axis=0)
        # A constant column carries nothing; its std is rounding error and must not divide.
        std[std < 1e-9] = np.inf
        weight = weight / weight.mean()
        features = _expanded((inputs - mean) / std, frequencies)
        centred = features - np.average(features, axis=0, weights=weight)
        weighted = centred * weight[:, None]
        # (X' W X + l2 I) weights = X' W target
        gram = weighted.T @ centred + _L2 * np.eye(centred.shape[1])
        weights = np.asarray(np.linalg.solve(gram, weighted.T @ target), np.float64)
        intercept = np.array([(target - features @ weights).mean()])
        return cls(mean, std, frequencies, weights, intercept)

    def __call__(self, inputs: F64) -> F64:
        """Correction of each row: (n,)."""
        features = _expanded((inputs - self.mean) / self.std, self.frequencies)
        # Not a matrix product: its rounding depends on the number of rows.
        rows = np.ascontiguousarray(features)
        return np.asarray((rows * self.weights).sum(axis=1) + self.intercept, np.float64)


def _expanded(standardized: F64, frequencies: F64) -> F64:
    """f(z): (n, features)."""
    z = np.clip(standardized, -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
    first, second = np.triu_indices(z.shape[1])
    cosines = _COSINE_SCALE * np.cos(rowwise(z, frequencies[:-1]) + frequencies[-1])
    return np.concatenate([z, z[:, first] * z[:, second], cosines], axis=1)
