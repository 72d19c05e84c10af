"""Ridge regressions of one side on the other, a few steps of conjugate gradients each.

Reference: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering"; the alternation as in Zhou et al. 2008, "Large-scale parallel
collaborative filtering for the Netflix prize".
Differs: the first weight is a bias; each line starts from its last solution, so that three steps
a sweep stand for an exact solution, with operations in proportion to k instead of its square.
"""

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32
from ratecast.modelling.kernels.csr import Heap, pieces

STEPS = 3
TOGETHER, LANES = 4, 8
_LEAST = np.float32(1e-12)


def sweep(
    heap: Heap, mine: F32, theirs: F32, mean: F32, ridges: tuple[float, float, float]
) -> None:
    """Solve each line of `mine`, (rows, 1 + k), in place; the bias comes first.

    theirs: (lines, 1 + k), held fixed. mean: (1 + k,), of the prior. ridges: how many ratings the
    prior of the bias and of a factor counts for, and how many more for each rating heard.
    """
    rows = heap.edges, heap.others, heap.above, pieces(heap.edges)
    inputs = np.zeros((len(theirs), _wide(theirs.shape[1])), np.float32)
    inputs[:, : theirs.shape[1]] = theirs
    inputs[:, 0] = 1
    _sweep(rows, mine, (theirs[:, 0].copy(), inputs), mean, np.array(ridges, np.float32))


def _wide(width: int) -> int:
    """The width of a line with room for zeros, so that it is a whole number of LANES."""
    return -(-width // LANES) * LANES


@njit(cache=True, parallel=True)
def _sweep(rows, mine, theirs, mean, ridges):  # type: ignore[no-untyped-def]
    """A rating costs (4 + 4 STEPS) k operations, and reading a vector of the other side."""
    edges, others, above, cuts = rows
    biases, vectors = theirs
    width, wide = mine.shape[1], vectors.shape[1]
    most = np.max(edges[1:] - edges[:-1]) + TOGETHER
    for piece in prange(len(cuts) - 1):
        inputs, target = np.empty((most, wide), np.float32), np.empty(most, np.float32)
        room = np.zeros((6, wide), np.float32)
        room[0, :width] = mean
        for row in range(cuts[piece], cuts[piece + 1]):
            first, count = edges[row], edges[row + 1] - edges[row]
            for i in range(count):
                other = others[first + i]
                for k in range(wide):
                    inputs[i, k] = vectors[other, k]
                target[i] = above[first + i] - biases[other]
            whole = (count + TOGETHER - 1) // TOGETHER * TOGETHER
            inputs[count:whole] = 0
            target[count:whole] = 0
            room[1, 0], room[1, 1:width] = ridges[0], ridges[1] + ridges[2] * np.float32(count)
            room[2, :width] = mine[row]
            _solve(inputs[:whole], target, room)
            mine[row] = room[2, :width]


@njit(cache=True, fastmath=True)
def _solve(inputs, target, room):  # type: ignore[no-untyped-def]
    """Bring x nearer to the ridge solution; see Takács et al., algorithm 2.

    room: (6, d), of which mean and ridge of the prior, and x, come first; the rest is for work.
    """
    mean, ridge, x, rest, along, pushed = room[0], room[1], room[2], room[3], room[4], room[5]
    pushed[:] = ridge * (x - mean)
    _add(inputs, x, target, np.float32(1), pushed)
    rest[:] = -pushed
    along[:] = rest
    left = (rest * rest).sum()
    for _ in range(STEPS):
        if left < _LEAST:
            return
        pushed[:] = ridge * along
        _add(inputs, along, target, np.float32(0), pushed)
        step = left / (along * pushed).sum()
        before, left = left, np.float32(0)
        for k in range(len(x)):
            x[k] += step * along[k]
            rest[k] -= step * pushed[k]
            left += rest[k] * rest[k]
        for k in range(len(x)):
            along[k] = rest[k] + left / before * along[k]


@njit(cache=True, fastmath=True)
def _add(inputs, weights, target, share, into):  # type: ignore[no-untyped-def]
    """Add F'(F weights - share target) to `into` (d,), where F is `inputs` (n, d).

    TOGETHER lines at a time, so that the sums are read and written once for all of them.
    """
    for i in range(0, len(inputs), TOGETHER):
        p, q = -share * target[i], -share * target[i + 1]
        r, s = -share * target[i + 2], -share * target[i + 3]
        for k in range(len(weights)):
            p += inputs[i, k] * weights[k]
            q += inputs[i + 1, k] * weights[k]
            r += inputs[i + 2, k] * weights[k]
            s += inputs[i + 3, k] * weights[k]
        for k in range(len(weights)):
            into[k] += (
                p * inputs[i, k]
                + q * inputs[i + 1, k]
                + (r * inputs[i + 2, k] + s * inputs[i + 3, k])
            )
