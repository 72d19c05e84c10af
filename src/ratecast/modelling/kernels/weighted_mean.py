"""The weighted mean of the rows of a table.

Not a matrix product: the threads of a BLAS library stay awake for a while afterwards and compete
with those of the next kernel (an epoch of SGD over a million ratings took three times as long now
and then).
"""

import numpy as np

from ratecast.arrays import F32
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import MANY, even_cuts, on_all_threads

PARTS = 8


def weighted_mean(rows: F32, weights: F32) -> F32:
    """Σ w_i row_i / max(Σ w_i, 1) of `rows` (n, k), summed in double precision: (k,).

    weights: (n,), counts of ratings or 0 and 1. 2 k operations a row, which is read once.
    """
    # The same parts for any number of threads; a small table is one.
    cuts = even_cuts(len(rows), PARTS if len(rows) >= MANY else 1)
    sums = np.zeros((len(cuts) - 1, 1 + rows.shape[1]))
    on_all_threads(_add_rows, np.arange(len(cuts)), cuts, rows, weights, sums)
    total, *mean = sums.sum(axis=0)
    weighted: F32 = (np.array(mean) / max(total, 1.0)).astype(np.float32)
    return weighted


@njit(cache=True, nogil=True)
def _add_rows(parts, cuts, rows, weights, sums):  # type: ignore[no-untyped-def]
    """Σ w_i and Σ w_i row_i of each part, into sums (parts, 1 + k)."""
    for part in range(parts[0], parts[1]):
        for i in range(cuts[part], cuts[part + 1]):
            sums[part, 0] += weights[i]
            for k in range(rows.shape[1]):
                sums[part, 1 + k] += weights[i] * rows[i, k]
