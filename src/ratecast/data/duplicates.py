"""Duplicate rows of a (user, movie) pair, found by one integer key for each row."""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.data.timestamps import FRACTION
from ratecast.ratings import AT, MOVIE, USER

_ROW = "_row"
_INT64_END = 1 << 63
# A lookup table by value may have this many entries for each row.
_MAX_SPARSITY = 8
_BLOCK = 1 << 16


def keep_latest(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with the latest row of each (user, movie), and how many rows were dropped.

    Among rows of equal or unknown time the last one in the file is kept; fractions of a second
    count where the frame has their column. The order stays.
    """
    repeated = _repeated(frame)
    if not repeated.any():
        return frame, 0
    order = [name for name in (AT, FRACTION) if name in frame.columns]
    rows = frame.with_row_index(_ROW).filter(repeated)
    latest = rows.sort([*order, _ROW]).unique([USER, MOVIE], keep="last")[_ROW]
    dropped = rows.filter(~rows[_ROW].is_in(latest.implode()))[_ROW].to_numpy()
    kept = np.ones(frame.height, np.bool_)
    kept[dropped] = False
    return frame.filter(pl.Series(kept)), len(dropped)


def keys(frame: pl.DataFrame) -> NDArray[np.int64]:
    """An integer key for each row, (n,): equal exactly for rows that are equal in all columns.

    Keys of two frames cannot be compared; stack the frames for that. No value may be null.
    """
    key, bound = np.zeros(frame.height, np.int64), 1
    for column in frame.iter_columns():
        code, column_bound = _codes(column)
        if bound * column_bound >= _INT64_END:
            key, bound = _dense(pl.Series(key))
        if bound * column_bound >= _INT64_END:
            code, column_bound = _dense(column)
        key, bound = key * column_bound + code, bound * column_bound
    return key


def _repeated(frame: pl.DataFrame) -> pl.Series:
    """Rows whose pair occurs again, (n,), and perhaps others; fast where there are none."""
    pairs = frame.select(USER, MOVIE)
    if pl.String in pairs.dtypes:
        # Equal pairs have equal hashes. Unequal pairs may have equal ones, and are compared later.
        key = (pairs[USER].hash(1) ^ pairs[MOVIE].hash(2)).to_numpy()
    elif _ascending(*(column.to_numpy() for column in pairs.iter_columns())):
        return pl.Series([False])
    else:
        key = keys(pairs)
    ordered = np.sort(key)
    if not bool((ordered[1:] == ordered[:-1]).any()):
        return pl.Series([False])
    del ordered
    return pl.Series(key).is_duplicated()


def _ascending(users: NDArray[Any], movies: NDArray[Any]) -> bool:
    """Whether each pair is above the one before it, so that none occurs twice; of (n,) ids each.

    Published files are in this order. In blocks, so that another order is soon found.
    """
    for start in range(0, len(users) - 1, _BLOCK):
        user, movie = (ids[start : start + _BLOCK + 1] for ids in (users, movies))
        above = (user[1:] > user[:-1]) | ((user[1:] == user[:-1]) & (movie[1:] > movie[:-1]))
        if not above.all():
            return False
    return True


def codes(column: pl.Series, rows: int) -> tuple[NDArray[np.int64], int]:
    """Non-negative codes of the values, (n,), and their bound, a small multiple of `rows`."""
    code, bound = _codes(column)
    return (code, bound) if bound <= _MAX_SPARSITY * max(rows, 1) else _dense(column)


def _codes(column: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Non-negative codes of the values, (n,), and their bound."""
    if column.dtype == pl.String:
        column = column.cast(pl.Categorical).to_physical().cast(pl.Int64)
    low, high = column.min(), column.max()
    if column.dtype != pl.Int64 or not (isinstance(low, int) and isinstance(high, int)):
        return _dense(column)
    return column.to_numpy() - low, high - low + 1


def _dense(column: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Codes 0, 1, 2, ... in the order of the values, and how many there are."""
    if column.is_empty():
        return np.zeros(0, np.int64), 1
    code = column.rank("dense").cast(pl.Int64).to_numpy() - 1
    return code, int(code.max()) + 1
