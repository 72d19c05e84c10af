"""The posterior covariance of the weights of each user or movie, given its ratings.

covariance = (diag(l2) + Σ x x')⁻¹ over the ratings of the row, x = (1, factors of the other side).
A wide model updates only its leading k factor directions online, so each id stores a k x k
covariance; this file says how many directions and which.
Reference: Bishop 2006, "Pattern Recognition and Machine Learning", eq. 3.51 and 3.54.
"""

import numpy as np

from ratecast.aligned import DOUBLES, padded
from ratecast.arrays import F32, F64
from ratecast.compiled import njit
from ratecast.lanes import load, plus, prefetch, repeated, store, times
from ratecast.modelling.kernels.csr import Pattern, pieces
from ratecast.modelling.kernels.loops import fill, on_all_threads

Table = F32 | F64

BATCH = 4
# How many ratings before its use a vector is asked for.
AHEAD = 4 * BATCH
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


def posterior_covariance(rated: Pattern, vectors: F64, l2: F64, l2_per_rating: float = 0.0) -> F64:
    """Covariance of the weights of each row, in units of the noise of one rating: (rows, d, d).

    rated: the ratings of each row. vectors: (columns, d - 1 or more), factors of the other side, of
    which the first d - 1 count; the first weight is the bias, whose input is 1. l2: (d,), how many
    ratings the prior counts for. l2_per_rating: added to the l2 of each factor for each rating of
    the row.
    """
    prior = l2, np.where(np.arange(len(l2)) > 0, l2_per_rating, 0.0)
    size = len(l2)
    covariance = np.empty((len(rated.edges) - 1, size, size))
    inputs = np.zeros((len(vectors) + 1, padded(size, DOUBLES)))
    inputs[:-1, 0] = 1
    inputs[:-1, 1:size] = vectors[:, : size - 1]
    ratings = rated.edges, rated.columns, inputs
    on_all_threads(_fill_covariances, pieces(rated.edges), ratings, prior, covariance)
    return covariance


@njit(cache=True, nogil=True)
def _fill_covariances(rows, ratings, prior, covariance):  # type: ignore[no-untyped-def]
    """The rows from rows[0] to rows[1] - 1: d^2 operations a rating, 2 d^3 a row."""
    (edges, columns, inputs), (l2, l2_per_rating) = ratings, prior
    size, work = len(l2), np.empty(len(l2))
    precision = np.zeros((size, inputs.shape[1]))
    for row in range(rows[0], rows[1]):
        # Precision: diag(l2) + Σ x x'.
        for a in range(size):
            fill(precision[a], 0.0)
            precision[a, a] = l2[a] + l2_per_rating[a] * (edges[row + 1] - edges[row])
        _add_squares(precision, inputs, columns[edges[row] : edges[row + 1]])
        _invert(precision, covariance[row], work)


@njit(cache=True)
def _add_squares(precision, inputs, columns):  # type: ignore[no-untyped-def]
    """Add x x' for the x of each column, on and below the diagonal.

    In batches: a sum that is read and written for each rating waits for the memory.
    inputs: (columns + 1, d or more), the last row zeros, which fill up the last batch.
    """
    count, zeros = len(columns), len(inputs) - 1
    for first in range(0, count, BATCH):
        ahead = min(first + AHEAD, count - BATCH)
        for i in range(max(ahead, 0), min(ahead + BATCH, count)):
            for k in range(0, inputs.shape[1], DOUBLES):
                prefetch(inputs, columns[i], k)
        one, two = columns[first], columns[first + 1] if first + 1 < count else zeros
        three = columns[first + 2] if first + 2 < count else zeros
        four = columns[first + 3] if first + 3 < count else zeros
        for a in range(len(precision)):
            p, q = repeated(inputs[one, a]), repeated(inputs[two, a])
            r, s = repeated(inputs[three, a]), repeated(inputs[four, a])
            for k in range(0, a + 1, DOUBLES):
                pairs = plus(times(p, load(inputs, one, k)), times(q, load(inputs, two, k)))
                more = plus(times(r, load(inputs, three, k)), times(s, load(inputs, four, k)))
                store(precision, a, k, plus(load(precision, a, k), plus(pairs, more)))


# Terms of a sum may be added in any order, but an infinite l2 stays infinite.
_FAST = {"reassoc", "contract"}


@njit(cache=True)
def _invert(matrix, inverse, work):  # type: ignore[no-untyped-def]
    """Fill inverse (d, d) from the lower triangle of matrix, which is overwritten; work: (d,).

    With L L' = A and M = L⁻¹: A⁻¹ = M' M. A library's inverse gives NaN for an infinite l2, which
    holds a weight at its prior mean.
    """
    _cholesky(matrix)
    _invert_triangle(matrix, work)
    for a in range(len(inverse)):
        fill(inverse[a], 0.0)
    for c in range(len(matrix)):
        for a in range(c + 1):
            for b in range(a + 1):
                inverse[a, b] += matrix[c, a] * matrix[c, b]
    for a in range(len(matrix)):
        for b in range(a):
            inverse[b, a] = inverse[a, b]


@njit(cache=True, fastmath=_FAST)
def _cholesky(matrix):  # type: ignore[no-untyped-def]
    """L of A = L L', in place of the lower triangle: L_ab = (A_ab - Σ_c L_ac L_bc) / L_bb."""
    for a in range(len(matrix)):
        for b in range(a + 1):
            product = np.float64(0)
            for c in range(b):
                product += matrix[a, c] * matrix[b, c]
            rest = matrix[a, b] - product
            matrix[a, b] = np.sqrt(rest) if a == b else rest / matrix[b, b]


@njit(cache=True, fastmath=_FAST)
def _invert_triangle(factor, work):  # type: ignore[no-untyped-def]
    """L⁻¹ in place of the lower triangle L, row by row; work: (d,)."""
    for a in range(len(factor)):
        fill(work[:a], 0.0)
        for c in range(a):
            for b in range(c + 1):
                work[b] -= factor[a, c] * factor[c, b]
        factor[a, a] = 1 / factor[a, a]
        for b in range(a):
            factor[a, b] = work[b] * factor[a, a]
