"""A Gaussian process over movies for each user, with a covariance learned from all users.

stars = mean + m_movie + z_movie + noise, z ~ N(0, S): what a user thinks of the movies she rated
says what she will think of any other. S starts from genres and years and is learned by EM.
Reference: Yu, Lafferty, Zhu, Gong 2009, "Large-scale collaborative prediction using a
nonparametric random effects model"; Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process
kernels via hierarchical Bayes".
Differs: a user's own scale of deviations weighs what she says of S, as in a Student-t process;
kernels of time (same moment, same day, fading over minutes) say that her mood passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import numpy as np
import polars as pl
from typing_extensions import override

from ratecast.arrays import F32, I64
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_ZERO, Limits
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.user_batches import (
    UserBatches,
    distinct,
    group_ids,
    history_arrays,
    rating_columns,
    request_columns,
    restored_history,
    times,
)
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.modelling.side_information.labels import Labels, numeric_column
from ratecast.models.gaussian_process.conditioning import follow, times_vector
from ratecast.models.gaussian_process.em import ByUser, learn
from ratecast.ratings import MOVIE, Ratings


@dataclass(kw_only=True, eq=False)
class GaussianProcess(Model):
    """Forecast = mean + m + what the user's ratings say of z, conditioned on as they are heard.

    Memory and time grow with the square and the cube of the number of movies, hence `max_movies`.
    prior_variances: variance of z shared by all movies, by genres, by years, and a movie's own.
    iterations: of EM, each `step_scale` times as far as an EM step goes.
    """

    name: ClassVar[str] = "gaussian_process"
    is_random: ClassVar[bool] = False
    limits: ClassVar[Limits] = {
        "iterations": FROM_ZERO,
        **dict.fromkeys(
            ("prior_variances", "prior_damping", "year_scale", "time_scales", "movie_damping"),
            ABOVE_ZERO,
        ),
    }
    timed: bool = True
    iterations: int = 10
    step_scale: float = 2.0
    prior_variances: list[float] = field(default_factory=lambda: [0.17, 0.08, 0.05, 0.06])
    prior_damping: float = 50.0
    year_scale: float = 8.0
    time_scales: list[float] = field(default_factory=lambda: [600.0, 3600.0])
    max_movies: int = 4000
    movie_damping: float = 60.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.prior_variances) != 4:
            raise InputError(f"model.prior_variances is {self.prior_variances}; give four numbers")

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        if len(self.movies) > self.max_movies:
            raise InputError(
                f"gaussian_process: {len(self.movies) - 1} movies; its covariance holds "
                f"{self.max_movies}: choose model factorization_machine, or raise max_movies"
            )
        self._fitted = len(self.movies)
        self.__dict__.pop("_inverse", None)
        self._labels = Labels.of(self._met)
        self._mean = float(train.stars.mean(dtype=np.float64))
        at = times(train) if self.timed and train.table.timed else None
        above = train.stars - np.float32(self._mean)
        history = ByUser.of(train.users, train.movies - 1, above, at)
        prior = self._kernel(self.movies.table, self.movies.table)
        prior.flat[:: len(prior) + 1] += self.prior_variances[3]
        learned = learn(history, prior, self)
        self._covariance, self._variances = learned.covariance, learned.variances
        self._offset = learned.offset
        self._history = UserHistory(rating_columns(train))
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        said = self._follow(
            request_columns(rows), np.zeros(len(rows), np.int64), self._new_movies(rows)
        )
        return self._movie_residuals.corrected(said, rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        heard = rating_columns(rows)
        said = self._follow(heard, group_ids(edges), self._new_movies(rows))
        self._history.add(heard)
        return self._movie_residuals.walk(said, rows.movies, rows.stars, edges)

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))
        for line, own in self._lines(self.movies.table[len(self._covariance) :]):
            column = np.append(line, own)[:, None]
            self._covariance = np.hstack([np.vstack([self._covariance, line]), column])
            self._offset = np.append(self._offset, 0.0)

    def _follow(self, heard: RatingColumns, moment: I64, new: tuple[I64, F32, F32]) -> Expected:
        """What is expected of each row, told what its user said before its moment."""
        lines, cross, own = new
        users = np.unique(heard.users)
        past = self._history.of_users(users)
        local = np.searchsorted(users, past.users), np.searchsorted(users, heard.users)
        movies = np.concatenate([past.movies - 1, lines])
        batches = UserBatches.of(past, heard, local, moment)
        movies, rows = movies[batches.order], batches.rows
        offset = np.append(self._offset, np.zeros(len(own)))[movies]
        above = rows.stars - self._mean - offset
        mean, variance = follow(
            (batches.edges, movies, above, rows.at, batches.group),
            (self._covariance, cross, own),
            (self._variances, np.array(self.time_scales)),
        )
        said = (self._mean + offset + mean)[batches.requested], np.sqrt(variance)[batches.requested]
        return Expected(*said)

    def _new_movies(self, rows: Rows) -> tuple[I64, F32, F32]:
        """Line of each row's movie, and of unknown ones, numbered after the known: `_cross`."""
        new = rows.movies == 0
        lines = rows.movies.astype(np.int64) - 1
        which, movies = distinct(rows.table.frame[MOVIE].filter(pl.Series(new)))
        lines[new] = len(self._covariance) + which
        found = list(self._lines(self.movies.side(movies, rows.table.movies)))
        cross = np.array([line for line, _ in found], np.float32)
        own = np.array([variance for _, variance in found], np.float32)
        return lines, cross.reshape(len(found), len(self._covariance)), own

    def _lines(self, side: pl.DataFrame) -> Iterator[tuple[F32, F32]]:
        """Covariance of other movies with those known here, and their variance.

        What learning changed reaches them through the movies of the fit that are like them.
        """
        for k in range(side.height):
            prior = self._kernel(side[k], self._met)[0]
            pull = times_vector(self._inverse, prior)
            line = times_vector(self._covariance[:, : len(prior)], pull)
            alone = self._kernel(side[k], side[k])[0] + np.float32(self.prior_variances[3])
            rest = times_vector(np.stack([line[: len(prior)] - prior]), pull)
            yield line, (alone + rest)[0]

    @property
    def _met(self) -> pl.DataFrame:
        """The movies that the fit knew."""
        return self.movies.table[: self._fitted - 1]

    @cached_property
    def _inverse(self) -> F32:
        """Inverse of the prior covariance of the movies of the fit."""
        prior = self._kernel(self._met, self._met).astype(np.float64)
        prior.flat[:: len(prior) + 1] += self.prior_variances[3]
        return np.asarray(np.linalg.inv(prior), np.float32)

    def _kernel(self, side: pl.DataFrame, other: pl.DataFrame) -> F32:
        """Prior covariance of the movies of two tables, without a movie's own: (lines, lines)."""
        shared, by_genre, by_year, _ = self.prior_variances
        gap = np.abs(numeric_column(side, "year")[:, None] - numeric_column(other, "year")[None, :])
        kernel = shared + by_year * np.nan_to_num(np.exp(-gap / self.year_scale))
        if "genres" in self._labels.known:
            mine = self._labels.matrices(side)["genres"]
            kernel += by_genre * (mine @ self._labels.matrices(other)["genres"].T).toarray()
        return np.asarray(kernel, np.float32)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {"mean": np.array([self._mean]), "covariance": self._covariance}
        arrays |= {"offset": self._offset, "variances": self._variances}
        arrays |= {
            "fitted": np.array([self._fitted]),
            "movie_residuals": self._movie_residuals.sums,
        }
        return arrays | history_arrays(self._history)

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._mean, self._fitted = float(arrays["mean"][0]), int(arrays["fitted"][0])
        self._labels = Labels.of(self._met)
        self._covariance, self._offset = arrays["covariance"], arrays["offset"]
        self._variances, self._history = arrays["variances"], restored_history(arrays)
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)
