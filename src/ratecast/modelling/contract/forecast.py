"""What a model predicts: expected stars, their probabilities, and what they rest on."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I64
from ratecast.errors import InputError
from ratecast.ratings import Requests, Scale

INTERVAL = 0.8


class Basis(IntEnum):
    """On what a forecast rests: of which of the two the model was given ratings."""

    KNOWN = 0
    NEW_USER = 1
    NEW_MOVIE = 2
    BOTH_NEW = 3

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @classmethod
    def of(cls, users: I64, movies: I64) -> NDArray[np.int8]:
        """From the number of ratings of each row's user, and of its movie: (n,)."""
        new_user, new_movie = (users == 0).view(np.int8), (movies == 0).view(np.int8)
        new: NDArray[np.int8] = new_user + 2 * new_movie
        return new


_WORDS = ("user and movie known", "new user", "new movie", "new user and new movie")


@dataclass(frozen=True)
class Forecast:
    """One forecast for each request.

    stars: (n,) expected rating, on the scale. probabilities: (n, S), of each star of the scale;
    rows sum to 1. history_length: (n,) how many ratings of the user the model had been given.
    basis: (n,) `Basis` values. requests, scale: what was requested, and the stars there are, where
    the forecast came from `Model.predict` or `Model.walk`.

    >>> import ratecast as rc
    >>> forecast = rc.Bias().fit(rc.example_ratings()).predict([1, 2], [3, 4])
    >>> forecast.frame.columns[:5]
    ['user', 'movie', 'stars', 'low', 'high']
    """

    stars: F64
    probabilities: F64
    history_length: I64
    basis: NDArray[np.int8]
    requests: Requests | None = None
    scale: Scale | None = None

    def __len__(self) -> int:
        return len(self.stars)

    @property
    def frame(self) -> pl.DataFrame:
        """A line for each request, as polars; `.to_pandas()` and `.to_arrow()` make others of it.

        Columns: user, movie, at (where it was given), stars, low and high (the central 80 %
        interval), p_1 ... (the probability of each star), history_length, basis.
        """
        if self.requests is None or self.scale is None:
            raise InputError("forecast: the requests are not known; use what predict gave back")
        low, high = self.interval().T
        chances = {f"p_{s:g}": self.probabilities[:, k] for k, s in enumerate(self.scale.stars)}
        basis = pl.Series(np.asarray(_WORDS)[self.basis], dtype=pl.Enum(_WORDS))
        numbers = {"stars": self.stars, "low": low, "high": high} | chances
        return self.requests.frame.with_columns(
            *(pl.Series(name, column) for name, column in numbers.items()),
            pl.Series("history_length", self.history_length),
            basis.alias("basis"),
        )

    def interval(self, level: float = INTERVAL) -> F64:
        """The central interval of each forecast, (n, 2): two stars of the scale, low and high.

        low is the least star k with P(rating <= k) >= (1 - level) / 2, high the least with
        P(rating <= k) >= (1 + level) / 2: at least the share `level` lies between them, both
        included. Raises `InputError` for a level that is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise InputError(f"interval: level is {level}; give a share between 0 and 1")
        if self.scale is None:
            raise InputError("interval: the scale is not known; use what predict gave back")
        # A sum of probabilities may miss 1 by rounding.
        below = np.cumsum(self.probabilities, axis=1) + 1e-9
        ends = [(below >= edge).argmax(axis=1) for edge in ((1 - level) / 2, (1 + level) / 2)]
        stars: F64 = self.scale.stars[np.column_stack(ends)]
        return stars

    def about(self, requests: Requests, scale: Scale) -> Self:
        """The same forecast, which knows its requests and the scale."""
        return replace(self, requests=requests, scale=scale)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> Self:
        """Only these rows: a mask, or row numbers."""
        requests = None if self.requests is None else self.requests.take(rows)
        return replace(
            self,
            stars=self.stars[rows],
            probabilities=self.probabilities[rows],
            history_length=self.history_length[rows],
            basis=self.basis[rows],
            requests=requests,
        )

    @classmethod
    def concat(cls, parts: list[Self]) -> Self:
        """The forecasts of several calls, in order; those of one are not copied."""
        if len(parts) == 1:
            return parts[0]
        known = [part.requests for part in parts if part.requests is not None]
        requests = None
        if known and len(known) == len(parts):
            requests = replace(known[0], frame=pl.concat([table.frame for table in known]))
        return cls(
            np.concatenate([p.stars for p in parts]),
            np.concatenate([p.probabilities for p in parts]),
            np.concatenate([p.history_length for p in parts]),
            np.concatenate([p.basis for p in parts]),
            requests,
            parts[0].scale,
        )
