"""Where a user stands between two moments: all that the filter carries on, in one line of numbers.

In this order: covariance (D, D), offset (D,) and lean (D, F) of the state, what presence was seen
(Z,), how odd the surprises were, and how many ratings were heard. W = D (D + 1 + F) + Z + 2.
"""

import numpy as np
from numba import njit

from ratecast.arrays import F64


def first(start: F64, width: int, presence: int) -> F64:
    """Before the first moment: (W,). start: (D, D) covariance. width: F. presence: Z."""
    lean = np.eye(len(start), width)
    return np.concatenate(
        [start.ravel(), np.zeros(len(start)), lean.ravel(), np.zeros(presence + 2)]
    )


@njit(cache=True)
def parts(line, size, width):  # type: ignore[no-untyped-def]
    """The state (covariance, offset, lean) and what was seen, as views of a line. size: D."""
    offset, lean, seen = size * size, size * (size + 1), size * (size + 1 + width)
    state = (
        line[:offset].reshape(size, size),
        line[offset:lean],
        line[lean:seen].reshape(size, width),
    )
    return state, line[seen:-2]
