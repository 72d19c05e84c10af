"""A Gaussian process over movies for each user, with a covariance learned from all users.

stars = mean + m_movie + z_movie + noise, z ~ N(0, S): what a user thinks of the movies she rated
says what she will think of any other. S starts from genres and years and is learned by EM.
Reference: Yu, Lafferty, Zhu, Gong 2009, "Large-scale collaborative prediction using a
nonparametric random effects model"; Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process
kernels via hierarchical Bayes".
Differs: a user's own scale of deviations weighs what she says of S, as in a Student-t process;
kernels of time (same moment, same day, fading over minutes) say that her mood passes.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.models.base import Arrays, Model
from ratecast.models.gp_em import History, Learned, at_times, learn
from ratecast.models.rows import Expected, Rows
from ratecast.models.traits import Labels, numbers
from ratecast.ratings import MOVIE, Ratings

F32 = NDArray[np.float32]


@dataclass(kw_only=True, eq=False)
class ItemGaussianProcess(Model):
    """Forecast = mean + m + covariance with the user's ratings x their weights, fixed at fit.

    Memory and time grow with the square and the cube of the number of movies, hence `most_movies`.
    prior: variance of z shared by all movies, by genres, by years, and a movie's own; rounds of
    EM, `pace` times as far as an EM step goes.
    """

    name: ClassVar[str] = "gp"
    draws: ClassVar[bool] = False
    timed: bool = True
    rounds: int = 10
    pace: float = 2.0
    prior: list[float] = field(default_factory=lambda: [0.17, 0.08, 0.05, 0.06])
    prior_users: float = 50.0
    years: float = 8.0
    fading: list[float] = field(default_factory=lambda: [600.0, 3600.0])
    most_movies: int = 4000

    def _fit(self, train: Rows, valid: Ratings | None) -> None:
        if len(self.movies) > self.most_movies:
            raise InputError(
                f"gp: {len(self.movies) - 1} movies; its covariance holds {self.most_movies}: "
                "choose model bfm, or raise most_movies"
            )
        self._labels = Labels.of(self.movies.table)
        at = self._at(train)
        self._mean = float(train.stars.mean(dtype=np.float64))
        history = History.of(train.users, train.movies - 1, train.stars - self._mean, at)
        prior = self._kernel(self.movies.table, self.movies.table)
        prior.flat[:: len(prior) + 1] += self.prior[3]
        self._take(learn(history, prior, self))

    def _take(self, learned: Learned) -> None:
        self._learned = learned
        users = learned.history.users
        self._borders = np.searchsorted(users, np.arange(len(self.users) + 1))

    def _expect(self, rows: Rows) -> Expected:
        mean, variance = np.zeros(len(rows)), np.zeros(len(rows))
        at, order = self._at(rows), np.argsort(rows.users, kind="stable")
        starts = np.flatnonzero(np.diff(rows.users[order], prepend=-1))
        cross, own = self._new_movies(rows)
        for part in np.split(order, starts[1:]) if len(order) else []:
            mean[part] = self._of_user(rows, part, at, cross)
        known = rows.movies > 0
        offset, covariance = self._learned.offset, self._learned.covariance
        mean[known] += offset[rows.movies[known] - 1]
        variance[known] = covariance.diagonal()[rows.movies[known] - 1]
        variance[~known] = own
        return Expected(self._mean + mean, np.sqrt(variance + self._learned.variances[0]))

    def _of_user(
        self, rows: Rows, part: NDArray[np.int64], at: NDArray[np.int64] | None, cross: F32
    ) -> NDArray[np.float64]:
        """Covariance of one user's requests with her ratings x their weights."""
        user, learned = rows.users[part[0]], self._learned
        mine = slice(self._borders[user], self._borders[user + 1])
        if mine.start == mine.stop:
            return np.zeros(len(part))
        movies, heard = rows.movies[part], learned.history.movies[mine]
        covariance = learned.covariance[np.ix_(np.maximum(movies - 1, 0), heard)]
        new = np.flatnonzero(movies == 0)
        covariance[new] = cross[self._new_line[part[new]]][:, heard]
        if at is not None and learned.history.at is not None:
            times = at_times(at[part], learned.history.at[mine], self.fading)
            for value, kernel in zip(learned.variances[1:], times, strict=True):
                covariance += np.float32(value) * kernel
        return np.asarray(covariance @ learned.weights[mine], np.float64)

    def _new_movies(self, rows: Rows) -> tuple[F32, float]:
        """Prior covariance of the distinct movies not in train with those in it."""
        new = rows.movies == 0
        ids = rows.table.frame[MOVIE].filter(pl.Series(new))
        distinct = ids.unique(maintain_order=True)
        self._new_line = np.zeros(len(rows), np.int64)
        number = distinct.to_frame().with_row_index("_row")
        which = ids.to_frame().join(number, on=MOVIE, how="left", maintain_order="left")["_row"]
        self._new_line[new] = which.to_numpy()
        side = self.movies.side(distinct, rows.table.movies)
        return self._kernel(side, self.movies.table), sum(self.prior)

    def _kernel(self, side: pl.DataFrame, other: pl.DataFrame) -> F32:
        """Prior covariance of the movies of two tables, without a movie's own: (lines, lines)."""
        shared, by_genre, by_year, _ = self.prior
        gap = np.abs(numbers(side, "year")[:, None] - numbers(other, "year")[None, :])
        kernel = shared + by_year * np.nan_to_num(np.exp(-gap / self.years))
        if "genres" in self._labels.known:
            mine = self._labels.matrices(side)["genres"]
            kernel += by_genre * (mine @ self._labels.matrices(other)["genres"].T).toarray()
        return np.asarray(kernel, np.float32)

    def _at(self, rows: Rows) -> NDArray[np.int64] | None:
        return rows.table.frame["at"].to_numpy() if self.timed and rows.table.timed else None

    def _arrays(self) -> Arrays:
        history, learned = self._learned.history, self._learned
        arrays: Arrays = {"mean": np.array([self._mean]), "covariance": learned.covariance}
        arrays |= {"offset": learned.offset, "variances": learned.variances}
        arrays |= {"weights": learned.weights, "users": history.users, "movies": history.movies}
        return arrays if history.at is None else arrays | {"at": history.at}

    def _restore(self, arrays: Arrays) -> None:
        self._mean = float(arrays["mean"][0])
        self._labels = Labels.of(self.movies.table)
        rated = arrays["users"], arrays["movies"], np.zeros(len(arrays["users"]), np.float32)
        history = History(*rated, arrays.get("at"))
        fixed = arrays["covariance"], arrays["offset"], arrays["variances"], arrays["weights"]
        self._take(Learned(history, *fixed))
