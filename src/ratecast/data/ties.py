"""Ties: rows whose user has another row in the same second."""

import numpy as np
from numpy.typing import NDArray

from ratecast.compiled import njit
from ratecast.data.duplicates import codes
from ratecast.ratings import USER, Ratings
from ratecast.sorting import by_time


def tied_rows(ratings: Ratings) -> int:
    """Number of rows that share user and second with another row."""
    user, bound = codes(ratings.frame[USER], len(ratings))
    at = ratings.at
    if not ratings.in_time_order:
        rows = by_time(at)
        user, at = user[rows], at[rows]
    return int(_tied(user, at, bound))


@njit(cache=True)
def _tied(user: NDArray[np.int64], at: NDArray[np.int64], bound: int) -> int:
    """Counts in one pass through time, with the time of each user's last row.

    user, at: (n,), sorted by time. bound: above every user number.
    """
    last, seen, counted = (
        np.zeros(bound, np.int64),
        np.zeros(bound, np.bool_),
        np.zeros(bound, np.bool_),
    )
    count = 0
    for k in range(len(user)):
        u = user[k]
        if seen[u] and last[u] == at[k]:
            count += 1 if counted[u] else 2
            counted[u] = True
        else:
            counted[u] = False
        seen[u], last[u] = True, at[k]
    return count
