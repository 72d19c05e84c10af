"""Ratings in the order in which a kernel wants them: a stable counting sort, in parallel."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32, I32, I64

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


@dataclass(frozen=True)
class Heap:
    """Ratings line by line of one side. edges: (lines + 1,). others, above: (n,).

    others: lines of the other side. above: stars above the mean.
    """

    edges: I64
    others: I32
    above: F32

    @classmethod
    def of(cls, lines: I32, others: I32, above: F32, size: int) -> Self:
        """From ratings in any order; lines: (n,) below `size`. Those of a line keep their order."""
        edges, (_, ordered, stars) = sorted_by(lines, size, (lines, others, above))
        return cls(edges, ordered, stars)

    @property
    def counts(self) -> I64:
        """How many ratings each line has: (lines,)."""
        return np.diff(self.edges)

    @property
    def triples(self) -> Triples:
        """Line, other line and stars of each rating, ordered by line."""
        lines = np.repeat(np.arange(len(self.edges) - 1, dtype=np.int32), self.counts)
        return lines, self.others, self.above


def heaps(users: I32, movies: I32, above: F32, sizes: tuple[int, int]) -> tuple[Heap, Heap]:
    """The same ratings by user, and by movie; sizes: how many lines either side has."""
    return Heap.of(users, movies, above, sizes[0]), Heap.of(movies, users, above, sizes[1])


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
