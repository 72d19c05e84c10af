"""Forecasts of many pairs, block by block, so that memory does not grow with the pairs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.model import Model
from ratecast.ratings import AT, MOVIE, USER, Requests, checked_requests

BLOCK_ROWS = 1 << 16


@dataclass(frozen=True, eq=False)
class EveryPair:
    """Every pair of some users and some movies, user by user; made in parts.

    users, movies: ids of the model's types. at: time of all, UTC seconds, for models that use it.
    """

    users: pl.Series
    movies: pl.Series
    at: int | None = None

    def __len__(self) -> int:
        return len(self.users) * len(self.movies)

    def take(self, part: slice) -> Requests:
        """The pairs of these rows."""
        pair = np.arange(*part.indices(len(self)))
        user, movie = np.divmod(pair, max(len(self.movies), 1))
        frame = pl.DataFrame({USER: self.users.gather(user), MOVIE: self.movies.gather(movie)})
        timed = frame if self.at is None else frame.with_columns(pl.lit(self.at).alias(AT))
        return checked_requests(Requests(timed))


def blocks(rows: int) -> Iterator[slice]:
    """The rows in blocks, in their order."""
    for start in range(0, rows, BLOCK_ROWS):
        yield slice(start, min(start + BLOCK_ROWS, rows))


def forecasts(model: Model, pairs: Requests | EveryPair) -> Iterator[Forecast]:
    """The forecast of each block of the pairs, in their order; no rating is learned from."""
    for block in blocks(len(pairs)):
        yield model.predict(pairs.take(block))
