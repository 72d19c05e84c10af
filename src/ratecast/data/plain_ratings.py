"""Reads large files of plain ratings, such as `1,296,5.0,1147880044`, on all threads.

Whatever is written otherwise is left to polars, which takes four times as long for these rows.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.compiled import njit

# Of a smaller file, making numba ready takes longer than it saves.
LEAST_BYTES = 1 << 24
TYPES = (pl.Int64, pl.Int64, pl.Float32, pl.Int64)
_PIECE = 1 << 25
_NEWLINE, _RETURN, _POINT, _ZERO, _NINE = 10, 13, 46, 48, 57
_MOST_DIGITS = 18
_NEWLINES, _LOW_BITS = np.uint64(0x0A0A0A0A0A0A0A0A), np.uint64(0x7F7F7F7F7F7F7F7F)


def read_plain(path: Path, skip: int, separator: str) -> list[pl.Series] | None:
    """User, movie, rating and time of each row, (n,) each; None if a row is not plain.

    Plain: whole numbers without a sign, of up to 18 digits; a rating of one digit, with one decimal
    or none; no blanks, quotes or blank lines; a last line that ends. skip: lines before the first
    row. separator: one ASCII character.
    """
    data = np.memmap(path, np.uint8, "r").view(np.ndarray)
    start = _after_lines(data, skip)
    if start is None or data[-1] != _NEWLINE:
        return None
    # Imported after the file was looked at: it takes a tenth of a second.
    from numba import get_num_threads

    cuts, words = _cuts(data, start), data[: len(data) // 8 * 8].view(np.uint64)
    with ThreadPoolExecutor(int(get_num_threads())) as pool:
        ends = np.cumsum(
            [0, *pool.map(lambda cut: _count_lines(data, words, *cut), pairwise(cuts))]
        )
        columns = [np.empty(ends[-1], t) for t in (np.int64, np.int64, np.float32, np.int64)]
        jobs = zip(pairwise(cuts), pairwise(ends.tolist()), strict=True)
        done = pool.map(
            lambda job: _parse(
                data, job[0], ord(separator), tuple(c[slice(*job[1])] for c in columns)
            ),
            jobs,
        )
        if not all(done):
            return None
    # One after another, so that only one is in memory twice.
    return [pl.Series(columns.pop(0)) for _ in TYPES]


def _after_lines(data: NDArray[np.uint8], count: int) -> int | None:
    """Where the line after the first `count` begins, or None."""
    start = 0
    for _ in range(count):
        end = data[start : start + (1 << 16)].tobytes().find(b"\n")
        if end < 0:
            return None
        start += end + 1
    return start


def _cuts(data: NDArray[np.uint8], start: int) -> list[int]:
    """Borders of pieces of whole lines, from `start` to the end."""
    cuts = [start]
    while cuts[-1] < len(data):
        at = cuts[-1] + _PIECE
        after = None if at >= len(data) else _after_lines(data[at:], 1)
        cuts.append(len(data) if after is None else at + after)
    return cuts


@njit(cache=True, nogil=True)
def _count_lines(data, words, start, stop):  # type: ignore[no-untyped-def]
    """How many lines end from byte `start` to `stop` - 1. words: the data, eight bytes each.

    Of each word the bytes that are a newline are found at once: with these as the only zeros, the
    sum with 127 of the lower seven bits leaves the highest bit of such a byte alone unset.
    """
    first, last = min((start + 7) // 8, len(words)), min(stop // 8, len(words))
    first = min(first, last)
    count = np.int64(0)
    for k in range(start, min(8 * first, stop)):
        count += data[k] == _NEWLINE
    for k in range(max(8 * last, start), stop):
        count += data[k] == _NEWLINE
    # A byte of the sum holds so many.
    for block in range(first, last, 255):
        found = np.uint64(0)
        for k in range(block, min(block + 255, last)):
            other = words[k] ^ _NEWLINES
            found += ~(((other & _LOW_BITS) + _LOW_BITS) | other | _LOW_BITS) >> np.uint64(7)
        for byte in range(8):
            count += np.int64((found >> np.uint64(8 * byte)) & np.uint64(255))
    return count


@njit(cache=True, nogil=True)
def _parse(data, piece, separator, columns):  # type: ignore[no-untyped-def]
    """Fill user, movie, rating and time from the lines of a piece; False if one is not plain.

    The piece ends with a newline, which ends each loop. About two operations a byte.
    """
    users, movies, ratings, times = columns
    k, stop = piece
    for row in range(len(users)):
        users[row], k = _whole(data, k, separator)
        if k:
            movies[row], k = _whole(data, k, separator)
        if k:
            ratings[row], k = _stars(data, k, separator)
        if k:
            times[row], k = _whole(data, k, _NEWLINE)
        if not k:
            return False
    return k == stop


@njit(cache=True)
def _whole(data, k, end):  # type: ignore[no-untyped-def]
    """The number from byte k on, and the byte after the character `end` behind it; 0 if none is."""
    first, value = k, np.int64(0)
    while _ZERO <= data[k] <= _NINE:
        value = 10 * value + (np.int64(data[k]) - _ZERO)
        k += 1
    digits = k - first
    if end == _NEWLINE and data[k] == _RETURN:
        k += 1
    plain = 0 < digits <= _MOST_DIGITS and data[k] == end
    return value, (k + 1 if plain else 0)


@njit(cache=True)
def _stars(data, k, end):  # type: ignore[no-untyped-def]
    """A rating of one digit, with one decimal or none, as `_whole` gives a number."""
    if not _ZERO <= data[k] <= _NINE:
        return np.float32(0.0), 0
    tenths = 10 * (np.int64(data[k]) - _ZERO)
    k += 1
    if data[k] == _POINT:
        if not _ZERO <= data[k + 1] <= _NINE:
            return np.float32(0.0), 0
        tenths += np.int64(data[k + 1]) - _ZERO
        k += 2
    return np.float32(tenths / 10.0), (k + 1 if data[k] == end else 0)
