"""Ratings grouped by user or by movie (compressed sparse rows), by a parallel counting sort."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from ratecast.arrays import F32, F64, I32, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import MANY, at_once, on_all_threads

Triples = tuple[I32, I32, F32]
V = TypeVar("V", F32, F64)
W = TypeVar("W", I32, F32, F64)

PIECES = 8


def sorted_by(keys: I32, size: int, columns: tuple[I32, I32, V]) -> tuple[I64, tuple[I32, I32, V]]:
    """Borders of the rows of each key, (size + 1,), and the columns in order of the keys.

    keys: (n,) below `size`. columns: users, movies and values, each (n,); ties keep their order.
    """
    keys = read_only(keys)
    edges, place = _places(keys, size)
    users, movies, values = columns
    ordered = _moved(keys, place, users), _moved(keys, place, movies), _moved(keys, place, values)
    return edges, ordered


def _places(keys: I32, size: int) -> tuple[I64, I64]:
    """Borders of the rows of each key, (size + 1,), and its first place in each piece."""
    place, edges = np.zeros((PIECES, size), np.int64), np.zeros(size + 1, np.int64)
    _run(len(keys))(_count, np.arange(PIECES + 1), keys, place)
    _first_places(place, edges)
    return edges, place


def _moved(keys: I32, place: I64, column: W) -> W:
    """The column (n,) in order of the keys."""
    ordered = np.empty_like(column)
    each = np.arange(PIECES + 1)
    _run(len(keys))(_copy, each, keys, place.copy(), read_only(column), ordered)
    return ordered


def _run(rows: int) -> Callable[..., None]:
    """Pieces one after another where there is little to do; their number changes no bit."""
    return on_all_threads if rows >= MANY else at_once


@njit(cache=True, nogil=True)
def _count(pieces, keys, place):  # type: ignore[no-untyped-def]
    """How often each key occurs in each piece of the rows, into place (PIECES, size)."""
    step = (len(keys) + PIECES - 1) // PIECES
    for piece in range(pieces[0], pieces[1]):
        for i in range(piece * step, min(len(keys), (piece + 1) * step)):
            place[piece, keys[i]] += 1


@njit(cache=True)
def _first_places(place, edges):  # type: ignore[no-untyped-def]
    """The first free place of each key and piece: counts summed by key, then by piece."""
    total = 0
    for key in range(len(edges) - 1):
        for piece in range(PIECES):
            count = place[piece, key]
            place[piece, key] = total
            total += count
        edges[key + 1] = total


@njit(cache=True, nogil=True)
def _copy(pieces, keys, place, column, ordered):  # type: ignore[no-untyped-def]
    """Copy the rows of each piece to the places of their keys."""
    step = (len(keys) + PIECES - 1) // PIECES
    for piece in range(pieces[0], pieces[1]):
        for i in range(piece * step, min(len(keys), (piece + 1) * step)):
            to = place[piece, keys[i]]
            place[piece, keys[i]] = to + 1
            ordered[to] = column[i]


@dataclass(frozen=True)
class Pattern:
    """Which columns each row has ratings of: compressed sparse rows without the values.

    edges: (rows + 1,), row r has the ratings edges[r] to edges[r + 1]. columns: (n,) row numbers of
    the other side.
    """

    edges: I64
    columns: I32

    @property
    def counts(self) -> I64:
        """Number of ratings of each row: (rows,)."""
        return np.diff(self.edges)


def pattern(rows: I32, columns: I32, size: int) -> Pattern:
    """From ratings in any order; rows: (n,) below `size`. Ratings of a row keep their order."""
    rows = read_only(rows)
    edges, place = _places(rows, size)
    return Pattern(edges, _moved(rows, place, columns))


def patterns(users: I32, movies: I32, sizes: tuple[int, int]) -> Iterator[Pattern]:
    """Of the same ratings by user, then by movie; one after another, since either takes memory."""
    yield pattern(users, movies, sizes[0])
    yield pattern(movies, users, sizes[1])


@dataclass(frozen=True)
class Grouped(Pattern):
    """Ratings grouped by row number, of users or of movies: compressed sparse rows.

    values: (n,), stars or centred stars.
    """

    values: F32

    @classmethod
    def of(cls, rows: I32, columns: I32, values: F32, size: int) -> Self:
        """From ratings in any order; rows: (n,) below `size`. Ratings of a row keep their order."""
        rows = read_only(rows)
        edges, place = _places(rows, size)
        return cls(edges, _moved(rows, place, columns), _moved(rows, place, values))

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
    """Borders of up to `most` runs of rows with about as many ratings each, from 0 to all rows."""
    if len(edges) <= most:
        return np.arange(len(edges))
    wanted = np.linspace(0, edges[-1], most + 1)[:-1]
    cuts: I64 = np.unique(np.append(np.searchsorted(edges, wanted), len(edges) - 1))
    return cuts
