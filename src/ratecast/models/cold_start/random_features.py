"""A smooth regression on a few inputs: ridge on their products and on random cosines."""

import math
from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit

_COSINES, _FREQUENCY_STD, _COSINE_SCALE = 200, 0.3, 3.0
_MAX_DEVIATIONS = 3.0
_L2 = 3000.0
# So many rows at a time: their features stay in the cache.
_BLOCK_ROWS = 256
# cos r = sum of c_k r^2k: with so many terms it is exact to 1e-16 up to pi / 2.
_TERMS = tuple((-1) ** k / math.factorial(2 * k) for k in range(11))


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
        features = _expanded((inputs - mean) / std, frequencies)
        # W has mean 1: its sum is n. In place, as this is the largest array of a fit.
        root = np.sqrt(weight / weight.mean())
        means = features.mean(axis=0)
        features -= root**2 @ features / len(features)
        features *= root[:, None]
        # (X' W X + l2 I) weights = X' W target
        gram = features.T @ features + _L2 * np.eye(features.shape[1])
        weights = np.asarray(np.linalg.solve(gram, features.T @ (root * target)), np.float64)
        intercept = np.array([target.mean() - means @ weights])
        return cls(mean, std, frequencies, weights, intercept)

    def __call__(self, inputs: F64) -> F64:
        """Correction of each row: (n,)."""
        correction = np.empty(len(inputs))
        for start in range(0, len(inputs), _BLOCK_ROWS):
            block = slice(start, start + _BLOCK_ROWS)
            rows = _expanded((inputs[block] - self.mean) / self.std, self.frequencies)
            # Not a matrix product: its rounding depends on the number of rows.
            rows *= self.weights
            correction[block] = rows.sum(axis=1)
        return correction + self.intercept


def _expanded(standardized: F64, frequencies: F64) -> F64:
    """f(z): (n, features)."""
    z = np.clip(standardized, -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
    width = z.shape[1]
    features = np.empty((len(z), width + width * (width + 1) // 2 + frequencies.shape[1]))
    _fill(z, frequencies, features)
    return features


@njit(cache=True)
def _fill(z, frequencies, features):  # type: ignore[no-untyped-def]
    """Set each row of `features` from the same row of z alone: see `_expanded`."""
    width = z.shape[1]
    angle = np.empty(frequencies.shape[1])
    for i in range(len(z)):
        place = width
        for a in range(width):
            features[i, a] = z[i, a]
            for b in range(a, width):
                features[i, place] = z[i, a] * z[i, b]
                place += 1
        for k in range(len(angle)):
            angle[k] = 0.0
        for a in range(width):
            for k in range(len(angle)):
                angle[k] += z[i, a] * frequencies[a, k]
        out = features[i, place:]
        for k in range(len(angle)):
            out[k] = _COSINE_SCALE * _cosine(angle[k] + frequencies[width, k])


@njit(cache=True)
def _cosine(angle):  # type: ignore[no-untyped-def]
    """By cos x = (-1)^n cos(x - n pi), without a branch: many are computed at once."""
    half_turns = np.floor(angle / math.pi + 0.5)
    rest = angle - half_turns * math.pi
    square = rest * rest
    total = _TERMS[-1]
    for k in range(len(_TERMS) - 2, -1, -1):
        total = total * square + _TERMS[k]
    return total * (1.0 - 2.0 * (half_turns - 2.0 * np.floor(half_turns / 2.0)))
