"""A model that keeps every rating it heard, and can answer as if some had never been given."""

from abc import abstractmethod

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.models.base import Model
from ratecast.models.rows import Expected, Rows
from ratecast.models.state_space.history import Heard
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Requests

Id = int | str


class Recall(Model):
    """A model that implements `_kept`, `_dropped` and `_had` as well.

    What it learned of movies from a rating stays until the next fit; a user is forgotten at once.
    """

    def recall(self, user: Id) -> Ratings:
        """The ratings of one user that the model has heard, in order of time."""
        row = self.users.encode(self._series(USER, [user]))
        return self._named(self._kept(row[row > 0]), [user])

    def take_back(self, user: Id, movies: list[Id] | None = None) -> int:
        """Forget a user's ratings of these movies, or all; how many there were.

        Every later forecast for the user is as if they had never been heard.
        """
        row = int(self.users.encode(self._series(USER, [user]))[0])
        films = None if movies is None else self.movies.encode(self._series(MOVIE, movies))
        gone = self._dropped(row, films) if row else Heard.none()
        if len(gone):
            self.learned_from = ""
            self._heard[row] -= len(gone)
            np.subtract.at(self._seen, gone.movies, 1)
        return len(gone)

    def without(self, user: Id, movie: Id, left_out: slice) -> NDArray[np.float64]:
        """Expected stars of one request, (k,), each as if one rating had not been given.

        left_out: which of the user's ratings are left out in turn, as `recall` counts them.
        """
        row = self._rows(Requests.of([user], [movie]))
        kept = self._kept(row.users[row.users > 0])
        turns = range(*left_out.indices(len(kept)))
        variants = [kept.take(np.delete(np.arange(len(kept)), turn)) for turn in turns]
        lines = np.repeat(np.arange(len(turns), dtype=np.int32), max(len(kept) - 1, 0))
        past = Heard.concat([Heard.none(), *variants])
        asked = self._rows(Requests.of([user] * len(turns), [movie] * len(turns)))
        expected = self._had(asked, Heard(lines, past.movies, past.stars, past.at))
        return self.scale.clip(expected.mean)

    @abstractmethod
    def _kept(self, users: NDArray[np.int32]) -> Heard:
        """What was heard of these users (ascending), each user's in order of time."""

    @abstractmethod
    def _dropped(self, user: int, movies: NDArray[np.int32] | None) -> Heard:
        """Forget what was heard of a user, of these movies or of all, and give it."""

    @abstractmethod
    def _had(self, rows: Rows, past: Heard) -> Expected:
        """Expected stars of each row, as if its user had given the ratings in `past` and no other.

        past: its `users` are line numbers of `rows`.
        """

    def _series(self, kind: str, ids: list[Id]) -> pl.Series:
        return pl.Series(kind, ids) if ids else pl.Series(kind, [], pl.Int64)

    def _named(self, kept: Heard, user: list[Id]) -> Ratings:
        movies = self.movies.table[MOVIE].gather(kept.movies - 1)
        frame = pl.DataFrame(
            {
                USER: pl.repeat(user[0], len(kept), eager=True).cast(self.users.table.schema[USER]),
                MOVIE: movies,
                RATING: kept.stars.astype(np.float32),
                AT: kept.at,
            }
        )
        return Ratings(frame, scale=self.scale)
