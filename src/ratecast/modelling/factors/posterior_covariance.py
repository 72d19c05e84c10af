"""The posterior covariance of the weights of each user or movie, given its ratings.

covariance = (diag(l2) + Σ x x')⁻¹ over the ratings of the row, x = (1, factors of the other side).
A wide model updates only its leading k factor directions online, so each id stores a k x k
covariance; this file says how many directions and which.
Reference: Bishop 2006, "Pattern Recognition and Machine Learning", eq. 3.51 and 3.54.
"""

import numpy as np

from ratecast import lane_inverse
from ratecast.aligned import DOUBLES, LINE, cache_aligned, padded
from ratecast.arrays import F32, F64
from ratecast.compiled import njit
from ratecast.lanes import load, plus, prefetch, repeated, store, times, times_plus
from ratecast.modelling.kernels.csr import Pattern, pieces
from ratecast.modelling.kernels.loops import fill, on_all_threads

Table = F32 | F64

BATCH = 4
# How many ratings before its use a vector is asked for.
AHEAD = 4 * BATCH
# So many ratings are summed before they are added in double precision.
FEW = 256
MAX_UPDATED = 32
MAX_BYTES = 1 << 28


def updated_factors(width: int, rows: int) -> int:
    """How many of `width` factors online updates move: covariances of `rows` ids take 256 MB.

    The ratings of a new user carry information mostly about the leading directions.
    """
    fitting = int(np.sqrt(MAX_BYTES / (8 * max(rows, 1)))) - 1
    return max(1, min(width, MAX_UPDATED, fitting))


def leading_directions(vectors: F64) -> F64:
    """Orthonormal directions that online updates use, by decreasing variance: (d, k).

    vectors: (n, d). The identity where all d directions are used.
    """
    rows, width = vectors.shape
    count = updated_factors(width, rows)
    if count == width:
        return np.eye(width)
    return np.ascontiguousarray(_eigenvectors(vectors.T @ vectors)[:, :count])


def leading_first(users: Table, movies: Table) -> tuple[Table, Table]:
    """Factors with the same products, (rows, k) each, rotated so that the leading come first.

    Unchanged where online updates move all factors.
    """
    width = users.shape[1]
    if updated_factors(width, len(users) + len(movies)) == width:
        return users, movies
    squares = users.T @ users / len(users) + movies.T @ movies / len(movies)
    rotation = _eigenvectors(squares.astype(np.float64))
    return users @ rotation.astype(users.dtype), movies @ rotation.astype(movies.dtype)


def _eigenvectors(squares: F64) -> F64:
    """Of a symmetric matrix, in columns, by decreasing eigenvalue."""
    _, directions = np.linalg.eigh(squares)
    return np.ascontiguousarray(directions[:, ::-1])


def posterior_covariance(
    rated: Pattern, vectors: Table, l2: F64, l2_per_rating: float = 0.0
) -> F64:
    """Covariance of the weights of each row, in units of the noise of one rating: (rows, d, d).

    rated: the ratings of each row. vectors: (columns, d - 1 or more), factors of the other side, of
    which the first d - 1 count; the first weight is the bias, whose input is 1. l2: (d,), how many
    ratings the prior counts for. l2_per_rating: added to the l2 of each factor for each rating of
    the row.
    """
    prior = l2, np.where(np.arange(len(l2)) > 0, l2_per_rating, 0.0)
    size, width = len(l2), padded(len(l2), LINE // vectors.itemsize)
    covariance = np.empty((len(rated.edges) - 1, size, size))
    # Products of vectors in single precision take half the time.
    inputs = cache_aligned(len(vectors) + 1, width, vectors.dtype.type)
    inputs[:-1, 0], inputs[:-1, 1:size] = 1, vectors[:, : size - 1]
    inputs[-1], inputs[:, size:] = 0, 0
    ratings = rated.edges, rated.columns, inputs
    on_all_threads(_fill_covariances, pieces(rated.edges), ratings, prior, covariance)
    return covariance


@njit(cache=True, nogil=True)
def _fill_covariances(rows, ratings, prior, covariance):  # type: ignore[no-untyped-def]
    """The rows from rows[0] to rows[1] - 1: d^2 operations a rating, d^3 a row."""
    (edges, columns, inputs), (l2, l2_per_rating) = ratings, prior
    size = len(l2)
    precision, matrices = np.zeros((size, size)), np.zeros((size * size, DOUBLES))
    sums = np.zeros((size, inputs.shape[1]), inputs.dtype)
    for a in range(size):
        # Lanes that stay empty.
        fill(matrices[size * a + a], 1.0)
    for first in range(rows[0], rows[1], DOUBLES):
        last = min(first + DOUBLES, rows[1])
        for row in range(first, last):
            # Precision: diag(l2) + Σ x x'.
            for a in range(size):
                fill(precision[a], 0.0)
                precision[a, a] = l2[a] + l2_per_rating[a] * (edges[row + 1] - edges[row])
            for start in range(edges[row], edges[row + 1], FEW):
                part = start, min(start + FEW, edges[row + 1])
                _add_squares(precision, inputs, (part, columns), sums)
            _into_lane(matrices, row - first, precision)
        lane_inverse.invert(matrices, size)
        for row in range(first, last):
            _out_of_lane(covariance[row], matrices, row - first)


@njit(cache=True)
def _into_lane(matrices, lane, matrix):  # type: ignore[no-untyped-def]
    """Write the lower triangle of a matrix (d, d) into a lane of matrices, (d^2, lanes)."""
    size = len(matrix)
    for a in range(size):
        for b in range(a + 1):
            matrices[size * a + b, lane] = matrix[a, b]


@njit(cache=True)
def _out_of_lane(matrix, matrices, lane):  # type: ignore[no-untyped-def]
    """As `_into_lane`, the other way, and above the diagonal too."""
    size = len(matrix)
    for a in range(size):
        for b in range(a + 1):
            matrix[a, b] = matrix[b, a] = matrices[size * a + b, lane]


@njit(cache=True)
def _add_squares(precision, inputs, columns, sums):  # type: ignore[no-untyped-def]
    """Add x x' for the x of each column, on and below the diagonal, in the precision of inputs.

    columns: (edges, all columns), edges of those that are added. sums: (d, width of inputs), used
    on the way: of few ratings, so that single precision is enough for them.
    In batches: a sum that is read and written for each rating waits for the memory.
    inputs: (columns + 1, d or more), the last row zeros, which fill up the last batch.
    """
    (start, stop), every = columns
    zeros, lanes = len(inputs) - 1, LINE // inputs.itemsize
    for a in range(len(sums)):
        fill(sums[a], 0.0)
    for first in range(start, stop, BATCH):
        # Those of the next rows too.
        for i in range(first + AHEAD, min(first + AHEAD + BATCH, len(every))):
            for k in range(0, inputs.shape[1], lanes):
                prefetch(inputs, every[i], k)
        one, two = every[first], every[first + 1] if first + 1 < stop else zeros
        three = every[first + 2] if first + 2 < stop else zeros
        four = every[first + 3] if first + 3 < stop else zeros
        for a in range(len(sums)):
            p, q = repeated(inputs[one, a]), repeated(inputs[two, a])
            r, s = repeated(inputs[three, a]), repeated(inputs[four, a])
            for k in range(0, a + 1, lanes):
                pair = times_plus(q, load(inputs, two, k), times(p, load(inputs, one, k)))
                more = times_plus(r, load(inputs, three, k), load(sums, a, k))
                more = times_plus(s, load(inputs, four, k), more)
                store(sums, a, k, plus(pair, more))
    for a in range(len(sums)):
        for b in range(a + 1):
            precision[a, b] += sums[a, b]
