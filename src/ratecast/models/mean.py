"""The mean of all ratings: what every model must beat.

RMSE on the chronological split of MovieLens 100K: 1.1327 valid, 1.1182 test.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ratecast.models.base import Arrays, Model
from ratecast.models.rows import Expected, Rows
from ratecast.ratings import Ratings


@dataclass(kw_only=True, eq=False)
class Mean(Model):
    """Answers the mean of all ratings heard so far, whoever asks."""

    name: ClassVar[str] = "mean"
    draws: ClassVar[bool] = False

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        self._sum, self._count = float(train.stars.sum(dtype=np.float64)), len(train)

    def _expect(self, rows: Rows) -> Expected:
        return Expected(np.full(len(rows), self._sum / self._count))

    def _observe(self, rows: Rows) -> None:
        self._sum += float(rows.stars.sum(dtype=np.float64))
        self._count += len(rows)

    def _arrays(self) -> Arrays:
        return {"total": np.array([self._sum, self._count])}

    def _restore(self, arrays: Arrays) -> None:
        self._sum, self._count = float(arrays["total"][0]), int(arrays["total"][1])
