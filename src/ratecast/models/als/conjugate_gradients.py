"""Ridge regressions of one side on the other, by a few steps of conjugate gradients each.

Reference: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering"; the alternation as in Zhou et al. 2008, "Large-scale parallel
collaborative filtering for the Netflix prize".
Differs: the first weight is a bias; each row starts from its last solution, so three steps per
half-iteration come close to an exact solution, at a cost proportional to k instead of k^2.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32
from ratecast.compiled import njit
from ratecast.modelling.kernels.csr import Grouped, pieces
from ratecast.modelling.kernels.loops import copy, fill, on_all_threads

STEPS = 3
BATCH, LANES = 4, 8
_MIN_RESIDUAL = np.float32(1e-12)


class Prior(NamedTuple):
    """Gaussian prior of the weights of one side.

    mean: (1 + k,), the bias first. l2_bias, l2_factor: how many ratings the prior of the bias and
    of each factor counts for. l2_per_rating: added to l2_factor for each rating of the row.
    """

    mean: F32
    l2_bias: float
    l2_factor: float
    l2_per_rating: float


def solve_side(grouped: Grouped, weights: F32, other_weights: F32, prior: Prior) -> None:
    """Bring each row of `weights`, (rows, 1 + k), close to its ridge solution, in place.

    grouped: centred stars by row. other_weights: (columns, 1 + k), fixed; the bias comes first.
    """
    ratings = grouped.edges, grouped.columns, grouped.values
    inputs = np.zeros((len(other_weights), _padded(other_weights.shape[1])), np.float32)
    inputs[:, : other_weights.shape[1]] = other_weights
    inputs[:, 0] = 1
    l2 = np.array(prior[1:], np.float32)
    longest = int(grouped.counts.max()) + BATCH
    other = other_weights[:, 0].copy(), inputs
    cuts = pieces(grouped.edges)
    on_all_threads(_solve_rows, cuts, ratings, weights, other, (prior.mean, l2, longest))


def _padded(width: int) -> int:
    """The width of a row with zeros added, so that it is a multiple of LANES."""
    return -(-width // LANES) * LANES


@njit(cache=True, nogil=True)
def _solve_rows(rows, ratings, weights, other, prior):  # type: ignore[no-untyped-def]
    """The rows from rows[0] to rows[1] - 1.

    A rating costs (4 + 4 STEPS) k operations, and reading a vector of the other side.

    other: (biases (columns,), vectors (columns, padded width)), 1 in the place of the bias.
    """
    (edges, columns, values), (mean, l2, longest) = ratings, prior
    biases, vectors = other
    width, padded = weights.shape[1], vectors.shape[1]
    inputs, target = np.empty((longest, padded), np.float32), np.empty(longest, np.float32)
    work = np.zeros((6, padded), np.float32)
    copy(work[0], mean)
    for row in range(rows[0], rows[1]):
        first, count = edges[row], edges[row + 1] - edges[row]
        for i in range(count):
            column = columns[first + i]
            for k in range(padded):
                inputs[i, k] = vectors[column, k]
            target[i] = values[first + i] - biases[column]
        whole = (count + BATCH - 1) // BATCH * BATCH
        for i in range(count, whole):
            fill(inputs[i], np.float32(0))
            target[i] = 0
        work[1, 0] = l2[0]
        fill(work[1, 1:width], l2[1] + l2[2] * np.float32(count))
        copy(work[2], weights[row])
        _conjugate_gradients(inputs[:whole], target, work)
        copy(weights[row], work[2, :width])


@njit(cache=True, fastmath=True)
def _conjugate_gradients(inputs, target, work):  # type: ignore[no-untyped-def]
    """STEPS steps towards x = argmin |F x - target|^2 + Σ l2 (x - mean)^2, F: `inputs` (n, d).

    work: (6, d), rows: mean, l2 and x, then the residual, the direction and A times it, where
    A = F' F + diag(l2). See Takács et al., algorithm 2.
    """
    mean, l2, x, residual, direction, product = work[0], work[1], work[2], work[3], work[4], work[5]
    # residual = F' target + l2 mean - A x
    product[:] = l2 * (x - mean)
    _add_products(inputs, x, target, np.float32(1), product)
    residual[:] = -product
    direction[:] = residual
    squared = (residual * residual).sum()
    for _ in range(STEPS):
        if squared < _MIN_RESIDUAL:
            return
        # product = A direction
        product[:] = l2 * direction
        _add_products(inputs, direction, target, np.float32(0), product)
        step = squared / (direction * product).sum()
        before, squared = squared, np.float32(0)
        for k in range(len(x)):
            x[k] += step * direction[k]
            residual[k] -= step * product[k]
            squared += residual[k] * residual[k]
        for k in range(len(x)):
            direction[k] = residual[k] + squared / before * direction[k]


@njit(cache=True, fastmath=True)
def _add_products(inputs, weights, target, share, into):  # type: ignore[no-untyped-def]
    """Add F' (F weights - share target) to `into` (d,), where F is `inputs` (n, d).

    BATCH rows at a time, so that the sums are read and written once for all of them.
    """
    for i in range(0, len(inputs), BATCH):
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
