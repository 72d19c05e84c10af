"""The pairs of user and movie that a top-N list leaves out, by user."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl

from ratecast.arrays import I32
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.modelling.kernels.csr import Grouped
from ratecast.queries.top_n_kernel import Excluded
from ratecast.ratings import MOVIE, USER, Requests


@dataclass(frozen=True, eq=False)
class RatedPairs:
    """Which of some movies each user has rated, those that the model does not know included.

    users: a number for each user. places: of the movies that each has rated.
    """

    users: Vocabulary
    places: Excluded

    @classmethod
    def of(cls, model: Model, movies: pl.Series, rated: Requests | None) -> Self:
        """The places are those in `movies`, in the model's ids.

        rated: the pairs; None: those of the ratings that the model stores, if it stores them.
        """
        numbers = Vocabulary(MOVIE, movies.rename(MOVIE).to_frame())
        users = Vocabulary(USER, model.users.table.select(USER))
        if rated is not None:
            frame = rated.frame
            of_users = users.encode(model.users.own_ids(frame[USER]), "create")
            of_movies = numbers.encode(model.movies.own_ids(frame[MOVIE]))
        elif isinstance(model, HistoryModel):
            stored = model.history.all_ratings()
            # Row 0 is that of unknown ids.
            of_rows = np.append(np.int32(0), numbers.encode(model.movies.table[MOVIE]))
            of_users, of_movies = stored.users, of_rows[stored.movies]
        else:
            of_users = of_movies = np.zeros(0, np.int32)
        known = (of_users > 0) & (of_movies > 0)
        sizes = len(users), max(len(movies), 1)
        return cls(users, excluded_movies(of_users[known], of_movies[known] - 1, sizes))

    def numbers(self, users: pl.Series) -> I32:
        """The number of each user, 0 for one without ratings: (n,)."""
        return self.users.encode(users)


def excluded_movies(users: I32, places: I32, sizes: tuple[int, int]) -> Excluded:
    """Group pairs of user number and movie place, in any order, by user.

    users, places: (n,). sizes: count of user numbers and of movie places.
    """
    none = np.zeros(len(users), np.float32)
    by_place = Grouped.of(places, users, none, sizes[1])
    by_user = Grouped.of(by_place.columns, by_place.triples[0], none, sizes[0])
    return Excluded(by_user.edges, by_user.columns)
