"""Arrays whose rows begin where a cache line of the processor does."""

import numpy as np
from numpy.typing import NDArray

LINE = 64
# Numbers of single precision in a line, and of double.
LANES, DOUBLES = LINE // 4, LINE // 8


def cache_aligned(rows: int, width: int) -> NDArray[np.float32]:
    """An array (rows, width) with unset values; its first row begins at a cache line.

    Reading a vector of 64 numbers that crosses cache lines takes a quarter longer.
    """
    memory = np.empty(4 * rows * width + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + 4 * rows * width].view(np.float32).reshape(rows, width)


def padded(width: int, lanes: int = LANES) -> int:
    """The least multiple of `lanes` that is no less than `width`, nor than `lanes`."""
    return max(-(-width // lanes), 1) * lanes
