"""Ratings grouped by user or by movie (compressed sparse rows), by a parallel counting sort."""

from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np
from numba import njit, prange

from ratecast.arrays import F32, F64, I32, I64, read_only

Triples = tuple[I32, I32, F32]
V = TypeVar("V", F32, F64)

PIECES = 8


def sorted_by(keys: I32, size: int, columns: tuple[I32, I32, V]) -> tuple[I64, tuple[I32, I32, V]]:
    """Borders of the rows of each key, (size + 1,), and the columns in order of the keys.

    keys: (n,) below `size`. columns: users, movies and values, each (n,); ties keep their order.
    """
    users, movies, values = columns
    columns = read_only(users), read_only(movies), read_only(values)
    edges, ordered = _sorted_by(read_only(keys), size, columns)
    return edges, ordered


@njit(cache=True, parallel=True)
def _sorted_by(keys, size, columns):  # type: ignore[no-untyped-def]
    """See `sorted_by`. Counts in pieces, one for each thread; the order does not depend on them.

    Reads and writes each rating twice, about 40 bytes; needs `PIECES` counters for each key.
    """
    users, movies, stars = columns
    step = (len(keys) + PIECES - 1) // PIECES
    place = np.zeros((PIECES, size), np.int64)
    for piece in prange(PIECES):
        for i in range(piece * step, min(len(keys), (piece + 1) * step)):
            place[piece, keys[i]] += 1
    # The first free place of each key and piece: counts summed by key, then by piece.
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
class Grouped:
    """Ratings grouped by row number, of users or of movies: compressed sparse rows.

    edges: (rows + 1,), row r has the ratings edges[r] to edges[r + 1]. columns: (n,) row numbers
    of the other side. values: (n,), stars or centred stars.
    """

    edges: I64
    columns: I32
    values: F32

    @classmethod
    def of(cls, rows: I32, columns: I32, values: F32, size: int) -> Self:
        """From ratings in any order; rows: (n,) below `size`. Ratings of a row keep their order."""
        edges, (_, ordered, stars) = sorted_by(rows, size, (rows, columns, values))
        return cls(edges, ordered, stars)

    @property
    def counts(self) -> I64:
        """Number of ratings of each row: (rows,)."""
        return np.diff(self.edges)

    @property
    def triples(self) -> Triples:
        """Row, column and value of each rating, ordered by row."""
        rows = np.repeat(np.arange(len(self.edges) - 1, dtype=np.int32), self.counts)
        return rows, self.columns, self.values


def by_user_and_movie(
    users: I32, movies: I32, values: F32, sizes: tuple[int, int]
) -> tuple[Grouped, Grouped]:
    """The same ratings grouped by user, and by movie; sizes: row numbers of either side."""
    return (
        Grouped.of(users, movies, values, sizes[0]),
        Grouped.of(movies, users, values, sizes[1]),
    )


def balanced_groups(counts: I64, groups: int) -> I32:
    """Group of each row, (rows,): `groups` runs of neighbours with nearly equal total counts."""
    ends = np.cumsum(counts)
    total = max(int(ends[-1]), 1)
    run: I32 = np.minimum(np.maximum(ends - 1, 0) * groups // total, groups - 1).astype(np.int32)
    return run


def pieces(edges: I64, most: int = 256) -> I64:
    """Borders of up to `most` runs of rows with about as many ratings each."""
    wanted = np.linspace(0, edges[-1], most + 1)
    cuts: I64 = np.unique(np.searchsorted(edges, wanted).clip(0, len(edges) - 1))
    return cuts
