"""A model that keeps every rating it heard, and can answer as if some had never been given."""

from abc import abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.models.asked import Id, rows_of
from ratecast.models.base import Model
from ratecast.models.rows import Expected, Rows
from ratecast.models.state_space.history import Heard, History


class Kept(NamedTuple):
    """A rating that was heard. at: UTC seconds; 0 in a table without times."""

    movie: Id
    stars: float
    at: int


class Recall(Model):
    """A model that keeps a `_history`, and implements `_had` as well.

    What it learned of movies from a rating stays until the next fit; a user is forgotten at once.
    """

    _history: History

    def recall(self, user: Id) -> list[Kept]:
        """The ratings of one user that the model has heard, in order of time."""
        kept = self._kept(self.users.rows_of([user]))
        columns = self.movies.ids_of(kept.movies), kept.stars.tolist(), kept.at.tolist()
        return [Kept(*values) for values in zip(*columns, strict=True)]

    def take_back(self, user: Id, movies: list[Id] | None = None) -> int:
        """Forget a user's ratings of these movies, or all; how many there were.

        Every later forecast for the user is as if they had never been heard.
        """
        row = int(self.users.rows_of([user])[0])
        films = None if movies is None else self.movies.rows_of(movies)
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
        kept = self._kept(self.users.rows_of([user]))
        turns = range(*left_out.indices(len(kept)))
        variants = [kept.take(np.delete(np.arange(len(kept)), turn)) for turn in turns]
        lines = np.repeat(np.arange(len(turns), dtype=np.int32), max(len(kept) - 1, 0))
        past = Heard.concat([Heard.none(), *variants])
        rows = rows_of(self, [user] * len(turns), [movie] * len(turns))
        expected = self._had(rows, Heard(lines, past.movies, past.stars, past.at))
        return self.scale.clip(expected.mean)

    def forget(self, user: Id) -> None:
        """Forget a user and every rating of theirs: whoever asks by this id is a stranger."""
        self.take_back(user)
        super().forget(user)

    @abstractmethod
    def _had(self, rows: Rows, past: Heard) -> Expected:
        """Expected stars of each row, as if its user had given the ratings in `past` and no other.

        past: its `users` are line numbers of `rows`.
        """

    def _kept(self, row: NDArray[np.int32]) -> Heard:
        """What was heard of one user, in order of time; of the unknown, nothing."""
        return self._history.of(row[row > 0])

    def _dropped(self, user: int, movies: NDArray[np.int32] | None) -> Heard:
        def gone(heard: Heard) -> NDArray[np.bool_]:
            of_user: NDArray[np.bool_] = heard.users == user
            return of_user if movies is None else of_user & np.isin(heard.movies, movies)

        return self._history.forget(gone)
