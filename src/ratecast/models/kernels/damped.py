"""Sums of residuals for each line of one side, the biases of the other side taken off."""

import numpy as np
from numba import njit, prange

from ratecast.models.kernels.order import PIECES


@njit(cache=True, parallel=True)
def residual_sums(lines, size, others, stars, biases):  # type: ignore[no-untyped-def]
    """Sum of stars less the bias of the other side, for each line: (size,) float64.

    lines, others: (n,) row numbers. stars: (n,), above the mean. biases: (other lines,). One
    addition into a table that stays in cache a rating; summed in an order that is always the same.
    """
    step = (len(lines) + PIECES - 1) // PIECES
    partial = np.zeros((PIECES, size))
    for piece in prange(PIECES):
        for i in range(piece * step, min(len(lines), (piece + 1) * step)):
            partial[piece, lines[i]] += stars[i] - biases[others[i]]
    for piece in range(1, PIECES):
        partial[0] += partial[piece]
    return partial[0]
