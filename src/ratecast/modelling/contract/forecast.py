"""What a model predicts: expected stars, their distribution, and what they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ratecast.arrays import F64, I64
from ratecast.errors import InputError
from ratecast.modelling.contract import distribution
from ratecast.ratings import Requests, Scale

INTERVAL = 0.8
# Levels of the quantiles in the frame of a continuous scale.
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)


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

    stars: (n,) expected rating, on the scale. probabilities: (n, S), of each star of the scale, or
    of each cell of a continuous one, see `Scale`; rows sum to 1. history_length: (n,) how many
    ratings of the user the model had been given. basis: (n,) `Basis` values. requests, scale: what
    was requested, and the stars there are, where the forecast came from `Model.predict` or
    `Model.walk`.

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
        interval), p_1 ... (the probability of each star), history_length, basis. On a continuous
        scale q_0.05 ... q_0.95 (quantiles) take the place of the probabilities.
        """
        if self.requests is None:
            raise InputError("forecast: the requests are not known; use what predict gave back")
        low, high = self.interval().T
        scale = self._known_scale()
        if scale.is_continuous:
            columns = zip(LEVELS, self.quantiles(LEVELS).T, strict=True)
            chances = {f"q_{level:g}": column for level, column in columns}
        else:
            chances = {f"p_{s:g}": self.probabilities[:, k] for k, s in enumerate(scale.stars)}
        basis = pl.Series(np.asarray(_WORDS)[self.basis], dtype=pl.Enum(_WORDS))
        numbers = {"stars": self.stars, "low": low, "high": high} | chances
        return self.requests.frame.with_columns(
            *(pl.Series(name, column) for name, column in numbers.items()),
            pl.Series("history_length", self.history_length),
            basis.alias("basis"),
        )

    def interval(self, level: float = INTERVAL) -> F64:
        """The central interval of each forecast, (n, 2): low and high, both on the scale.

        They are the quantiles (1 - level) / 2 and (1 + level) / 2: on a scale of stars at least
        the share `level` lies between them, both included, on a continuous one exactly that.
        Raises `InputError` for a level that is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise InputError(f"interval: level is {level}; give a share between 0 and 1")
        return self.quantiles(((1 - level) / 2, (1 + level) / 2))

    def quantiles(self, levels: Sequence[float]) -> F64:
        """The rating that each forecast stays at or below with each probability: (n, levels).

        On a scale of stars the least star k with P(rating <= k) >= level; on a continuous one the
        value where the distribution function is level. Raises `InputError` for a level that is
        not between 0 and 1.
        """
        shares = _numbers(levels, "quantiles: levels")
        if shares.ndim != 1 or not len(shares) or not ((shares > 0) & (shares < 1)).all():
            raise InputError(
                f"quantiles: levels are {levels}; give a list of shares between 0 and 1"
            )
        return distribution.quantiles(self.probabilities, self._known_scale(), levels)

    def density(self, values: ArrayLike) -> F64:
        """Density of each forecast at its value, or at one for all: (n,), on a continuous scale.

        It is constant inside a cell of the scale, and 0 off the scale.
        Raises `InputError` on a scale of stars, which have probabilities.

        >>> import ratecast as rc
        >>> ratings = rc.example_ratings(scale=rc.Scale(-10, 10, None))
        >>> forecast = rc.Bias().fit(ratings).predict([1, 2], [3, 4])
        >>> bool((forecast.density(forecast.stars) > forecast.density(-10)).all())
        True
        """
        scale = self._known_scale()
        if not scale.is_continuous:
            raise InputError(f"density: on the scale {scale} stars have probabilities; use those")
        given = _numbers(values, "density: values")
        if given.shape not in ((), (len(self),)) or not np.isfinite(given).all():
            raise InputError(
                f"density: values are not {len(self)} numbers; give one for each forecast, or one "
                "for all"
            )
        return distribution.density(self.probabilities, scale, np.broadcast_to(given, (len(self),)))

    def _known_scale(self) -> Scale:
        if self.scale is None:
            raise InputError("forecast: the scale is not known; use what predict gave back")
        return self.scale

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


def _numbers(values: ArrayLike, what: str) -> F64:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{what} are {values!r}; give numbers") from None
