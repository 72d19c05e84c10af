"""How well the weights of each line are known: the covariance that its ratings leave.

Reference: Bishop 2006, "Pattern Recognition and Machine Learning", eq. 3.51 and 3.54.
"""

import numpy as np
from numba import njit, prange

from ratecast.models.kernels.order import I32, I64, pieces
from ratecast.models.ridge import F64


def covers(edges: I64, others: I32, vectors: F64, ridges: F64) -> F64:
    """Covariance of each line's weights, (rows, d, d), in units of the noise of one rating.

    edges: (rows + 1,), where each line's ratings start. others: (n,) the other side's lines.
    vectors: (lines, d - 1 or more) of the other side, of which the first d - 1 count; the first
    weight is the bias, which multiplies 1. ridges: (d,), how many ratings the prior counts for.
    """
    found: F64 = _covers(edges, others, vectors, ridges, pieces(edges))
    return found


@njit(cache=True, parallel=True)
def _covers(edges, others, vectors, ridges, cuts):  # type: ignore[no-untyped-def]
    """d^2 operations a rating, 2 d^3 a line."""
    size = len(ridges)
    found = np.empty((len(edges) - 1, size, size))
    for piece in prange(len(cuts) - 1):
        inputs = np.ones(size)
        for row in range(cuts[piece], cuts[piece + 1]):
            known = np.diag(ridges)
            for i in range(edges[row], edges[row + 1]):
                inputs[1:] = vectors[others[i], : size - 1]
                for a in range(size):
                    for b in range(a + 1):
                        known[a, b] += inputs[a] * inputs[b]
            _invert(known)
            found[row] = known
    return found


@njit(cache=True)
def _invert(matrix):  # type: ignore[no-untyped-def]
    """Invert in place, from the lower triangle: by Cholesky's factor and its inverse."""
    size = len(matrix)
    for a in range(size):
        for b in range(a + 1):
            rest = matrix[a, b]
            for c in range(b):
                rest -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = np.sqrt(rest) if a == b else rest / matrix[b, b]
    for a in range(size):
        matrix[a, a] = 1 / matrix[a, a]
        for b in range(a):
            rest = 0.0
            for c in range(b, a):
                rest -= matrix[a, c] * matrix[c, b]
            matrix[a, b] = rest * matrix[a, a]
    for a in range(size):
        for b in range(a + 1):
            total = 0.0
            for c in range(a, size):
                total += matrix[c, a] * matrix[c, b]
            matrix[a, b] = matrix[b, a] = total
