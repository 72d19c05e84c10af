"""Inverses of symmetric positive definite matrices, eight at a time: one in each lane.

In a loop over one small matrix most of a vector of the processor is empty; over eight it is full.
Matrices stand in a table (F², DOUBLES) of float64: row F a + b has entry (a, b) of each. Only lower
triangles are read and written.
"""

import numpy as np

from ratecast.compiled import njit
from ratecast.lanes import divide, load, plus, repeated, root, store, times, times_plus

# So many sums are built at once: each waits for its last product, and they share what is read.
SUMS = 4


@njit(cache=True)
def invert(table, width):  # type: ignore[no-untyped-def]
    """Replace the matrix of each lane by its inverse, about `width`³ operations for each.

    With P = L L', L lower triangular: P⁻¹ = (L⁻¹)' L⁻¹. Where P has an infinite diagonal entry, as
    of a weight that is known, the inverse has a row of zeros. What a lane computes does not depend
    on the others, to the bit.
    """
    _factorize(table, width)
    _invert_triangles(table, width)
    _square_triangles(table, width)


@njit(cache=True)
def _factorize(table, width):  # type: ignore[no-untyped-def]
    """P -> L, but for the diagonal, which is that of L⁻¹ already."""
    none, minus, one = repeated(np.float64(0)), repeated(np.float64(-1)), repeated(np.float64(1))
    for j in range(width):
        diagonal, own, total = width * j + j, width * j, none
        for k in range(j):
            total = times_plus(load(table, own + k, 0), load(table, own + k, 0), total)
        store(table, diagonal, 0, plus(load(table, diagonal, 0), times(minus, total)))
        factor, i = divide(one, root(load(table, diagonal, 0))), j + 1
        store(table, diagonal, 0, factor)
        while i + SUMS <= width:
            a, b, c, d = width * i, width * (i + 1), width * (i + 2), width * (i + 3)
            p, q, r, s = none, none, none, none
            for k in range(j):
                x = load(table, own + k, 0)
                p = times_plus(load(table, a + k, 0), x, p)
                q = times_plus(load(table, b + k, 0), x, q)
                r = times_plus(load(table, c + k, 0), x, r)
                s = times_plus(load(table, d + k, 0), x, s)
            store(table, a + j, 0, times(plus(load(table, a + j, 0), times(minus, p)), factor))
            store(table, b + j, 0, times(plus(load(table, b + j, 0), times(minus, q)), factor))
            store(table, c + j, 0, times(plus(load(table, c + j, 0), times(minus, r)), factor))
            store(table, d + j, 0, times(plus(load(table, d + j, 0), times(minus, s)), factor))
            i += SUMS
        for rest in range(i, width):
            a, p = width * rest, none
            for k in range(j):
                p = times_plus(load(table, a + k, 0), load(table, own + k, 0), p)
            store(table, a + j, 0, times(plus(load(table, a + j, 0), times(minus, p)), factor))


@njit(cache=True)
def _invert_triangles(table, width):  # type: ignore[no-untyped-def]
    """L -> X = L⁻¹, row after row: X_ij = -X_ii Σ_k L_ik X_kj, j <= k < i."""
    none, minus = repeated(np.float64(0)), repeated(np.float64(-1))
    for i in range(1, width):
        own = width * i
        factor, j = times(minus, load(table, own + i, 0)), 0
        while j + SUMS <= i:
            # Above the diagonal of X are zeros, so that the first few terms are of fewer sums.
            p, q, r, s = none, none, none, none
            for k in range(j, j + SUMS):
                x, at = load(table, own + k, 0), width * k + j
                p = times_plus(x, load(table, at, 0), p)
                if k > j:
                    q = times_plus(x, load(table, at + 1, 0), q)
                if k > j + 1:
                    r = times_plus(x, load(table, at + 2, 0), r)
                if k > j + 2:
                    s = times_plus(x, load(table, at + 3, 0), s)
            for k in range(j + SUMS, i):
                x, at = load(table, own + k, 0), width * k + j
                p = times_plus(x, load(table, at, 0), p)
                q = times_plus(x, load(table, at + 1, 0), q)
                r = times_plus(x, load(table, at + 2, 0), r)
                s = times_plus(x, load(table, at + 3, 0), s)
            store(table, own + j, 0, times(p, factor))
            store(table, own + j + 1, 0, times(q, factor))
            store(table, own + j + 2, 0, times(r, factor))
            store(table, own + j + 3, 0, times(s, factor))
            j += SUMS
        for rest in range(j, i):
            p = none
            for k in range(rest, i):
                p = times_plus(load(table, own + k, 0), load(table, width * k + rest, 0), p)
            store(table, own + rest, 0, times(p, factor))


@njit(cache=True)
def _square_triangles(table, width):  # type: ignore[no-untyped-def]
    """X -> X' X; row after row, of which later ones need no earlier one."""
    none = repeated(np.float64(0))
    for i in range(width):
        own, j = width * i, 0
        while j + SUMS <= i + 1:
            p, q, r, s = none, none, none, none
            for m in range(i, width):
                x, at = load(table, width * m + i, 0), width * m + j
                p = times_plus(x, load(table, at, 0), p)
                q = times_plus(x, load(table, at + 1, 0), q)
                r = times_plus(x, load(table, at + 2, 0), r)
                s = times_plus(x, load(table, at + 3, 0), s)
            store(table, own + j, 0, p)
            store(table, own + j + 1, 0, q)
            store(table, own + j + 2, 0, r)
            store(table, own + j + 3, 0, s)
            j += SUMS
        for rest in range(j, i + 1):
            p = none
            for m in range(i, width):
                p = times_plus(load(table, width * m + i, 0), load(table, width * m + rest, 0), p)
            store(table, own + rest, 0, p)
