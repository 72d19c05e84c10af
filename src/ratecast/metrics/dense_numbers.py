"""Consecutive numbers for ids, without sorting the rows where the ids are integers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I64

# A table of as many places as this, beside those of the rows, costs nothing.
_PLACES = 1_000_000


def dense_numbers(ids: NDArray[Any]) -> tuple[I64, int]:
    """The place of each id among the ascending distinct ids, (n,), and how many there are.

    As of `np.unique`, in one pass where the ids are integers whose range is not much longer than
    the rows.

    >>> dense_numbers(np.array([7, 3, 7]))
    (array([1, 0, 1]), 2)
    """
    if np.issubdtype(ids.dtype, np.integer) and len(ids):
        low, high = int(ids.min()), int(ids.max())
        if high - low < _PLACES + 4 * len(ids):
            wide = ids.astype(np.uint64 if ids.dtype.kind == "u" else np.int64)
            places = (wide - wide.min()).astype(np.int64)
            is_there = np.zeros(high - low + 1, bool)
            is_there[places] = True
            numbers = np.cumsum(is_there, dtype=np.int64) - 1
            return numbers[places], int(numbers[-1]) + 1
    distinct, place = np.unique(ids, return_inverse=True)
    return place.astype(np.int64), len(distinct)
