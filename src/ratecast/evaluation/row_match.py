"""Which row of a table of forecasts is of which row of a part."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from ratecast.arrays import I64
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.ratings import AT, MOVIE, USER

# In place of a row number.
NONE, SURPLUS = -1, -2
_BLOCK = 1 << 20


def match(part: pl.DataFrame, given: pl.DataFrame) -> I64:
    """For each row of `part` the row of `given` of the same user, movie and time: (n,).

    `NONE` where there is none, and `SURPLUS` where there are more rows than the part has.
    Of a pair that is rated more than once, one row is of all its ratings, and as many rows as these
    are of them in their order. Times tell its ratings apart where both tables have them.

    part, given: one row or more, columns user, movie and, if times are known, at; ids of one type.

    >>> part = pl.DataFrame({"user": [1, 1, 2], "movie": [7, 8, 7]})
    >>> match(part, pl.DataFrame({"user": [2, 1], "movie": [7, 8]})).tolist()
    [-1, 1, 0]
    """
    if given.is_empty():
        return np.full(part.height, NONE, np.int64)
    timed = AT in part.columns and AT in given.columns
    rows, others = (_Sorted.of(key) for key in _pairs(part, given))
    if timed and (rows.repeats or others.repeats):
        rows, others = (_Sorted.of(key) for key in _with_times(part, given))
        timed = False
    matched: I64 = np.empty(part.height, np.int64)
    matched[rows.order] = others.first_of(rows.keys)
    if others.repeats:
        _share_out(rows, others, matched)
    if timed:
        at, times = part[AT].to_numpy(), given[AT].to_numpy()
        for block in _blocks(len(matched)):
            other_time = times[matched[block].clip(0)] != at[block]
            matched[block][other_time & (matched[block] >= 0)] = NONE
    return matched


@dataclass(frozen=True)
class _Sorted:
    """Keys in ascending order, (n,), and of which row each is; equal ones in order of rows."""

    keys: I64
    order: I64

    @classmethod
    def of(cls, keys: I64) -> Self:
        table = pl.DataFrame({"key": keys}).with_row_index("row").sort("key", maintain_order=True)
        return cls(table["key"].to_numpy(), table["row"].to_numpy())

    @property
    def repeats(self) -> bool:
        """Whether two rows have one key."""
        return bool((self.keys[1:] == self.keys[:-1]).any())

    def first_of(self, keys: I64) -> I64:
        """The first row of each key, (n,), `NONE` where no row has it."""
        rows: I64 = np.full(len(keys), NONE, np.int64)
        for block in _blocks(len(keys)):
            wanted = keys[block]
            places = np.searchsorted(self.keys, wanted).clip(max=len(self.keys) - 1)
            there = self.keys[places] == wanted
            rows[block][there] = self.order[places[there]]
        return rows


def _blocks(rows: int) -> Iterator[slice]:
    """A million rows at a time, so that what is computed for each takes little memory."""
    return (slice(start, start + _BLOCK) for start in range(0, rows, _BLOCK))


def _pairs(part: pl.DataFrame, given: pl.DataFrame) -> Iterator[I64]:
    """Numbers of the pairs of user and movie in each table; those that the part lacks have -1."""
    users, movies = (Vocabulary.of(part[kind], part.select(kind).clear()) for kind in (USER, MOVIE))
    for table in (part, given):
        user, movie = users.encode(table[USER]), movies.encode(table[MOVIE])
        pair = user.astype(np.int64) * len(movies) + movie
        pair[(user == UNKNOWN) | (movie == UNKNOWN)] = -1
        yield pair


def _with_times(part: pl.DataFrame, given: pl.DataFrame) -> list[I64]:
    """Numbers of the distinct pairs and times."""
    pairs = pl.Series("pair", np.concatenate(list(_pairs(part, given))))
    both = pl.DataFrame([pairs, pl.concat([part[AT], given[AT]])])
    numbers = both.select(pl.struct("pair", AT).rank("dense").cast(pl.Int64)).to_series().to_numpy()
    return np.split(numbers, [part.height])


def _share_out(rows: _Sorted, others: _Sorted, matched: I64) -> None:
    """Of rows of one key, as many others are of them in order; where these are more, none is."""
    keys = rows.keys
    start, stop = (np.searchsorted(others.keys, keys, side=side) for side in ("left", "right"))
    first, after = (np.searchsorted(keys, keys, side=side) for side in ("left", "right"))
    many, turn = stop - start, np.arange(len(keys)) - first
    several = many > 1
    place = (start + turn).clip(max=len(others.order) - 1)
    found = np.where(turn < many, others.order[place].astype(np.int64), NONE)
    found[many > after - first] = SURPLUS
    matched[rows.order[several]] = found[several]
