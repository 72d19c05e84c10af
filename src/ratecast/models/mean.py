"""The mean of all ratings: the baseline that every model must beat.

RMSE on the chronological split of MovieLens 100K: 1.1327 valid, 1.1182 test.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.ratings import Ratings


@dataclass(kw_only=True, eq=False)
class Mean(Model):
    """Forecast = mean of all ratings so far, for every user and movie.

    It has no settings. A new rating updates the sum and the number of ratings.

    Reference: none; it is the usual baseline.
    Differs: the mean includes the ratings that were observed after the fit.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.Mean().fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "mean"
    is_random: ClassVar[bool] = False

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._sum, self._count = float(train.stars.sum(dtype=np.float64)), len(train)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return Expected(np.full(len(rows), self._sum / self._count))

    @override
    def observe_rows(self, rows: Rows) -> None:
        self._sum += float(rows.change.sum())
        self._count += int(rows.is_first.sum())

    @override
    def arrays(self) -> Arrays:
        return {"total": np.array([self._sum, self._count])}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._sum, self._count = float(arrays["total"][0]), int(arrays["total"][1])
