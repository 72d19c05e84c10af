"""A Gaussian process over movies for each user, with a covariance learned from all users.

Reference: Yu, Lafferty, Zhu, Gong 2009, "Large-scale collaborative prediction using a
nonparametric random effects model"; Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process
kernels via hierarchical Bayes".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
import polars as pl
from typing_extensions import override

from ratecast.arrays import F32, I64
from ratecast.errors import InputError
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import ABOVE_ZERO, FROM_ZERO, Limits
from ratecast.modelling.contract.side_lines import distinct_ids, is_described
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.rounds import walk_in_rounds
from ratecast.modelling.history.user_batches import (
    UserBatches,
    history_arrays,
    rating_columns,
    request_columns,
    restored_history,
    times,
)
from ratecast.modelling.history.user_history import RatingColumns, UserHistory
from ratecast.models.gaussian_process.conditioning import (
    BatchColumns,
    Process,
    not_conditioned,
    times_vector,
    walk_users,
)
from ratecast.models.gaussian_process.em import RatingsByUser, fit_em
from ratecast.models.gaussian_process.movie_prior import MoviePrior
from ratecast.ratings import MOVIE, Ratings


class RequestedMovies(NamedTuple):
    """The movies of some rows, those that the model does not know numbered after the others.

    numbers: (n,) number of each row's movie, 0 the first. cross: (new, movies), covariance of each
    unknown movie with the known ones. variances: (new,).
    """

    numbers: I64
    cross: F32
    variances: F32


@dataclass(kw_only=True, eq=False)
class GaussianProcess(Model):
    """stars = mean + m_movie + z_movie + w_time + noise, with z ~ N(0, S), w ~ N(0, K).

    The forecast is the mean given the user's ratings so far. S, the covariance of movies, starts
    from a prior by genre and year and is learned from all users by EM. K has kernels of time:
    same second, same day, and exp(-gap / scale). A new rating conditions its user exactly; of its
    movie, it updates a damped mean residual (`MovieResiduals`).

    timed: whether times are used, of the ratings and of the requests.
    iterations: of EM, from 0.
    step_scale: length of a step, in EM steps.
    prior_variances: prior variances of z, in stars² (or squares of a quarter of a continuous
        scale): shared by all movies, by genre, by year, and of each movie alone.
    prior_damping: weight of the prior of S, in users.
    year_scale: years after which the covariance by year falls by a factor e.
    time_scales: seconds of the fading time kernels.
    max_movies: more are refused, since memory and time grow with the square and the cube of the
        number of movies.
    movie_damping: weight of a movie's prior mean residual 0, in ratings.

    Reference: Yu, Lafferty, Zhu, Gong 2009, "Large-scale collaborative prediction using a
    nonparametric random effects model"; Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process
    kernels via hierarchical Bayes".
    Differs: each user has a scale of deviations that weighs the user's part in S, as in a Student-t
    process; the kernels of time let a user's mood pass.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.GaussianProcess(iterations=2).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "gaussian_process"
    learns_from_valid: ClassVar[bool] = False
    uses_side_information: ClassVar[bool] = True
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
        self._take_prior(len(self.movies))
        self._mean = float(train.stars.mean(dtype=np.float64))
        seconds = times(train) if self.timed and train.table.timed else None
        # The prior variances are meant for stars of 1 to 5.
        centred = (train.stars - np.float32(self._mean)) / np.float32(self.scale.unit)
        ratings = RatingsByUser.of(train.users, train.movies - 1, centred, seconds)
        learned = fit_em(ratings, self._prior.covariance(), self)
        self._covariance, self._variances = learned.covariance, learned.variances
        self._offset = learned.offset
        self._history = UserHistory(rating_columns(train))
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self.movie_damping)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        requests, group = request_columns(rows), np.zeros(len(rows), np.int64)
        expected = self._predict(requests, group, self._requested(rows))
        return self._movie_residuals.corrected(expected, rows.movies)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        expected = walk_in_rounds(rows, edges, self._walk, len(self.users))
        return self._movie_residuals.walk(expected, rows, edges)

    def _walk(self, rows: Rows, group: I64) -> Expected:
        ratings = rating_columns(rows)
        expected = self._predict(ratings, group, self._requested(rows))
        self._history.learn(ratings, rows.former_stars.astype(np.float64))
        return expected

    @override
    def grow(self) -> None:
        self._movie_residuals.grow(len(self.movies))
        before, count = len(self._covariance), len(self.movies) - 1
        if before == count:
            return
        self.__dict__.pop("_undescribed", None)
        whole = np.empty((count, count), np.float32)
        whole[:before, :before] = self._covariance
        new = self._new_lines(self.movies.table[before:])
        for row, (line, variance) in enumerate(new, before):
            whole[row, :row] = whole[:row, row] = line
            whole[row, row] = variance
            # The next line has the covariance with this movie too.
            self._covariance = whole[: row + 1, : row + 1]
        self._offset = np.pad(self._offset, (0, count - before))

    @override
    def forget_row(self, row: int) -> None:
        self._history.forget(row)

    def _predict(self, requests: RatingColumns, group: I64, movies: RequestedMovies) -> Expected:
        """Expected stars of each row, from its user's ratings of earlier time groups.

        group: (n,) time group of each row.
        """
        users = np.unique(requests.users)
        past = self._history.of_users(users)
        local = np.searchsorted(users, past.users), np.searchsorted(users, requests.users)
        batches = UserBatches.of(past, requests, local, group)
        numbers = np.concatenate([past.movies - 1, movies.numbers])[batches.order]
        offset = np.append(self._offset, np.zeros(len(movies.variances)))[numbers]
        unit = self.scale.unit
        residual = (batches.rows.stars - self._mean) / unit - offset
        one_user = len(users) == 1 and (group == group[0]).all()
        before = self._history.cache.get(int(users[0])) if one_user else None
        mean, variance, after = walk_users(
            BatchColumns(batches.edges, numbers, residual, batches.rows.at, batches.group),
            Process(
                self._covariance,
                movies.cross,
                movies.variances,
                self._variances,
                np.array(self.time_scales),
            ),
            not_conditioned() if before is None else before,
        )
        if one_user and before is None:
            self._history.cached(int(users[0]), after)
        wanted = batches.requested
        score = unit * (self._mean / unit + offset + mean)
        return Expected(score[wanted], unit * np.sqrt(variance)[wanted])

    def _requested(self, rows: Rows) -> RequestedMovies:
        unknown = rows.movies == 0
        numbers = rows.movies.astype(np.int64) - 1
        if not unknown.any():
            none = np.empty((0, len(self._covariance)), np.float32)
            return RequestedMovies(numbers, none, np.empty(0, np.float32))
        if is_described(rows, self.movies):
            which, movies = distinct_ids(rows.table.frame[MOVIE].filter(pl.Series(unknown)))
            cross, variances = self._lines_of(self.movies.side(movies, rows.table.movies))
        else:
            which, (cross, variances) = np.zeros(int(unknown.sum()), np.int64), self._undescribed
        numbers[unknown] = len(self._covariance) + which
        return RequestedMovies(numbers, cross, variances)

    @cached_property
    def _undescribed(self) -> tuple[F32, F32]:
        """`_lines_of` one new movie of which nothing is known."""
        return self._lines_of(self.movies.table.clear(1))

    def _lines_of(self, movies: pl.DataFrame) -> tuple[F32, F32]:
        """Covariance of new movies with the known ones, (new, movies), and variances, (new,)."""
        lines = list(self._new_lines(movies))
        cross = np.array([line for line, _ in lines], np.float32)
        variances = np.array([variance for _, variance in lines], np.float32)
        return cross.reshape(len(lines), len(self._covariance)), variances

    def _new_lines(self, movies: pl.DataFrame) -> Iterator[tuple[F32, F32]]:
        """Covariance of each new movie with the known ones, and its variance.

        With k, K of `MoviePrior` and S the learned covariance:
        line = S K^-1 k, variance = k(x, x) + k' K^-1 (S - K) K^-1 k.
        """
        for prior, weights, alone in self._prior.of_new(movies):
            line = times_vector(self._covariance[:, : len(prior)], weights)
            learned = times_vector(np.stack([line[: len(prior)] - prior]), weights)
            yield line, alone + learned[0]

    def _take_prior(self, fitted: int) -> None:
        """The prior of the first movies, which the fit knew. fitted: row numbers then."""
        self.__dict__.pop("_undescribed", None)
        self._fitted, movies = fitted, self.movies.table[: fitted - 1]
        self._prior = MoviePrior(movies, self.prior_variances, self.year_scale)

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
        self._mean = float(arrays["mean"][0])
        self._take_prior(int(arrays["fitted"][0]))
        self._covariance, self._offset = arrays["covariance"], arrays["offset"]
        self._variances, self._history = arrays["variances"], restored_history(arrays)
        self._movie_residuals = MovieResiduals(arrays["movie_residuals"], self.movie_damping)
