"""Sorts rows by time, with a radix sort for large tables."""

import numpy as np
from numpy.typing import NDArray

_RADIX_ROWS = 1_000_000
_RADIX_RANGE = 1 << 32


def by_time(at: NDArray[np.int64]) -> NDArray[np.integer]:
    """Row numbers that sort `at`, (n,) seconds, in ascending order, stably: (n,)."""
    if len(at) < _RADIX_ROWS or len(at) >= _RADIX_RANGE:
        return np.argsort(at, kind="stable")
    if int(at.max()) - int(at.min()) >= _RADIX_RANGE:
        return np.argsort(at, kind="stable")
    # Numba takes half a second to import, and only large tables need it.
    from ratecast.radix_sort import order

    rows: NDArray[np.uint32] = order(at)
    return rows
