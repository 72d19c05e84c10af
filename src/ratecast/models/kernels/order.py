"""Ratings in the order in which a kernel wants them: a stable counting sort, in parallel."""

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
Triples = tuple[I32, I32, F32]

PIECES = 8


@njit(cache=True, parallel=True)
def sorted_by(keys, size, columns):  # type: ignore[no-untyped-def]
    """Where each key starts, (size + 1,) int64, and the columns in the order of their keys.

    keys: (n,) below `size`. columns: (users, movies, stars), each (n,); ties keep their order.
    Reads and writes each rating twice, about 40 bytes; needs `PIECES` counters for each key.
    """
    users, movies, stars = columns
    step = (len(keys) + PIECES - 1) // PIECES
    place = np.zeros((PIECES, size), np.int64)
    for piece in prange(PIECES):
        for i in range(piece * step, min(len(keys), (piece + 1) * step)):
            place[piece, keys[i]] += 1
    edges, total = np.zeros(size + 1, np.int64), 0
    for key in range(size):
        for piece in range(PIECES):
            count = place[piece, key]
            place[piece, key] = total
            total += count
        edges[key + 1] = total
    out = np.empty_like(users), np.empty_like(movies), np.empty_like(stars)
    for piece in prange(PIECES):
        for i in range(piece * step, min(len(keys), (piece + 1) * step)):
            to = place[piece, keys[i]]
            place[piece, keys[i]] = to + 1
            out[0][to], out[1][to], out[2][to] = users[i], movies[i], stars[i]
    return edges, out


def even(counts: I64, groups: int) -> I32:
    """Which of `groups` runs of neighbours each line belongs to, of nearly equal total: (rows,)."""
    ends = np.cumsum(counts)
    total = max(int(ends[-1]), 1)
    run: I32 = np.minimum(np.maximum(ends - 1, 0) * groups // total, groups - 1).astype(np.int32)
    return run


def pieces(edges: I64, most: int = 256) -> I64:
    """Borders of up to `most` runs of lines with about as many ratings each."""
    wanted = np.linspace(0, edges[-1], most + 1)
    cuts: I64 = np.unique(np.searchsorted(edges, wanted).clip(0, len(edges) - 1))
    return cuts
