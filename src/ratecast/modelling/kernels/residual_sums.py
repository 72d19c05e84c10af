"""Sums of residuals by user or by movie, on all threads."""

import numpy as np

from ratecast.arrays import F64, I32
from ratecast.compiled import njit
from ratecast.modelling.kernels.csr import PIECES
from ratecast.modelling.kernels.loops import on_all_threads


def residual_sums(rows: I32, size: int, others: I32, stars: F64, biases: F64) -> F64:
    """Sum of (stars - bias of the other side) for each row of one side: (size,) float64.

    rows: (n,) row numbers of this side, below `size`. others: (n,) rows of the other side. stars:
    (n,), centred. biases: (other rows,). The order of the sums is fixed for any number of threads.
    """
    partial = np.zeros((PIECES, size))
    on_all_threads(_add_residuals, np.arange(PIECES + 1), (rows, others, stars), biases, partial)
    for piece in range(1, PIECES):
        partial[0] += partial[piece]
    sums: F64 = partial[0]
    return sums


@njit(cache=True, nogil=True)
def _add_residuals(pieces, ratings, biases, partial):  # type: ignore[no-untyped-def]
    """Add the residuals of each piece of the ratings to its line of partial (PIECES, size)."""
    rows, others, stars = ratings
    step = (len(rows) + PIECES - 1) // PIECES
    for piece in range(pieces[0], pieces[1]):
        first, last = piece * step, min(len(rows), (piece + 1) * step)
        some = rows[first:last], others[first:last], stars[first:last]
        add_residuals(some, biases, partial[piece])


@njit(cache=True, nogil=True)
def add_residuals(ratings, biases, sums):  # type: ignore[no-untyped-def]
    """Add stars - bias of the other side to the sum of each row. ratings: rows, others, stars."""
    rows, others, stars = ratings
    for i in range(len(rows)):
        sums[rows[i]] += stars[i] - biases[others[i]]
