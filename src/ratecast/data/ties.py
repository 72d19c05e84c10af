"""Ties: rows of a user at a second at which the user has another row."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratecast.data.duplicates import codes
from ratecast.ratings import USER, Ratings
from ratecast.sorting import by_time


def tied_rows(ratings: Ratings) -> int:
    """How many rows share user and second with another one."""
    user, bound = codes(ratings.frame[USER], len(ratings))
    at = ratings.at
    if not ratings.in_time_order:
        rows = by_time(at)
        user, at = user[rows], at[rows]
    return int(_tied(user, at, bound))


@njit(cache=True)
def _tied(user: NDArray[np.int64], at: NDArray[np.int64], bound: int) -> int:
    """Counts by walking through time with the last row of each user in hand."""
    last, met, counted = (
        np.zeros(bound, np.int64),
        np.zeros(bound, np.bool_),
        np.zeros(bound, np.bool_),
    )
    count = 0
    for k in range(len(user)):
        u = user[k]
        if met[u] and last[u] == at[k]:
            count += 1 if counted[u] else 2
            counted[u] = True
        else:
            counted[u] = False
        met[u], last[u] = True, at[k]
    return count
