"""Ridge regressions of one side on the other, a few steps of conjugate gradients each.

Reference: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering"; the alternation as in Zhou et al. 2008, "Large-scale parallel
collaborative filtering for the Netflix prize".
Differs: the first weight is a bias; each line starts from its last solution, so that three steps
a sweep stand for an exact solution, with operations in proportion to k instead of its square.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange

from ratecast.models.kernels.order import F32, I32, I64, pieces, sorted_by

STEPS = 3
_LEAST = np.float32(1e-12)


@dataclass(frozen=True)
class Heap:
    """Ratings line by line of one side. edges: (rows + 1,). others, above: (n,)."""

    edges: I64
    others: I32
    above: F32

    @classmethod
    def of(cls, lines: I32, others: I32, above: F32, size: int) -> Self:
        """From ratings in any order; lines: (n,) below `size`."""
        edges, (_, ordered, stars) = sorted_by(lines, size, (lines, others, above))
        return cls(edges, ordered, stars)


def sweep(
    heap: Heap, mine: F32, theirs: F32, mean: F32, ridges: tuple[float, float, float]
) -> None:
    """Solve each line of `mine`, (rows, 1 + k), in place; the bias comes first.

    theirs: (lines, 1 + k), held fixed. mean: (1 + k,), of the prior. ridges: how many ratings the
    prior of the bias and of a factor counts for, and how many more for each rating heard.
    """
    settings = np.array(ridges, np.float32)
    rows = heap.edges, heap.others, heap.above, pieces(heap.edges)
    vectors = np.ascontiguousarray(theirs[:, 1:])
    _sweep(rows, mine, (theirs[:, 0].copy(), vectors), mean, settings)


@njit(cache=True, parallel=True)
def _sweep(rows, mine, theirs, mean, ridges):  # type: ignore[no-untyped-def]
    """A rating costs (4 + 4 STEPS) k operations, and reading a vector of the other side."""
    edges, others, above, cuts = rows
    biases, vectors = theirs
    most = np.max(edges[1:] - edges[:-1])
    for piece in prange(len(cuts) - 1):
        inputs = np.empty((most, vectors.shape[1]), np.float32)
        target = np.empty(most, np.float32)
        for row in range(cuts[piece], cuts[piece + 1]):
            first, count = edges[row], edges[row + 1] - edges[row]
            for i in range(count):
                other = others[first + i]
                inputs[i] = vectors[other]
                target[i] = above[first + i] - biases[other]
            ridge = ridges[1] + ridges[2] * np.float32(count)
            _solve(inputs[:count], target, mine[row], mean, (ridges[0], ridge))


@njit(cache=True, fastmath=True)
def _solve(inputs, target, x, mean, ridges):  # type: ignore[no-untyped-def]
    """Bring x (1 + k,) nearer to the ridge solution; see Takács et al., algorithm 2."""
    width = len(x)
    rest, along, pushed = np.empty(width, np.float32), np.empty(width, np.float32), x.copy()
    for k in range(width):
        rest[k] = (ridges[0] if k == 0 else ridges[1]) * (mean[k] - x[k])
    for i in range(len(inputs)):
        error = target[i] - x[0]
        for k in range(1, width):
            error -= inputs[i, k - 1] * x[k]
        rest[0] += error
        for k in range(1, width):
            rest[k] += error * inputs[i, k - 1]
    along[:] = rest
    left = (rest * rest).sum()
    for _ in range(STEPS):
        if left < _LEAST:
            return
        _push(inputs, along, pushed, ridges)
        step = left / (along * pushed).sum()
        before, left = left, np.float32(0)
        for k in range(width):
            x[k] += step * along[k]
            rest[k] -= step * pushed[k]
            left += rest[k] * rest[k]
        for k in range(width):
            along[k] = rest[k] + left / before * along[k]


@njit(cache=True, fastmath=True)
def _push(inputs, along, pushed, ridges):  # type: ignore[no-untyped-def]
    """Fill pushed (1 + k,) with (F'F + R) along, where F has a column of ones before `inputs`."""
    width = len(along)
    for k in range(width):
        pushed[k] = (ridges[0] if k == 0 else ridges[1]) * along[k]
    for i in range(len(inputs)):
        said = along[0]
        for k in range(1, width):
            said += inputs[i, k - 1] * along[k]
        pushed[0] += said
        for k in range(1, width):
            pushed[k] += said * inputs[i, k - 1]
