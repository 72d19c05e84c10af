"""Radix sort of 32-bit integers in three passes, several times as fast as a comparison sort."""

import numpy as np
from numpy.typing import NDArray

from ratecast.compiled import njit

_BITS = 11
_DIGITS = 1 << _BITS
_MASK = _DIGITS - 1
_PASSES = 3


@njit(cache=True)
def order(values: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Row numbers that sort `values`, stably: (n,). max - min must be under 2^32.

    Each value is read once to count all digits; a pass reads and writes 8 bytes a row.
    """
    count = len(values)
    least, span = values.min(), values.max() - values.min()
    position = np.zeros((_PASSES, _DIGITS + 1), np.int64)
    key, row = np.empty(count, np.uint32), np.empty(count, np.uint32)
    for k in range(count):
        distance = values[k] - least
        key[k], row[k] = distance, k
        for digit in range(_PASSES):
            position[digit, ((distance >> (digit * _BITS)) & _MASK) + 1] += 1
    key_to, row_to = np.empty_like(key), np.empty_like(row)
    for digit in range(_PASSES):
        if span >> (digit * _BITS):
            _pass(key, row, key_to, row_to, (position[digit], digit * _BITS))
            key, key_to = key_to, key
            row, row_to = row_to, row
    return row


@njit(cache=True)
def _pass(
    key: NDArray[np.uint32],
    row: NDArray[np.uint32],
    key_to: NDArray[np.uint32],
    row_to: NDArray[np.uint32],
    digit: tuple[NDArray[np.int64], int],
) -> None:
    """Sort keys and rows by one digit, stably: a counting sort.

    digit: how often each digit occurs, from the second entry on, and how far it is shifted.
    """
    position, shift = digit
    for d in range(_DIGITS):
        position[d + 1] += position[d]
    for k in range(len(key)):
        d = (key[k] >> np.uint32(shift)) & np.uint32(_MASK)
        key_to[position[d]], row_to[position[d]] = key[k], row[k]
        position[d] += 1
