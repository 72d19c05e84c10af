"""Models that store every rating, so that they can unlearn some or predict without them."""

from abc import abstractmethod
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import I64
from ratecast.ids import Id
from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import encode_pairs
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.rounds import walk_in_rounds
from ratecast.modelling.history.user_history import (
    Predicate,
    RatingColumns,
    UserHistory,
    pair_keys,
)


class PastRating(NamedTuple):
    """One stored rating. at: UTC seconds; 0 in a table without times."""

    movie: Id
    stars: float
    at: int


class HistoryModel(Model):
    """A model with a `history` of all its ratings.

    It implements `walk_users`, `predict_from` and `replay_rows`.

    The history holds stars in units of the scale, see `Scale.unit`; predictions are in stars.
    Removing a rating changes the user's predictions at once; what the movies' parameters learned
    from it stays until the next fit.
    """

    history: UserHistory

    def history_of(self, user: Id) -> list[PastRating]:
        """The ratings of one user, in time order."""
        ratings = self._ratings_of(user)
        if not len(ratings):
            return []
        stars = self.scale.given(self.scale.unit * ratings.stars).tolist()
        columns = self.movies.ids_of(ratings.movies), stars, ratings.at.tolist()
        return [PastRating(*values) for values in zip(*columns, strict=True)]

    def rated_movies(self, user: Id) -> NDArray[np.int32]:
        """Row numbers of the movies that the user rated, (h,), in time order."""
        return self._ratings_of(user).movies

    def unlearn(self, pairs: list[tuple[Id, Id]]) -> int:
        """Remove the ratings of these (user, movie) pairs; returns how many there were.

        Every later prediction for these users is as if the ratings had never been given.
        """
        users = self.users.rows_of([self.users.own_id(user) for user, _ in pairs])
        movies = self.movies.rows_of([self.movies.own_id(movie) for _, movie in pairs])
        keys = np.sort(pair_keys(users, movies)[(users > 0) & (movies > 0)])

        def is_removed(ratings: RatingColumns) -> NDArray[np.bool_]:
            return np.isin(pair_keys(ratings.users, ratings.movies), keys)

        return self.remove_ratings(np.unique(users), is_removed)

    def leave_one_out(self, user: Id, movie: Id, left_out: slice) -> NDArray[np.float64]:
        """Expected stars of one pair, (k,), each without one of the user's ratings.

        left_out: which ratings are left out, one in each prediction, in the order of
        `history_of`.
        """
        ratings = self._ratings_of(user)
        indices = range(*left_out.indices(len(ratings)))
        variants = [ratings.take(np.delete(np.arange(len(ratings)), index)) for index in indices]
        request = np.repeat(np.arange(len(indices), dtype=np.int32), max(len(ratings) - 1, 0))
        past = RatingColumns.concat([RatingColumns.empty(), *variants])
        pair = self.users.own_id(user), self.movies.own_id(movie)
        rows = encode_pairs(self, [pair[0]] * len(indices), [pair[1]] * len(indices))
        expected = self.predict_from(rows, RatingColumns(request, past.movies, past.stars, past.at))
        return self.scale.clip(expected.mean)

    def replay(self, user: Id) -> Forecast:
        """A forecast of each of the user's ratings from the user's earlier ratings only.

        In the order of `history_of`. Movies' parameters and the calibration are those of now.
        """
        ratings = self._ratings_of(user)
        history = np.searchsorted(ratings.at, ratings.at)
        expected = self.replay_rows(ratings)
        stars = self.scale.clip(expected.mean)
        basis = Basis.of(history, self.counts.of_movies[ratings.movies])
        deviation = expected.usable_deviation(self.scale)
        probabilities = self.calibration.probabilities(stars, history, deviation)
        return Forecast(stars, probabilities, history, basis, scale=self.scale)

    def star_counts(self, movie: Id) -> I64:
        """How often a movie got each star, or a rating in each cell, of the scale: (S,)."""
        row = self.movies.rows_of([self.movies.own_id(movie)])[0]
        parts = [self.history.merged, *self.history.recent]
        stars = np.concatenate(
            [part.stars[part.movies == row] for part in parts if row > 0] or [[]]
        )
        index = self.scale.index(self.scale.unit * stars)
        return np.bincount(index, minlength=len(self.scale.stars))

    def columns_of(self, rows: Rows) -> RatingColumns:
        """The rows for the history, with stars in units of the scale."""
        columns = RatingColumns.of(rows)
        return replace(columns, stars=columns.stars / self.scale.unit)

    @override
    def observe_rows(self, rows: Rows) -> None:
        ratings = self.history.in_own_time(self.columns_of(rows))
        former = rows.former_stars.astype(np.float64) / self.scale.unit
        self.history.learn(ratings, former)

    @override
    def forget(self, user: Id) -> None:
        row = self.users.rows_of([self.users.own_id(user)])
        self.remove_ratings(row, lambda ratings: np.ones(len(ratings), bool))
        super().forget(user)

    @override
    def forget_row(self, row: int) -> None:
        self.history.forget(row)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        if self.history.timeless:
            return super().walk_rows(rows, edges)
        return walk_in_rounds(rows, edges, lambda now, _: self.walk_users(now), len(self.users))

    @abstractmethod
    def walk_users(self, rows: Rows) -> Expected:
        """Expected stars of each row, from its user's earlier ratings; then the rows are stored."""

    @abstractmethod
    def predict_from(self, rows: Rows, past: RatingColumns) -> Expected:
        """Expected stars of each row, as if the ratings in `past` were all that its user gave.

        past: its `users` are positions in `rows`, ascending; each one's ratings in time order.
        """

    @abstractmethod
    def replay_rows(self, ratings: RatingColumns) -> Expected:
        """Expected stars of one user's ratings, in time order, each from earlier ones only."""

    def remove_ratings(self, users: NDArray[np.int32], predicate: Predicate) -> int:
        """Remove those ratings of `users` (row numbers) that `predicate` selects; their number."""
        removed = self.history.remove(users[users > 0], predicate)
        if len(removed):
            self.learned_from = ""
            self.counts.remove(removed.users, removed.movies)
            self.given.remove(removed.users, removed.movies)
        return len(removed)

    def _ratings_of(self, user: Id) -> RatingColumns:
        """The ratings of one user, in time order; an unknown user has none."""
        row = int(self.users.rows_of([self.users.own_id(user)])[0])
        return self.history.of_user(row) if row > 0 else RatingColumns.empty()
