"""How well the weights of each line are known: the covariance that its ratings leave.

Reference: Bishop 2006, "Pattern Recognition and Machine Learning", eq. 3.51 and 3.54.
"""

import numpy as np
from numba import njit, prange

from ratecast.arrays import F64
from ratecast.modelling.kernels.csr import Heap, pieces

TOGETHER = 4


def covers(heap: Heap, vectors: F64, ridges: F64, share: float = 0.0) -> F64:
    """Covariance of each line's weights, (rows, d, d), in units of the noise of one rating.

    vectors: (lines, d - 1 or more) of the other side, of which the first d - 1 count; the first
    weight is the bias, which multiplies 1. ridges: (d,), how many ratings the prior counts for.
    share: how many more that of a factor counts for with each rating of its line.
    """
    prior = ridges, np.where(np.arange(len(ridges)) > 0, share, 0.0)
    found: F64 = _covers(heap.edges, heap.others, vectors, prior, pieces(heap.edges))
    return found


@njit(cache=True, parallel=True)
def _covers(edges, others, vectors, prior, cuts):  # type: ignore[no-untyped-def]
    """d^2 operations a rating, 2 d^3 a line."""
    ridges, shares = prior
    size = len(ridges)
    found = np.empty((len(edges) - 1, size, size))
    for piece in prange(len(cuts) - 1):
        inputs, room = np.empty((TOGETHER, size)), np.empty(size)
        for row in range(cuts[piece], cuts[piece + 1]):
            known = np.diag(ridges + shares * (edges[row + 1] - edges[row]))
            for first in range(edges[row], edges[row + 1], TOGETHER):
                for i in range(TOGETHER):
                    if first + i < edges[row + 1]:
                        inputs[i, 0] = 1
                        for k in range(size - 1):
                            inputs[i, 1 + k] = vectors[others[first + i], k]
                    else:
                        inputs[i] = 0
                _add_squares(known, inputs)
            _invert(known, found[row], room)
    return found


@njit(cache=True)
def _add_squares(known, inputs):  # type: ignore[no-untyped-def]
    """Add x x' for each x of inputs (TOGETHER, d), below the diagonal.

    Together, since a sum that is read and written for each rating waits for the memory.
    """
    for a in range(len(known)):
        p, q, r, s = inputs[0, a], inputs[1, a], inputs[2, a], inputs[3, a]
        for b in range(a + 1):
            known[a, b] += (
                p * inputs[0, b] + q * inputs[1, b] + (r * inputs[2, b] + s * inputs[3, b])
            )


# The bits of a sum may be added in any order, but an infinite ridge is infinite.
_FAST = {"reassoc", "contract"}


@njit(cache=True)
def _invert(matrix, found, row):  # type: ignore[no-untyped-def]
    """Fill found (d, d) from the lower triangle of matrix, which is lost; row: room for d numbers.

    A library's inverse makes NaN of an infinite ridge, which holds a weight at its mean.
    """
    _factor(matrix)
    _invert_factor(matrix, row)
    found[:] = 0
    for c in range(len(matrix)):
        for a in range(c + 1):
            for b in range(a + 1):
                found[a, b] += matrix[c, a] * matrix[c, b]
    for a in range(len(matrix)):
        for b in range(a):
            found[b, a] = found[a, b]


@njit(cache=True, fastmath=_FAST)
def _factor(matrix):  # type: ignore[no-untyped-def]
    """Cholesky's factor, in place of the lower triangle."""
    for a in range(len(matrix)):
        for b in range(a + 1):
            known = np.float64(0)
            for c in range(b):
                known += matrix[a, c] * matrix[b, c]
            rest = matrix[a, b] - known
            matrix[a, b] = np.sqrt(rest) if a == b else rest / matrix[b, b]


@njit(cache=True, fastmath=_FAST)
def _invert_factor(factor, row):  # type: ignore[no-untyped-def]
    """The inverse of a lower triangle, in its place, row after row."""
    for a in range(len(factor)):
        row[:a] = 0
        for c in range(a):
            for b in range(c + 1):
                row[b] -= factor[a, c] * factor[c, b]
        factor[a, a] = 1 / factor[a, a]
        for b in range(a):
            factor[a, b] = row[b] * factor[a, a]
