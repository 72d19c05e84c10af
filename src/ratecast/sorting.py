"""The order of rows by time, found fast for the many rows of a large table."""

import numpy as np
from numpy.typing import NDArray

_MANY = 1_000_000
_WIDEST = 1 << 32


def by_time(at: NDArray[np.int64]) -> NDArray[np.integer]:
    """Row numbers that bring `at` into ascending order; ties keep theirs: (n,)."""
    if len(at) < _MANY or int(at.max()) - int(at.min()) >= _WIDEST or len(at) >= _WIDEST:
        return np.argsort(at, kind="stable")
    # Few tables need it, and numba takes half a second to start.
    from ratecast.radix_sort import order

    return order(at)
