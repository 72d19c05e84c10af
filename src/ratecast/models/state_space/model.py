"""The state-space model: a Kalman filter for each user, movies learned by EM, boosted trees."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64, I32
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.modelling.history.user_batches import history_arrays, restored_history
from ratecast.modelling.history.user_history import Predicate, RatingColumns, UserHistory
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.modelling.side_information.columns import SideInformation
from ratecast.models.state_space.boosting import BoostedTrees
from ratecast.models.state_space.co_rating import (
    MovieSide,
    co_rating_columns,
    co_rating_factors,
    presence_regression,
)
from ratecast.models.state_space.em import GroupedRatings, Parameters, em_iteration
from ratecast.models.state_space.filtering import (
    LATEST,
    Filtered,
    filter_batch,
    filtered_user,
    is_one_user,
)
from ratecast.models.state_space.kalman import UserPrior
from ratecast.models.state_space.movie_parameters import Movies, Standardizer
from ratecast.models.state_space.packing import packed, part_of
from ratecast.models.state_space.residual_buffer import MAX_ROWS, ResidualBuffer
from ratecast.models.state_space.residual_kernel import FEATURES
from ratecast.models.state_space.unknown_ids import with_unknown_movies, with_unknown_users
from ratecast.ratings import Ratings

# From so many ratings on, `refresh_growth` rises in proportion to their number.
MANY_RATINGS = 1_000_000
# Walk over train before the fit: share of it in the first fit, and in each slice after it.
FIRST_SHARE, SLICE_GROWTH = 0.25, 0.02
# Subspace iterations of the co-rating factors: in a fit, and in a refresh.
FIT_ITERATIONS, REFRESH_ITERATIONS = 15, 2
UNKNOWN = pl.DataFrame({"id": ["unknown"]})


@dataclass(kw_only=True, eq=False)
class StateSpace(HistoryModel):
    """A linear-Gaussian state-space model of the users, corrected by boosted trees.

    Rating r of movie j by a user with state s, in the user's time group t:

        r = m_j + h_j·s_t + f(x) + ε,   h_j = (1, q_j, 1),   ε ~ N(0, noise_j)
        s_t = T s_(t-1) + w_t,   w_t ~ N(0, Q),   s_0 ~ N(μ, P_0)

    s: bias, K factors, session. m_j, q_j, noise_j: the movie's mean, factors, noise variance.
    μ: prior mean from side information and implicit feedback. T, Q: the bias is a random walk, the
    session an AR(1) process, the factors are constant. f: boosted trees on features x known before
    the rating. The prediction is the filter's mean of m_j + h_j·s_t, plus f(x).

    factors: K. co_rating_factors: columns of the movies' prior from who rated what.
    iterations: of EM in a fit. refresh_growth: a refresh is skipped until the new ratings are this
    share of those learned from, so that many refreshes cannot overfit a table that hardly grows;
    beyond a million ratings the share grows in proportion, since a refresh changes less.

    Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction"; Lu,
    Agarwal, Dhillon 2009, "A spatio-temporal approach to collaborative filtering".
    Differs: only users move, with each time group and not with the clock; movies are updated by an
    EM iteration from their last values. Implicit feedback and genres enter both priors.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.StateSpace(factors=4, iterations=5).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "state_space"
    uses_side_information: ClassVar[bool] = True
    refresh_seconds: ClassVar[int | None] = 86_400
    factors: int = 16
    co_rating_factors: int = 20
    iterations: int = 20
    refresh_growth: float = 0.0025

    movie_parameters: Movies = field(init=False, repr=False)
    _prior: UserPrior = field(init=False, repr=False)
    _co_rating: F64 = field(init=False, repr=False)
    # Rows walked since the last refresh, so that the next one need not filter them again.
    _walked: ResidualBuffer = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        return 16.0 * len(self.movies) * self.factors**2

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._side = SideInformation.of(self.users.table, self.movies.table)
        self._user_columns = self._side.user_columns(UNKNOWN)
        self._movie_side = MovieSide(*self._side.movie_columns(UNKNOWN))
        self._add_side_information()
        self._buffer = ResidualBuffer.empty(FEATURES)
        ratings = self.columns_of(train)
        self._collect_residuals(ratings)
        self._fit_em(ratings)
        self._fit_trees()

    @kernels_first
    def refresh(self, ratings: Ratings) -> None:
        """One EM iteration on all ratings, from the present parameters, if enough are new."""
        parts = [RatingColumns.empty(), *self.history.recent]
        recent = RatingColumns.concat(parts).without_deleted()
        if len(recent) < self.refresh_after():
            return
        if len(recent) == int(self._walked.new[0]):
            self._buffer = self._buffer.with_more(self._walked.features, self._walked.residuals)
        else:
            self._buffer_residuals(recent, self.history.merged_of(np.unique(recent.users)))
        self._update_em()
        if self._buffer.is_refit_due():
            self._fit_trees()

    def refresh_after(self) -> int:
        """New ratings until a refresh: ⌈growth * max(1, n / 1e6) * n⌉ after n ratings."""
        known = len(self.history.merged)
        return int(np.ceil(self.refresh_growth * max(1.0, known / MANY_RATINGS) * known))

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        if is_one_user(rows, self.users):
            who = int(rows.users[0]), self.history, self._prior, self.movie_parameters
            return self._expected(filtered_user(*who).predict(rows.movies))
        users, prior, numbers, movies = self._with_unknown(rows)
        zeros, latest = np.zeros(len(rows)), np.full(len(rows), LATEST)
        requests = RatingColumns(users, numbers, zeros, latest)
        past = self.history.of_users(np.unique(rows.users))
        return self._expected(filter_batch(requests, past, prior, movies))

    @override
    def precompute(self, like: Model | None = None) -> None:
        shared_with = like.movie_parameters if isinstance(like, StateSpace) else None
        self.movie_parameters.precompute(shared_with)

    @override
    def predict_from(self, rows: Rows, past: RatingColumns) -> Expected:
        users, prior, numbers, movies = self._with_unknown(rows)
        # Each row stands for a user of its own, with its own past.
        request, latest = np.arange(len(rows), dtype=np.int32), np.full(len(rows), LATEST)
        requests = RatingColumns(request, numbers, np.zeros(len(rows)), latest)
        own_prior = UserPrior(prior.mean[users], prior.implicit_weights)
        return self._expected(filter_batch(requests, past, own_prior, movies))

    @override
    def replay_rows(self, ratings: RatingColumns) -> Expected:
        return self._expected(self._filter(ratings, RatingColumns.empty()))

    @override
    def walk_users(self, rows: Rows) -> Expected:
        ratings = self.columns_of(rows)
        past = self.history.of_users(np.unique(ratings.users))
        self.observe_rows(rows)
        filtered = self._filter(ratings, past)
        self._walked = self._walked.with_more(filtered.features, ratings.stars - filtered.mean)
        return self._expected(filtered)

    @override
    def remove_ratings(self, users: NDArray[np.int32], predicate: Predicate) -> int:
        self._walked = ResidualBuffer.empty(FEATURES)
        return super().remove_ratings(users, predicate)

    @override
    def grow(self) -> None:
        known, side = len(self._user_columns), self._add_side_information()
        regression = self.movie_parameters.parameters.user_regression
        new, prior = rowwise(self._user_columns[known:], regression), self._prior
        self._prior = UserPrior(np.concatenate([prior.mean, new]), prior.implicit_weights)
        if len(side.year):
            self.movie_parameters = self.movie_parameters.with_more(side)

    def _add_side_information(self) -> MovieSide:
        """Append the columns of ids that are new in the vocabularies; returns the new movies'."""
        users = self.users.table[len(self._user_columns) - 1 :]
        self._user_columns = np.concatenate([self._user_columns, self._side.user_columns(users)])
        movies = self.movies.table[len(self._movie_side.year) - 1 :]
        side = MovieSide(*self._side.movie_columns(movies))
        self._movie_side = self._movie_side.concat(side)
        return side

    def _fit_em(self, ratings: RatingColumns) -> None:
        """Learn from `ratings` and nothing else."""
        self.history = UserHistory(ratings)
        shape = len(self.movies), self.co_rating_factors
        self._co_rating = np.random.default_rng(self.seed).normal(size=shape)
        # Side information, co-rating factors, the raters' activity, their bias and factors.
        width = self._movie_side.width + self.co_rating_factors + 1 + 1 + self.factors
        sizes = len(self.movies), self._user_columns.shape[1], width
        initial = Parameters.initial(self.factors, sizes, float(ratings.stars.mean()), self.seed)
        self._run_em(initial, self.iterations, FIT_ITERATIONS)

    def _update_em(self) -> None:
        """One iteration of EM on all ratings, from the present parameters."""
        self.history.merge()
        self._run_em(self.movie_parameters.parameters, 1, REFRESH_ITERATIONS)

    def _run_em(self, parameters: Parameters, iterations: int, subspace_iterations: int) -> None:
        self._walked = ResidualBuffer.empty(FEATURES)
        ratings = GroupedRatings.of(self.history.merged, len(self.users), len(self.movies))
        counts = ratings.by_movie.counts
        # Movies that are new since the last time start at 0.
        basis = np.pad(self._co_rating, ((0, len(counts) - len(self._co_rating)), (0, 0)))
        self._co_rating = co_rating_factors(basis, ratings, subspace_iterations)
        co_rating = co_rating_columns(self._co_rating, ratings)
        columns = self._movie_side.columns(counts, co_rating)
        for _ in range(iterations):
            parameters, vectors = em_iteration(parameters, ratings, self._user_columns, columns)
        mean = rowwise(self._user_columns, parameters.user_regression)
        movies = Movies.of(parameters, self._movie_side, counts, co_rating[:, :-1])
        self._prior = UserPrior(mean, presence_regression(ratings, movies.implicit, vectors - mean))
        self.movie_parameters = movies

    def _collect_residuals(self, ratings: RatingColumns) -> None:
        """Walk over train slice by slice: residuals of predictions from earlier ratings only."""
        # Rows that the buffer would drop again need no walk.
        first_share = max(FIRST_SHARE, 1 - MAX_ROWS / len(ratings))
        first, *later = ratings.time_slices(first_share, SLICE_GROWTH)
        if later:
            self._fit_em(first)
        for part in later:
            self._buffer_residuals(part, self.history.merged_of(np.unique(part.users)))
            self.history.add(part)
            self._update_em()

    def _buffer_residuals(self, ratings: RatingColumns, past: RatingColumns) -> None:
        """Add the features and residuals of `ratings`, given after `past`, to the buffer."""
        filtered = self._filter(ratings, past)
        self._buffer = self._buffer.with_more(filtered.features, ratings.stars - filtered.mean)

    def _fit_trees(self) -> None:
        self._trees = BoostedTrees.fit(self._buffer.features, self._buffer.residuals, self.seed)
        self._buffer = self._buffer.after_fit()

    def _filter(self, ratings: RatingColumns, past: RatingColumns) -> Filtered:
        return filter_batch(ratings, past, self._prior, self.movie_parameters)

    def _expected(self, filtered: Filtered) -> Expected:
        """The filter's mean plus the trees' correction, and its standard deviation."""
        mean = filtered.mean + self._trees.predict(filtered.features)
        return Expected(self.scale.unit * mean, self.scale.unit * np.sqrt(filtered.variance))

    def _with_unknown(self, rows: Rows) -> tuple[I32, UserPrior, I32, Movies]:
        """Row numbers and prior of users, row numbers and movies: each unknown one has a row."""
        priors = self._prior.mean, self.movie_parameters.parameters.user_regression
        users, mean = with_unknown_users(rows, self.users, self._side, priors)
        movies = with_unknown_movies(rows, self.movies, self._side, self.movie_parameters)
        return users, UserPrior(mean, self._prior.implicit_weights), *movies

    @override
    def movie_factors(self) -> Factors:
        parameters, means = self.movie_parameters.parameters, self._prior.mean[:, 1:]
        # Variance of a user's factors: around the regression, plus that of the regression.
        cov = parameters.user_cov[1:, 1:] + np.atleast_2d(np.cov(means, rowvar=False, ddof=0))
        vectors = self.scale.unit * parameters.movie_vectors
        return Factors(vectors[:, 0], vectors[:, 1:], means.mean(axis=0), cov)

    @override
    def arrays(self) -> Arrays:
        movies, prior = self.movie_parameters, self._prior
        arrays: Arrays = self._side.packed() | {"co_rating_factors": self._co_rating}
        arrays |= {"user_columns": self._user_columns, "descriptors": movies.descriptors}
        arrays |= {"prior_mean": prior.mean, "implicit_weights": prior.implicit_weights}
        parts = {"parameters": movies.parameters, "standardizer": movies.standardizer}
        parts |= {"movie_side": self._movie_side, "residual_buffer": self._buffer}
        return arrays | packed(parts | {"trees": self._trees}) | history_arrays(self.history)

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._side = SideInformation.unpacked(arrays)
        self._co_rating, self._user_columns = arrays["co_rating_factors"], arrays["user_columns"]
        self._prior = UserPrior(arrays["prior_mean"], arrays["implicit_weights"])
        self._movie_side = MovieSide.restored(part_of(arrays, "movie_side"))
        self._buffer = ResidualBuffer(**part_of(arrays, "residual_buffer"))
        self._walked = ResidualBuffer.empty(FEATURES)
        self._trees = BoostedTrees(**part_of(arrays, "trees"))
        parameters = Parameters(**part_of(arrays, "parameters"))
        standardizer = Standardizer(**part_of(arrays, "standardizer"))
        genres = len(self._side.genres)
        self.movie_parameters = Movies(parameters, standardizer, arrays["descriptors"], genres)
        self.history = restored_history(arrays)
