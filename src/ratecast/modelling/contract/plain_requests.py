"""Requests without a frame, for low latency: what a service predicts many times a second."""

from functools import cached_property

import numpy as np
import polars as pl

from ratecast.arrays import I64
from ratecast.ids import Id
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.ratings import MOVIE, USER, Requests

_NO_MOVIES, _NO_USERS = (
    pl.DataFrame(schema={MOVIE: pl.Int64}),
    pl.DataFrame(schema={USER: pl.Int64}),
)


class PlainRequests(Requests):
    """Requests as lists. Their frame is made only where a model looks at it: it is slow to make."""

    ids: dict[str, list[Id]]

    def __init__(self, users: list[Id], movies: list[Id]) -> None:
        # The fields of a frozen table, without its frame.
        self.__dict__.update(movies=_NO_MOVIES, users=_NO_USERS, ids={USER: users, MOVIE: movies})

    def __len__(self) -> int:
        return len(self.ids[USER])

    @property
    def timed(self) -> bool:
        """Always false: a request of a service is of now."""
        return False

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The lists, as columns."""
        return pl.DataFrame(self.ids)


def encode_pairs(model: Model, users: list[Id], movies: list[Id]) -> Rows:
    """Row numbers of ids of the model's own types, in lists of one length."""
    requests = PlainRequests(users, movies)
    return Rows(model.users.rows_of(users), model.movies.rows_of(movies), requests)


def predict_pairs(model: Model, users: list[Id], movies: list[Id]) -> tuple[Rows, Expected]:
    """Rows and expected stars of pairs; `model.calibrate` makes a forecast of them."""
    rows = encode_pairs(model, users, movies)
    return rows, model.predict_rows(rows)


def predict_catalogue(model: Model, user: Id, movies: list[Id]) -> Expected:
    """Expected stars of a user for the first movies of the model's vocabulary: (m,).

    movies: their ids, in the order of the vocabulary. Only the user's id is looked up, which saves
    half of the time.
    """
    count = len(movies)
    users = np.repeat(model.users.rows_of([user]), count)
    requests = PlainRequests([user] * count, movies)
    return model.predict_rows(Rows(users, np.arange(1, count + 1, dtype=np.int32), requests))


def ratings_per_movie(model: Model) -> I64:
    """How many ratings the model was given of each known movie, in the order of its rows: (m,)."""
    return model.counts.of_movies[1:].copy()
