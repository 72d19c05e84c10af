"""Where a user stands between two moments: all that the filter carries on, in one line of numbers.

In this order: covariance (D, D), offset (D,) and lean (D, F) of the state, what presence was seen
(Z,), how odd the surprises were, and how many ratings were heard. W = D (D + 1 + F) + Z + 2.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def first(start: F64, width: int, presence: int) -> F64:
    """Before the first moment: (W,). start: (D, D) covariance. width: F. presence: Z."""
    lean = np.eye(len(start), width)
    return np.concatenate(
        [start.ravel(), np.zeros(len(start)), lean.ravel(), np.zeros(presence + 2)]
    )


@njit(cache=True)
def stand(line, state, seen):  # type: ignore[no-untyped-def]
    """Fill state and seen from a line; how odd the surprises were, and how many were heard."""
    cov, offset, lean = state
    at = 0
    for a in range(len(offset)):
        for b in range(len(offset)):
            cov[a, b] = line[at]
            at += 1
    for a in range(len(offset)):
        offset[a] = line[at]
        at += 1
    for a in range(len(offset)):
        for f in range(lean.shape[1]):
            lean[a, f] = line[at]
            at += 1
    for z in range(len(seen)):
        seen[z] = line[at]
        at += 1
    return line[at], int(line[at + 1])


@njit(cache=True)
def leave(line, state, seen, tally):  # type: ignore[no-untyped-def]
    """The reverse of `stand`. tally: what it gave."""
    cov, offset, lean = state
    at = 0
    for a in range(len(offset)):
        for b in range(len(offset)):
            line[at] = cov[a, b]
            at += 1
    for a in range(len(offset)):
        line[at] = offset[a]
        at += 1
    for a in range(len(offset)):
        for f in range(lean.shape[1]):
            line[at] = lean[a, f]
            at += 1
    for z in range(len(seen)):
        line[at] = seen[z]
        at += 1
    line[at], line[at + 1] = tally
