"""Damped user and movie biases, kept as running sums.

Reference: Koren, Bell, Volinsky 2009, "Matrix factorization techniques for recommender systems",
eq. 3; the damping as in Funk 2006, "Try this at home".
Differs: user and movie biases are fitted in turn until they agree, and a user's bias is damped
towards the mean bias of all *rows*, not of all users and not 0. Heavy raters are harsher, so that
a stranger's rows are answered on the level of the rows. (Validation RMSE 1.0277 -> 1.0270.)
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, grown
from ratecast.modelling.contract.settings import ABOVE_ZERO, Limits, Range
from ratecast.modelling.kernels.csr import PIECES
from ratecast.ratings import Ratings


@dataclass(kw_only=True, eq=False)
class Bias(Model):
    """Forecast = mean + bias of the movie + bias of the user.

    A bias is a sum of residuals over their number plus the damping, so that hearing a rating
    costs two additions.
    """

    name: ClassVar[str] = "bias"
    is_random: ClassVar[bool] = False
    search: ClassVar[dict[str, Range]] = {
        "user_damping": Range(1.0, 40.0, log=True),
        "movie_damping": Range(0.5, 20.0, log=True),
    }
    limits: ClassVar[Limits] = dict.fromkeys(("user_damping", "movie_damping"), ABOVE_ZERO)
    user_damping: float = 8.0
    movie_damping: float = 3.0
    iterations: int = 10

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        residual = train.stars.astype(np.float64)
        self._mean = float(residual.mean())
        residual -= self._mean
        self._of_users = np.zeros((len(self.users), 2))
        self._of_movies = np.zeros((len(self.movies), 2))
        self._of_users[:, 1] = np.bincount(train.users, minlength=len(self.users))
        self._of_movies[:, 1] = np.bincount(train.movies, minlength=len(self.movies))
        self._prior = 0.0
        for _ in range(self.iterations):
            self._of_movies[:, 0] = residual_sums(
                train.movies, len(self.movies), train.users, residual, self._user_bias()
            )
            self._of_users[:, 0] = residual_sums(
                train.users, len(self.users), train.movies, residual, self._movie_bias()
            )
            self._prior = float(self._of_users[:, 0].sum() / len(train))

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        user, movie = self._user_bias()[rows.users], self._movie_bias()[rows.movies]
        return Expected(self._mean + user + movie)

    @override
    def grow(self) -> None:
        self._of_users = grown(self._of_users, len(self.users))
        self._of_movies = grown(self._of_movies, len(self.movies))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        level = np.array([self._mean, self._prior])
        damping = np.array([self.user_damping, self.movie_damping])
        sums = self._of_users, self._of_movies
        return Expected(_hear((rows.users, rows.movies, rows.stars), edges, sums, level, damping))

    def _user_bias(self) -> F64:
        total, count = self._of_users.T
        return (total + self.user_damping * self._prior) / (count + self.user_damping)

    def _movie_bias(self) -> F64:
        total, count = self._of_movies.T
        return total / (count + self.movie_damping)

    @override
    def arrays(self) -> Arrays:
        level = np.array([self._mean, self._prior])
        return {"level": level, "of_users": self._of_users, "of_movies": self._of_movies}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._mean, self._prior = (float(value) for value in arrays["level"])
        self._of_users, self._of_movies = arrays["of_users"], arrays["of_movies"]


@njit(cache=True)
def _hear(rows, edges, sums, level, damping):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then add their residuals to the sums.

    rows: (users, movies, stars), each (n,). edges: (k + 1,) borders of the moments. sums: of
    users and of movies, (rows, 2) of total and count, changed in place. level: mean and prior.
    Two divisions and four additions a rating.
    """
    users, movies, stars = rows
    of_users, of_movies = sums
    mean, prior = level
    forecast = np.empty(len(users))
    for moment in range(len(edges) - 1):
        start, stop = edges[moment], edges[moment + 1]
        for learn in (False, True):
            for i in range(start, stop):
                user, movie = of_users[users[i]], of_movies[movies[i]]
                user_bias = (user[0] + damping[0] * prior) / (user[1] + damping[0])
                movie_bias = movie[0] / (movie[1] + damping[1])
                if not learn:
                    forecast[i] = mean + user_bias + movie_bias
                    continue
                residual = stars[i] - mean
                user[0] += residual - movie_bias
                movie[0] += residual - user_bias
                user[1] += 1
                movie[1] += 1
    return forecast


@njit(cache=True, parallel=True)
def residual_sums(lines, size, others, stars, biases):  # type: ignore[no-untyped-def]
    """Sum of stars less the bias of the other side, for each line: (size,) float64.

    lines, others: (n,) row numbers. stars: (n,), above the mean. biases: (other lines,). One
    addition into a table that stays in cache a rating; summed in an order that is always the same.
    """
    step = (len(lines) + PIECES - 1) // PIECES
    partial = np.zeros((PIECES, size))
    for piece in prange(PIECES):
        for i in range(piece * step, min(len(lines), (piece + 1) * step)):
            partial[piece, lines[i]] += stars[i] - biases[others[i]]
    for piece in range(1, PIECES):
        partial[0] += partial[piece]
    return partial[0]
