"""Rows that the trees learn from: what was known before a rating, and the surprise it was."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, F64

MOST, GROWTH = 100_000, 0.2


@dataclass(frozen=True)
class Lessons:
    """The latest rows, at most MOST, in order of time.

    columns: (n, C). surprise: (n,), stars. new: (1,), rows since the trees last learned.
    """

    columns: F32
    surprise: F64
    new: NDArray[np.int64]

    @classmethod
    def none(cls, width: int) -> "Lessons":
        """No row. width: C."""
        return cls(np.zeros((0, width), np.float32), np.zeros(0), np.zeros(1, np.int64))

    def with_more(self, columns: F32, surprise: F64) -> "Lessons":
        """Later rows too."""
        return Lessons(
            np.concatenate([self.columns, columns])[-MOST:],
            np.concatenate([self.surprise, surprise])[-MOST:],
            self.new + len(surprise),
        )

    def learned(self) -> "Lessons":
        """The same, none of them new."""
        return replace(self, new=np.zeros(1, np.int64))

    def due(self) -> bool:
        """Whether so much is new that the trees should learn again."""
        return bool(self.new[0] >= GROWTH * len(self.surprise) > 0)
