"""Ridge regressions of one side on the other, by a few steps of conjugate gradients each.

Reference: Takács, Pilászy, Tikk 2011, "Applications of the conjugate gradient method for implicit
feedback collaborative filtering"; the alternation as in Zhou et al. 2008, "Large-scale parallel
collaborative filtering for the Netflix prize"; preconditioned as in Saad 2003, "Iterative Methods
for Sparse Linear Systems", algorithm 9.1.
Differs: the first weight is a bias; each row starts from its last solution, and the expected
diagonal of its equations divides its residual, so two steps per half-iteration come as close to an
exact solution as five without, at a cost proportional to k instead of k^2; one step is enough while
the other side is far from its last values.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.aligned import LANES, padded
from ratecast.arrays import F32, I64, read_only
from ratecast.compiled import njit
from ratecast.lanes import (
    load,
    load_scaled,
    plus,
    prefetch,
    repeated,
    store,
    times,
    times_plus,
    total,
)
from ratecast.modelling.kernels.csr import Grouped, pieces
from ratecast.modelling.kernels.loops import copy, even_cuts, fill, on_all_threads

STEPS = 2
BATCH = 4
# Ratings whose vectors are copied at a time, so that they stay in a core's cache.
CHUNK = 1 << 14
# How many ratings before its use a vector is asked for.
AHEAD = 16
_LINE = 32
_LEVELS = 32767
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


class FixedSide(NamedTuple):
    """The side that stands still, in half the memory.

    vectors: (columns, padded k), int16, of which each row is rounded to 1 / 32767 of its greatest
    number. scales: (columns, 2), the bias of each row, and what its vector is multiplied by.
    squares: (1 + k,), mean of the squares of each weight over all ratings; 1 in place of the bias.
    """

    vectors: NDArray[np.int16]
    scales: F32
    squares: F32

    @classmethod
    def of(cls, weights: F32, counts: I64) -> "FixedSide":
        """Of weights (columns, 1 + k), the bias first, and the ratings of each column."""
        rows = len(weights)
        vectors = np.zeros((rows, padded(weights.shape[1] - 1)), np.int16)
        scales = np.empty((rows, 2), np.float32)
        on_all_threads(_round, even_cuts(rows), weights, vectors, scales)
        squares = _squares(weights, counts) / max(int(counts.sum()), 1)
        squares[0] = 1
        return cls(vectors, scales, squares.astype(np.float32))


@njit(cache=True, nogil=True)
def _round(rows, weights, vectors, scales):  # type: ignore[no-untyped-def]
    """See `FixedSide`: the rows from rows[0] to rows[1] - 1."""
    for row in range(rows[0], rows[1]):
        most = np.float32(0)
        for k in range(1, weights.shape[1]):
            most = max(most, abs(weights[row, k]))
        scale = most / np.float32(_LEVELS)
        scales[row, 0], scales[row, 1] = weights[row, 0], scale
        if scale > 0:
            for k in range(1, weights.shape[1]):
                vectors[row, k - 1] = np.int16(np.rint(weights[row, k] / scale))


def solve_rows(
    grouped: Grouped, weights: F32, other: FixedSide, prior: Prior, steps: int = STEPS
) -> None:
    """Bring each row of `weights`, (rows, 1 + k), close to its ridge solution, in place.

    grouped: centred stars by row, of all rows of a side or some. steps: of conjugate gradients.
    """
    ratings = grouped.edges, grouped.columns, grouped.values
    known = prior.mean, np.array(prior[1:], np.float32), other.squares, steps
    # A process that was given them by another one may not write to them.
    fixed = read_only(other.vectors), read_only(other.scales)
    on_all_threads(_solve_rows, pieces(grouped.edges), ratings, weights, fixed, known)


@njit(cache=True)
def _squares(weights, counts):  # type: ignore[no-untyped-def]
    sums = np.zeros(weights.shape[1])
    for row in range(len(weights)):
        for k in range(len(sums)):
            sums[k] += counts[row] * weights[row, k] * weights[row, k]
    return sums


@njit(cache=True, nogil=True)
def _solve_rows(rows, ratings, weights, other, known):  # type: ignore[no-untyped-def]
    """The rows from rows[0] to rows[1] - 1.

    A rating costs (4 + 4 steps) k operations, and reading a vector of the other side. The bias
    stands behind the factors, at `bias`, so that a vector begins where lanes do.

    other: vectors and scales of a `FixedSide`. known: the prior's mean and l2, the mean
    squares of the other side's weights, and the number of steps.
    """
    (edges, columns, values), (mean, l2, squares, steps) = ratings, known
    bias, width = other[0].shape[1], weights.shape[1]
    inputs, target = np.empty((CHUNK, bias), np.float32), np.empty(CHUNK, np.float32)
    work = np.zeros((7, bias + LANES), np.float32)
    fill(work[1], np.float32(1))
    fill(work[2], np.float32(1))
    copy(work[0], mean[1:])
    work[0, bias] = mean[0]
    for row in range(rows[0], rows[1]):
        count = np.float32(edges[row + 1] - edges[row])
        for k in range(width - 1):
            work[1, k] = l2[1] + l2[2] * count
            work[2, k] = np.float32(1) / (work[1, k] + count * squares[1 + k])
        work[1, bias] = l2[0]
        work[2, bias] = np.float32(1) / (l2[0] + count)
        copy(work[3], weights[row, 1:])
        work[3, bias] = weights[row, 0]
        of_row = (edges[row], edges[row + 1]), (columns, values), other, (inputs, target)
        _conjugate_gradients(of_row, work, steps)
        copy(weights[row, 1:], work[3, : width - 1])
        weights[row, 0] = work[3, bias]


@njit(cache=True, fastmath=True)
def _conjugate_gradients(ratings, work, steps):  # type: ignore[no-untyped-def]
    """Some steps towards x = argmin |F x - target|^2 + Σ l2 (x - mean)^2.

    F: the vectors of the row's ratings, and 1 for the bias. work: (7, d), rows: mean, l2, the
    inverse of the expected diagonal of A, and x; then the residual, the direction and A times it,
    where A = F' F + diag(l2). See Saad, algorithm 9.1.
    """
    mean, l2, inverse, x, residual, direction, product = (
        work[0], work[1], work[2], work[3], work[4], work[5], work[6],
    )  # fmt: skip
    # residual = F' target + l2 mean - A x
    for k in range(len(x)):
        product[k] = l2[k] * (x[k] - mean[k])
    _add_all_products(ratings, work[3:4], np.float32(1), work[6:7])
    squared = np.float32(0)
    for k in range(len(x)):
        residual[k] = -product[k]
        direction[k] = inverse[k] * residual[k]
        squared += direction[k] * residual[k]
    for _ in range(steps):
        if squared < _MIN_RESIDUAL:
            return
        # product = A direction
        curved = np.float32(0)
        for k in range(len(x)):
            product[k] = l2[k] * direction[k]
        _add_all_products(ratings, work[5:6], np.float32(0), work[6:7])
        for k in range(len(x)):
            curved += direction[k] * product[k]
        step = squared / curved
        before, squared = squared, np.float32(0)
        for k in range(len(x)):
            x[k] += step * direction[k]
            residual[k] -= step * product[k]
            squared += inverse[k] * residual[k] * residual[k]
        for k in range(len(x)):
            direction[k] = inverse[k] * residual[k] + squared / before * direction[k]


@njit(cache=True)
def _add_all_products(ratings, weights, share, into):  # type: ignore[no-untyped-def]
    """Add F' (F weights - share target) to `into` (1, d), chunk by chunk.

    A row of one chunk is copied once, for the first product, which has a share of 1.
    """
    (first, last), given, other, copied = ratings
    only = last - first <= CHUNK
    for start in range(first, last, CHUNK):
        stop = min(start + CHUNK, last)
        if share > 0 or not only:
            _copy_ratings((start, stop), given, other, copied)
        _add_products(stop - start, copied, weights, share, into)


@njit(cache=True)
def _copy_ratings(part, given, other, copied):  # type: ignore[no-untyped-def]
    """The vectors of the ratings' other side, and what remains of each for this one to explain.

    Filled up with zeros to a whole number of batches.
    """
    (start, stop), (columns, values) = part, given
    (inputs, target), (vectors, scales) = copied, other
    last = len(columns) - 1
    for i in range(start, stop):
        ahead, column, to = columns[min(i + AHEAD, last)], columns[i], i - start
        for k in range(0, inputs.shape[1], _LINE):
            prefetch(vectors, ahead, k)
        scale = scales[column, 1]
        for k in range(0, inputs.shape[1], LANES):
            store(inputs, to, k, load_scaled(vectors, column, k, scale))
        target[to] = values[i] - scales[column, 0]
    for to in range(stop - start, (stop - start + BATCH - 1) // BATCH * BATCH):
        for k in range(0, inputs.shape[1], LANES):
            store(inputs, to, k, repeated(np.float32(0)))
        target[to] = 0


@njit(cache=True, fastmath=True)
def _add_products(count, copied, weights, share, into):  # type: ignore[no-untyped-def]
    """Add F' (F weights - share target) to `into` (1, d), for the `count` rows of `copied`.

    BATCH rows at a time, so that the sums are read and written once for all of them.
    """
    inputs, target = copied
    bias = inputs.shape[1]
    of_bias, biases = weights[0, bias], np.float32(0)
    for i in range(0, count, BATCH):
        zero = repeated(np.float32(0))
        p, q, r, s = zero, zero, zero, zero
        for k in range(0, bias, LANES):
            w = load(weights, 0, k)
            p = times_plus(load(inputs, i, k), w, p)
            q = times_plus(load(inputs, i + 1, k), w, q)
            r = times_plus(load(inputs, i + 2, k), w, r)
            s = times_plus(load(inputs, i + 3, k), w, s)
        a = total(p) + of_bias - share * target[i]
        b = total(q) + of_bias - share * target[i + 1]
        c = total(r) + of_bias - share * target[i + 2]
        d = total(s) + of_bias - share * target[i + 3]
        if i + BATCH > count:
            # Rows that only fill the batch have no bias.
            b = b if i + 1 < count else np.float32(0)
            c = c if i + 2 < count else np.float32(0)
            d = np.float32(0)
        biases += (a + b) + (c + d)
        p, q, r, s = repeated(a), repeated(b), repeated(c), repeated(d)
        for k in range(0, bias, LANES):
            sums = times_plus(load(inputs, i, k), p, load(into, 0, k))
            sums = times_plus(load(inputs, i + 1, k), q, sums)
            more = times(load(inputs, i + 2, k), r)
            more = times_plus(load(inputs, i + 3, k), s, more)
            store(into, 0, k, plus(more, sums))
    into[0, bias] += biases
