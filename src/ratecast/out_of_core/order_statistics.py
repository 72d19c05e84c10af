"""Quantiles of a column on disk, in bounded memory."""

from collections.abc import Iterator

import numpy as np

from ratecast.arrays import I64
from ratecast.compiled import njit
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.columns import Columns

_BINS = 1 << 16
_CHUNK = 1 << 22


def quantile(columns: Columns, name: str, share: float) -> float:
    """The quantile of a column of whole numbers, as numpy interpolates it."""
    place = (columns.rows - 1) * share
    below = int(place)
    pair = [_of_rank(columns, name, min(rank, columns.rows - 1)) for rank in (below, below + 1)]
    return float(np.quantile(np.array(pair), place - below))


def _of_rank(columns: Columns, name: str, rank: int) -> int:
    """The value with so many before it in order: counted in bins, then in bins of one of these."""
    ends = [(int(values.min()), int(values.max())) for values in _chunks(columns, name)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    while low < high:
        width = (high - low) // _BINS + 1
        counts = np.zeros(_BINS, np.int64)
        for values in _chunks(columns, name):
            _count(values, low, high, width, counts)
        ends_of_bins = np.cumsum(counts)
        chosen = int(np.searchsorted(ends_of_bins, rank, "right"))
        rank -= int(ends_of_bins[chosen] - counts[chosen])
        low, high = low + chosen * width, min(high, low + (chosen + 1) * width - 1)
    return low


def _chunks(columns: Columns, name: str) -> Iterator[I64]:
    def read(first: int) -> I64:
        values: I64 = columns.read(name, first, min(first + _CHUNK, columns.rows))
        return values

    return read_ahead(range(0, columns.rows, _CHUNK), read)


@njit(cache=True, nogil=True)
def _count(values, low, high, width, counts):  # type: ignore[no-untyped-def]
    """Add how many of the values (n,) from low to high are in each bin of this width."""
    for value in values:
        if low <= value <= high:
            counts[(value - low) // width] += 1
