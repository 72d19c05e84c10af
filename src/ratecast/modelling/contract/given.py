"""The last rating of each pair that a model was given, so that a later one takes its place.

Ratings of the fit stand in rows sorted by user and movie, 8 bytes each, and are sorted when they
are first looked at. Those observed later stand in a hash table with linear probing.
Reference: Knuth 1998, "The Art of Computer Programming", volume 3, section 6.4, algorithm L.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, I32, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.kernels.csr import Grouped, Triples, sorted_by
from ratecast.ratings import AT
from ratecast.sorting import by_time

_MIN_CAPACITY = 64
# Slots of the hash table for each rating, at the least.
_ROOM = 1.3
# Row 0 stands for unknown ids, which have no ratings, so no pair has this key.
_FREE = 0
# The bits of a NaN in single precision.
_NONE = np.int32(0x7FC00000)
# 2^64 divided by the golden ratio, as a signed number.
_MULTIPLIER = np.int64(-7046029254386353131)


class _Fitted:
    """The ratings of a fit. They never change, so copies of a model share them."""

    def __init__(self, triples: Triples, sizes: tuple[int, int], at: I64 | None = None) -> None:
        self._unsorted: tuple[Triples, I64 | None] | None = (triples, at)
        self._sizes = sizes

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @cached_property
    def grouped(self) -> Grouped:
        """By user, movies ascending; of a pair's ratings the latest comes last."""
        assert self._unsorted is not None
        triples, at = self._unsorted
        if at is not None:
            order = by_time(at)
            triples = triples[0][order], triples[1][order], triples[2][order]
        _, triples = sorted_by(triples[1], self._sizes[1], triples)
        edges, (_, movies, stars) = sorted_by(triples[0], self._sizes[0], triples)
        self._unsorted = None
        return Grouped(read_only(edges), read_only(movies), read_only(stars))


@dataclass(eq=False)
class GivenRatings:
    """The last rating of each pair, by row numbers.

    The hash table has a key, user << 32 | movie, and a value in each slot, so that one line of the
    cache has both: the number of the rating among those observed, and the bits of its stars (NaN
    after a removal).
    """

    _fitted: _Fitted
    _later: I64
    _used: int = 0
    _turn: int = 0

    @classmethod
    def of(cls, train: Rows, users: int, movies: int) -> Self:
        """Those of a fit. users, movies: lines of the vocabularies."""
        table = train.table
        in_order = not table.timed or table.frame[AT].is_sorted()
        at = None if in_order else table.frame[AT].to_numpy()
        fitted = _Fitted((train.users, train.movies, train.stars), (users, movies), at)
        return cls(fitted, _empty(_MIN_CAPACITY))

    @classmethod
    def of_grouped(cls, by_user: Grouped) -> Self:
        """Those of a fit, by user and then by movie; of a pair's ratings the latest comes last."""
        given = cls.none()
        given._fitted.grouped = Grouped(  # noqa: SLF001
            read_only(by_user.edges), read_only(by_user.columns), read_only(by_user.values)
        )
        return given

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave, taken out of these; an artifact from before has none."""
        if "given.edges" not in arrays:
            return cls.none()
        names = "given.edges", "given.movies", "given.stars"
        return cls.of_grouped(Grouped(*(arrays.pop(name) for name in names)))

    @classmethod
    def none(cls) -> Self:
        """Of no ratings; a later rating of a pair is taken as its first."""
        none = np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.float32)
        return cls(_Fitted(none, (1, 1)), _empty(_MIN_CAPACITY))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The last rating of each pair, by the names that an artifact gives them."""
        grouped = self._merged() if self._used else self._fitted.grouped
        return {
            "given.edges": grouped.edges,
            "given.movies": grouped.columns,
            "given.stars": grouped.values,
        }

    def add(self, rows: Rows, edges: I64) -> F32:
        """Store these ratings; the stars that each row's pair had before, NaN for none: (n,).

        edges: (k + 1,) borders of the tie groups. A row of a pair that comes again in its group
        gets its own stars, as a row given again does: of either there is nothing to learn.
        """
        self._reserve(len(rows))
        former = np.empty(len(rows), np.int32)
        columns = rows.users, rows.movies, read_only(rows.stars.view(np.int32))
        known = self._fitted.grouped
        fitted = known.edges, known.columns, known.values.view(np.int32)
        self._used += _add(columns, edges, fitted, (self._later, self._turn), former)
        self._turn += len(rows)
        return former.view(np.float32)

    def remove(self, users: I32, movies: I32) -> None:
        """These pairs, (n,) row numbers each, have no rating any more."""
        self._reserve(len(users))
        self._used += _remove(users, movies, self._later)

    def movies_of(self, user: int) -> I32:
        """Row numbers of the movies that this user rated: (n,), as often as in the fit."""
        fitted, (keys, values) = self._fitted.grouped, self._later.T
        # Users who came after the fit have no edges.
        start, stop = fitted.edges[np.minimum([user, user + 1], len(fitted.edges) - 1)]
        own = (keys != _FREE) & (keys >> 32 == user)
        movies, removed = keys[own].astype(np.int32), values[own].astype(np.int32) == _NONE
        known = fitted.columns[start:stop]
        rated: I32 = np.concatenate([known, np.setdiff1d(movies, known)])
        return rated[~np.isin(rated, movies[removed])]

    def _reserve(self, more: int) -> None:
        """Make room for so many more pairs."""
        wanted = int(_ROOM * (self._used + more))
        if wanted > len(self._later):
            grown = _empty(1 << wanted.bit_length())
            _move(self._later, grown)
            self._later = grown

    def _merged(self) -> Grouped:
        """The ratings of the fit and those observed, once for each pair."""
        keys, values = self._later[self._later[:, 0] != _FREE].T
        stars = values.astype(np.int32).view(np.float32)
        users, movies = (keys >> 32).astype(np.int32), keys.astype(np.int32)
        first, second, third = self._fitted.grouped.triples
        both = (
            np.concatenate([first, users]),
            np.concatenate([second, movies]),
            np.concatenate([third, stars]),
        )
        sizes = int(both[0].max(initial=0)) + 1, int(both[1].max(initial=0)) + 1
        users, movies, values = _Fitted(both, sizes).grouped.triples
        again = (users[1:] == users[:-1]) & (movies[1:] == movies[:-1])
        kept = ~np.append(again, False) & ~np.isnan(values)
        return Grouped.of(users[kept], movies[kept], values[kept], sizes[0])


def _empty(capacity: int) -> I64:
    """A hash table without entries; capacity: a power of 2."""
    return np.zeros((capacity, 2), np.int64)


@njit(cache=True)
def _slot(later, key):  # type: ignore[no-untyped-def]
    """The slot of a key, or the free one where it belongs."""
    most = len(later) - 1
    at = ((key * _MULTIPLIER) >> 32) & most
    while later[at, 0] != _FREE and later[at, 0] != key:
        at = (at + 1) & most
    return at


@njit(cache=True)
def _last_fitted(user, movie, fitted):  # type: ignore[no-untyped-def]
    """The last rating of a pair in the fit, or NaN: its bits."""
    edges, movies, stars = fitted
    if user >= len(edges) - 1:
        return _NONE
    # The last place of a movie up to this one, found without a branch that is hard to predict.
    place, left = edges[user], edges[user + 1] - edges[user]
    while left > 1:
        half = left >> 1
        place += half * (movies[place + half] <= movie)
        left -= half
    if left and movies[place] == movie:
        return stars[place]
    return _NONE


@njit(cache=True)
def _add(rows, edges, fitted, later, former):  # type: ignore[no-untyped-def]
    """Fill `former` (n,) and store the rows; returns how many slots were taken.

    Stars are their bits. later: the hash table, and the number of the first row.
    """
    users, movies, stars = rows
    table, first = later
    taken = 0
    for group in range(len(edges) - 1):
        for i in range(edges[group], edges[group + 1]):
            key = np.int64(users[i]) << 32 | np.int64(movies[i])
            at = _slot(table, key)
            turn = table[at, 1] >> 32
            if table[at, 0] == _FREE:
                former[i] = _last_fitted(users[i], movies[i], fitted)
                if former[i] == stars[i]:
                    continue
                table[at, 0] = key
                taken += 1
            elif turn >= first + edges[group]:
                # The pair's second row in this group: the first one does not count.
                earlier = turn - first
                former[i], former[earlier] = former[earlier], stars[earlier]
            else:
                former[i] = np.int32(table[at, 1])
            table[at, 1] = (first + i) << 32 | np.int64(np.uint32(stars[i]))
    return taken


@njit(cache=True)
def _remove(users, movies, later):  # type: ignore[no-untyped-def]
    """Mark pairs as not rated; returns how many slots were taken."""
    taken = 0
    for i in range(len(users)):
        key = np.int64(users[i]) << 32 | np.int64(movies[i])
        at = _slot(later, key)
        taken += later[at, 0] == _FREE
        later[at, 0], later[at, 1] = key, np.int64(-1) << 32 | np.int64(_NONE)
    return taken


@njit(cache=True)
def _move(source, target):  # type: ignore[no-untyped-def]
    """Copy all entries into an empty table."""
    for i in range(len(source)):
        if source[i, 0] != _FREE:
            at = _slot(target, source[i, 0])
            target[at, 0], target[at, 1] = source[i, 0], source[i, 1]
