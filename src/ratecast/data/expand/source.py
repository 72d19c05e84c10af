"""The parts of a source that an expansion repeats: who rated what and when, biases and tastes."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import svds

from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, USER, Ratings

LEAST_ROWS = 1000
RANK = 4
_DAMPING = 5.0


@dataclass(frozen=True)
class Source:
    """The source's rows by user and time, (n,) each, with row numbers for ids.

    level: user bias plus movie bias, stars. taste: product of user and movie factors, with root
    mean square 1. since: seconds since the user's first rating. of_users, of_movies: the factors,
    (ids, 4). rest: standard deviation of the stars that the biases do not explain.
    """

    user: NDArray[np.int32]
    movie: NDArray[np.int32]
    level: NDArray[np.float32]
    taste: NDArray[np.float32]
    since: NDArray[np.int64]
    of_users: NDArray[np.float64]
    of_movies: NDArray[np.float64]
    rest: float
    ratings: Ratings

    def __len__(self) -> int:
        return len(self.user)

    @property
    def users(self) -> int:
        """Number of users."""
        return len(self.of_users)

    @property
    def movies(self) -> int:
        """Number of movies."""
        return len(self.of_movies)

    def incidence(self) -> csr_array:
        """1 where a user rated a movie: (users, movies)."""
        return _sparse(self.user, self.movie, np.ones(len(self)))


def source_of(ratings: Ratings) -> Source:
    """Biases and tastes of a table. Raises `InputError` if it is too small or has no times."""
    if len(ratings) < LEAST_ROWS:
        raise InputError(f"expand: {len(ratings)} ratings are too few; give {LEAST_ROWS} or more")
    if not ratings.timed:
        raise InputError("expand: the source has no timestamps; give a table with a time column")
    table = ratings.frame.sort(USER, AT, maintain_order=True).unique(
        [USER, MOVIE], keep="last", maintain_order=True
    )
    user, movie = (_numbered(table[kind]) for kind in (USER, MOVIE))
    stars = table["rating"].to_numpy().astype(np.float64)
    level = _levels(user, movie, stars - stars.mean())
    rest = stars - stars.mean() - level
    left, values, right = svds(
        _sparse(user, movie, rest), RANK, v0=np.ones(min(user.max(), movie.max()) + 1)
    )
    of_users, of_movies = left * np.sqrt(values), right.T * np.sqrt(values)
    taste = (of_users[user] * of_movies[movie]).sum(1)
    at = table[AT].to_numpy()
    first = at[np.r_[True, user[1:] != user[:-1]]]
    return Source(
        user,
        movie,
        level.astype(np.float32),
        (taste / np.sqrt(np.mean(taste**2))).astype(np.float32),
        at - first[user],
        of_users,
        of_movies,
        float(rest.std()),
        ratings,
    )


def _numbered(ids: pl.Series) -> NDArray[np.int32]:
    return ids.rank("dense").cast(pl.Int32).to_numpy() - np.int32(1)


def _sparse(
    user: NDArray[np.int32], movie: NDArray[np.int32], values: NDArray[np.float64]
) -> csr_array:
    return csr_array((values, (user, movie)))


def _levels(
    user: NDArray[np.int32], movie: NDArray[np.int32], stars: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Damped user bias plus movie bias of each row, (n,), by five iterations of backfitting."""
    of_user, of_movie = np.zeros(user.max() + 1), np.zeros(movie.max() + 1)
    for _ in range(5):
        of_movie = _damped(movie, stars - of_user[user])
        of_user = _damped(user, stars - of_movie[movie])
    return of_user[user] + of_movie[movie]


def _damped(ids: NDArray[np.int32], residual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Damped mean of each id: Σ residual / (n + damping)."""
    bias: NDArray[np.float64] = np.bincount(ids, residual) / (np.bincount(ids) + _DAMPING)
    return bias
