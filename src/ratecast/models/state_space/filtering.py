"""Ratings of some users, followed from their first: what is expected of those that are asked."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, F64
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.models.state_space.kalman import follow
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.models.state_space.residual_kernel import columns_of

Told = tuple[F64, F64, F32]

LAST = np.iinfo(np.int64).max


def followed(
    ratings: tuple[RatingColumns, RatingColumns], users: tuple[F64, F64], movies: Movies
) -> Told:
    """Expected stars (n,), their variance (n,) and what the trees take (n, C), of asked rows.

    ratings: those asked, and all that was heard of their users before. users: prior of every
    user, (U, F), and the pull of presence on it.
    """
    asked, past = ratings
    prior, pull = users
    chosen = np.unique(asked.users)
    rows, edges, is_asked, back = past.grouped_with(asked, chosen)
    told = follow(
        (edges, rows.movies, rows.stars, rows.at),
        is_asked,
        (prior[chosen], pull),
        movies.for_filter,
        movies.motion,
    )
    columns = columns_of((edges, rows.movies, rows.at), is_asked, told, movies.for_echo)
    return told[0][back], told[1][back], columns[back]


@dataclass(frozen=True)
class Standing:
    """One user after all that was heard of them: what any question about them goes on from.

    movies: as they were known then. user: prior (1, F), and the pull of presence on it. heard: the
    user's ratings, and `surprise` at each, (h,). place: (1, W), see `place`.
    """

    movies: Movies
    user: tuple[F64, F64]
    heard: RatingColumns
    surprise: F64
    place: F64

    @classmethod
    def of(cls, heard: RatingColumns, user: tuple[F64, F64], movies: Movies) -> "Standing":
        """heard: all ratings of the user, in order of time."""
        place = movies.motion[0][None].copy()
        # A question at the end, so that everything before it is heard.
        edges, asked = np.array([0, len(heard) + 1]), np.zeros(len(heard) + 1, bool)
        rows = np.append(heard.movies, np.int32(0)), np.append(heard.stars, 0.0)
        stream = edges, *rows, np.append(heard.at, LAST)
        told = follow(stream, asked, user, movies.for_filter, movies.motion, places=place)
        return cls(movies, user, heard, told[2][:-1], place)

    def expect(self, asked: NDArray[np.int32]) -> Told:
        """As `followed`, of rows of movies (n,) that are asked about now."""
        movies, known, count = self.movies, len(self.heard), len(asked)
        edges, stars, at, every = _question(count)
        stream = edges, asked, stars, at
        told = follow(stream, every, self.user, movies.for_filter, movies.motion, places=self.place)
        now: tuple[NDArray[Any], ...] = (asked, at, every, *told)
        rows, moments, is_asked, mean, variance, surprise = (
            np.concatenate(pair) for pair in zip(self._before, now, strict=True)
        )
        columns = columns_of(
            (np.array([0, known + count]), rows, moments),
            is_asked,
            (mean, variance, surprise),
            movies.for_echo,
        )
        return told[0], told[1], columns[known:]

    @cached_property
    def _before(self) -> tuple[NDArray[Any], ...]:
        """The columns of what was heard, of which nothing is asked."""
        none = np.zeros(len(self.heard))
        return self.heard.movies, self.heard.at, none.astype(bool), none, none, self.surprise


def of_one(rows: Rows) -> bool:
    """Whether one user is asked about, and nothing that was never met and has a side to tell."""
    users, movies = rows.users, rows.movies
    if not len(rows) or not movies.all() or not (users == users[0]).all():
        return False
    return bool(users[0]) or rows.table.users.width <= 1


def standing(user: int, history: UserHistory, users: tuple[F64, F64], movies: Movies) -> Standing:
    """Where a user, or a stranger, stands now; worked out once, until something changes it.

    users: as for `followed`.
    """
    kept: Standing | None = history.cache.get(user)
    if kept is not None and kept.movies is movies:
        return kept
    prior = users[0][user : user + 1], users[1]
    heard = history.of_users(np.array([user], np.int32))
    return history.cached(user, Standing.of(heard, prior, movies))


@lru_cache(maxsize=8)
def _question(count: int) -> tuple[NDArray[np.int64], F64, NDArray[np.int64], NDArray[np.bool_]]:
    """Edges, stars, moments and what is asked, of so many rows of one user asked about now."""
    return np.array([0, count]), np.zeros(count), np.full(count, LAST), np.ones(count, bool)
