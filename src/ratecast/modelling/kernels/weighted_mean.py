"""The weighted mean of the lines of a table.

Not by a matrix product: the threads of a library for these stay awake for a while, in case more
comes, and take turns from those of the kernel that runs next (an epoch of descent over a million
ratings took three times as long now and then).
"""

import numpy as np
from numba import njit

from ratecast.arrays import F32


def centre(lines: F32, weights: F32) -> F32:
    """Mean of `lines` (n, k) with `weights` (n,), summed in double precision: (k,).

    All 0 where the weights are; 2 k operations a line, which is read once.
    """
    mean: F32 = _summed(lines, weights).astype(np.float32)
    return mean


@njit(cache=True)
def _summed(lines, weights):  # type: ignore[no-untyped-def]
    found, total = np.zeros(lines.shape[1]), 0.0
    for i in range(len(lines)):
        total += weights[i]
        for k in range(len(found)):
            found[k] += weights[i] * lines[i, k]
    return found / max(total, 1.0)
