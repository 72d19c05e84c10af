"""The weighted mean of the rows of a table.

Not a matrix product: the threads of a BLAS library stay awake for a while afterwards and compete
with those of the next kernel (an epoch of SGD over a million ratings took three times as long now
and then).
"""

import numpy as np

from ratecast.arrays import F32
from ratecast.compiled import njit


def weighted_mean(rows: F32, weights: F32) -> F32:
    """Σ w_i row_i / max(Σ w_i, 1) of `rows` (n, k), summed in double precision: (k,).

    weights: (n,), counts of ratings or 0 and 1. 2 k operations a row, which is read once.
    """
    mean: F32 = _weighted_mean(rows, weights).astype(np.float32)
    return mean


@njit(cache=True)
def _weighted_mean(rows, weights):  # type: ignore[no-untyped-def]
    sums, total = np.zeros(rows.shape[1]), 0.0
    for i in range(len(rows)):
        total += weights[i]
        for k in range(len(sums)):
            sums[k] += weights[i] * rows[i, k]
    return sums / max(total, 1.0)
