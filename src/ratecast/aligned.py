"""Arrays whose rows begin where a cache line of the processor does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64
# Numbers of single precision in a line, and of double.
LANES, DOUBLES = LINE // 4, LINE // 8


def cache_aligned(rows: int, width: int, number: Any = np.float32) -> NDArray[Any]:
    """An array (rows, width) of `number` with unset values; its first row begins at a cache line.

    Reading a vector of 64 numbers that crosses cache lines takes a quarter longer.
    """
    size = np.dtype(number).itemsize * rows * width
    memory = np.empty(size + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    array: NDArray[Any] = memory[start : start + size].view(number).reshape(rows, width)
    return array


def padded(width: int, lanes: int = LANES) -> int:
    """The least multiple of `lanes` that is no less than `width`, nor than `lanes`."""
    return max(-(-width // lanes), 1) * lanes
