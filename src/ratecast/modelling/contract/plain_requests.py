"""A few questions as plain lists: what a service asks, many times a second."""

from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.ratings import MOVIE, USER, Requests

Id = int | str
_NO_MOVIES, _NO_USERS = (
    pl.DataFrame(schema={MOVIE: pl.Int64}),
    pl.DataFrame(schema={USER: pl.Int64}),
)


class Asked(Requests):
    """Requests whose frame is made only where a model looks at it: making one costs a forecast."""

    ids: dict[str, list[Id]]

    def __init__(self, users: list[Id], movies: list[Id]) -> None:
        # The fields of a frozen table, without its frame.
        self.__dict__.update(movies=_NO_MOVIES, users=_NO_USERS, ids={USER: users, MOVIE: movies})

    def __len__(self) -> int:
        return len(self.ids[USER])

    @property
    def timed(self) -> bool:
        """Never: what is asked is asked now."""
        return False

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The lists, as columns."""
        return pl.DataFrame(self.ids)


def rows_of(model: Model, users: list[Id], movies: list[Id]) -> Rows:
    """Row numbers of ids of the model's own types, in lists of one length."""
    return Rows(model.users.rows_of(users), model.movies.rows_of(movies), Asked(users, movies))


def ask(model: Model, users: list[Id], movies: list[Id]) -> tuple[Rows, Expected]:
    """What `Model.predict` makes its `answer` of, without a frame."""
    rows = rows_of(model, users, movies)
    return rows, model.predict_rows(rows)


def ask_first(model: Model, user: Id, movies: list[Id]) -> Expected:
    """What is expected of the first movies that the model has, whose ids `movies` are: (m,).

    No id is looked up but the user's, which is half of the time.
    """
    count = len(movies)
    mine = np.repeat(model.users.rows_of([user]), count)
    rows = Rows(mine, np.arange(1, count + 1, dtype=np.int32), Asked([user] * count, movies))
    return model.predict_rows(rows)


def seen(model: Model) -> NDArray[np.int64]:
    """How many ratings were heard of each movie that is known, in the order of their rows: (m,)."""
    return model.counts.of_movies[1:].copy()
