"""Products of vectors for many pairs at once."""

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32, I32

_PIECE = 1 << 14


def score(users: I32, movies: I32, of_users: F32, of_movies: F32) -> F32:
    """of_users[u] . of_movies[i] of each pair: (n,) float32, on all threads.

    of_users, of_movies: (rows, k). 2 k operations and 8 k bytes a pair.
    """
    found: F32 = _score(users, movies, of_users, of_movies)
    return found


@njit(cache=True, parallel=True, fastmath=True)
def _score(users, movies, of_users, of_movies):  # type: ignore[no-untyped-def]
    said = np.empty(len(users), np.float32)
    for piece in prange((len(users) + _PIECE - 1) // _PIECE):
        for i in range(piece * _PIECE, min(len(users), (piece + 1) * _PIECE)):
            mine, theirs, total = of_users[users[i]], of_movies[movies[i]], np.float32(0)
            for k in range(len(mine)):
                total += mine[k] * theirs[k]
            said[i] = total
    return said
