"""Whether a text may have numbers with leading zeros or a sign, which parsed numbers would lose."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_CHUNK = 1 << 17


def may_be_in(source: Path | bytes, separator: str) -> bool:
    """Whether a field of the text may start with a sign, or with a zero before a digit."""
    starts = [np.uint8(byte) for byte in b'\n\r\t" ' + separator.encode()]
    with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as file:
        last = b"\n"
        while chunk := file.read(_CHUNK):
            if _padded(np.frombuffer(last + chunk, np.uint8), starts):
                return True
            last = (last + chunk)[-2:]
    return False


def _padded(data: NDArray[np.uint8], starts: list[np.uint8]) -> bool:
    """Whether a byte that follows one of `starts` is a sign, or a zero before a digit."""
    before, first, second = data[:-2], data[1:-1], data[2:]
    # Compared one by one: a table of 256 entries would take ten times as long.
    found = (first == ord("0")) & (second - np.uint8(ord("0")) < 10)
    found |= (first == ord("+")) | (first == ord("-"))
    after = before == starts[0]
    for start in starts[1:]:
        after |= before == start
    return bool((found & after).any())
