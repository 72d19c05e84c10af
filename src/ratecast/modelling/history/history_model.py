"""A model that keeps every rating it heard, and can answer as if some had never been given."""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.modelling.contract.forecast import Basis, Forecast
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.plain_requests import Id, rows_of
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.user_history import Gone, Heard, History


class Kept(NamedTuple):
    """A rating that was heard. at: UTC seconds; 0 in a table without times."""

    movie: Id
    stars: float
    at: int


class Recall(Model):
    """A model that keeps a `_history`, and implements `_had` and `_retell` as well.

    What it learned of movies from a rating stays until the next fit; a user is forgotten at once.
    """

    _history: History

    def recall(self, user: Id) -> list[Kept]:
        """The ratings of one user that the model has heard, in order of time."""
        kept = self._kept(self.users.rows_of([user]))
        columns = self.movies.ids_of(kept.movies), kept.stars.tolist(), kept.at.tolist()
        return [Kept(*values) for values in zip(*columns, strict=True)]

    def rated(self, user: Id) -> NDArray[np.int32]:
        """Row numbers of the movies that the user is heard to have rated, (h,)."""
        return self._kept(self.users.rows_of([user])).movies

    def take_back(self, pairs: list[tuple[Id, Id]]) -> int:
        """Forget ratings, of (user, movie); how many there were.

        Every later forecast for these users is as if they had never been heard.
        """
        users = self.users.rows_of([user for user, _ in pairs])
        movies = self.movies.rows_of([movie for _, movie in pairs])
        keys = np.sort(_keys(users, movies)[(users > 0) & (movies > 0)])

        def gone(heard: Heard) -> NDArray[np.bool_]:
            return np.isin(_keys(heard.users, heard.movies), keys)

        return self._strike(np.unique(users), gone)

    def without(self, user: Id, movie: Id, left_out: slice) -> NDArray[np.float64]:
        """Expected stars of one request, (k,), each as if one rating had not been given.

        left_out: which of the user's ratings are left out in turn, as `recall` counts them.
        """
        kept = self._kept(self.users.rows_of([user]))
        turns = range(*left_out.indices(len(kept)))
        variants = [kept.take(np.delete(np.arange(len(kept)), turn)) for turn in turns]
        lines = np.repeat(np.arange(len(turns), dtype=np.int32), max(len(kept) - 1, 0))
        past = Heard.concat([Heard.none(), *variants])
        rows = rows_of(self, [user] * len(turns), [movie] * len(turns))
        expected = self._had(rows, Heard(lines, past.movies, past.stars, past.at))
        return self.scale.clip(expected.mean)

    def retold(self, user: Id) -> Forecast:
        """What is forecast for each of the user's ratings from those of earlier moments only.

        In the order of `recall`. The user's taste is followed as it was told; what the movies are
        like, and the calibration, are as the model knows them now.
        """
        kept = self._kept(self.users.rows_of([user]))
        heard = np.searchsorted(kept.at, kept.at)
        expected = self._retell(kept)
        stars, basis = (
            self.scale.clip(expected.mean),
            Basis.of(heard, self.counts.of_movies[kept.movies]),
        )
        shares = self.calibration.probabilities(stars, heard, expected.deviation)
        return Forecast(stars, shares, heard, basis)

    def stars_given(self, movie: Id) -> NDArray[np.int64]:
        """How often each star of the scale was given to a movie: (S,)."""
        row = self.movies.rows_of([movie])[0]
        parts = [self._history.settled, *self._history.recent]
        stars = np.concatenate(
            [part.stars[part.movies == row] for part in parts if row > 0] or [[]]
        )
        return np.bincount(self.scale.index(stars), minlength=len(self.scale.stars))

    def forget(self, user: Id) -> None:
        """Forget a user and every rating of theirs: whoever asks by this id is a stranger."""
        self._strike(self.users.rows_of([user]), lambda heard: np.ones(len(heard), bool))
        super().forget(user)

    @abstractmethod
    def _had(self, rows: Rows, past: Heard) -> Expected:
        """Expected stars of each row, as if its user had given the ratings in `past` and no other.

        past: its `users` are line numbers of `rows`.
        """

    @abstractmethod
    def _retell(self, kept: Heard) -> Expected:
        """Expected stars of a user's ratings, in order of time, each from earlier moments only."""

    def _kept(self, row: NDArray[np.int32]) -> Heard:
        """What was heard of one user, in order of time; of the unknown, nothing."""
        return self._history.of(row[row > 0])

    def _strike(self, users: NDArray[np.int32], gone: Gone) -> int:
        struck = self._history.forget(users[users > 0], gone)
        if len(struck):
            self.learned_from = ""
            self.counts.remove(struck.users, struck.movies)
        return len(struck)


def _keys(users: NDArray[np.int32], movies: NDArray[np.int32]) -> NDArray[np.int64]:
    """One number for each pair: (n,)."""
    return users.astype(np.int64) << 32 | movies
