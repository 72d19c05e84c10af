"""Rows that say the same of the same: found by one number for each row, which sorts fast."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.ratings import AT, MOVIE, USER

_ROW = "_row"
_MOST = 1 << 63
# A table by value may be this much longer than the values are many.
_GAPS = 8


def keep_latest(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The frame with the latest row of each (user, movie), and how many rows that left out.

    Among rows of equal or unknown time the last in the file is the latest. Order is kept.
    """
    if not _has_repeats(keys(frame.select(USER, MOVIE))):
        return frame, 0
    order = [name for name in (AT, _ROW) if name == _ROW or name in frame.columns]
    latest = (
        frame.with_row_index(_ROW)
        .sort(order)
        .unique([USER, MOVIE], keep="last", maintain_order=True)
        .sort(_ROW)
        .drop(_ROW)
    )
    return latest, frame.height - latest.height


def keys(frame: pl.DataFrame) -> NDArray[np.int64]:
    """A number for each row, (n,): equal for rows that are equal in all columns, and only then.

    Numbers of two frames cannot be compared; stack the frames for that. No value may be null.
    """
    key, span = np.zeros(frame.height, np.int64), 1
    for column in frame.iter_columns():
        code, more = _codes(column)
        if span * more >= _MOST:
            key, span = _dense(pl.Series(key))
        if span * more >= _MOST:
            code, more = _dense(column)
        key, span = key * more + code, span * more
    return key


def _has_repeats(key: NDArray[np.int64]) -> bool:
    """Quick where rows are ordered, as MovieLens orders them by user and movie."""
    if len(key) < 2 or bool((key[1:] > key[:-1]).all()):
        return False
    ordered = np.sort(key)
    return bool((ordered[1:] == ordered[:-1]).any())


def codes(column: pl.Series, most: int) -> tuple[NDArray[np.int64], int]:
    """Numbers from 0 that stand for the values, and their bound, which stays near `most`."""
    code, bound = _codes(column)
    return (code, bound) if bound <= _GAPS * max(most, 1) else _dense(column)


def _codes(column: pl.Series) -> tuple[NDArray[np.int64], int]:
    """Numbers from 0 that stand for the values, and their bound."""
    if column.dtype == pl.String:
        column = column.cast(pl.Categorical).to_physical().cast(pl.Int64)
    low, high = column.min(), column.max()
    if column.dtype != pl.Int64 or not (isinstance(low, int) and isinstance(high, int)):
        return _dense(column)
    return column.to_numpy() - low, high - low + 1


def _dense(column: pl.Series) -> tuple[NDArray[np.int64], int]:
    if column.is_empty():
        return np.zeros(0, np.int64), 1
    code = column.rank("dense").cast(pl.Int64).to_numpy() - 1
    return code, int(code.max()) + 1
