"""The state-space model: a Kalman filter for each user, movies learned by EM, boosted trees."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64, I32, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, as_unknown
from ratecast.modelling.contract.settings import FROM_ZERO, Limits
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.modelling.history.movie_residuals import MovieResiduals
from ratecast.modelling.history.user_batches import history_arrays, restored_history
from ratecast.modelling.history.user_history import Predicate, RatingColumns, UserHistory
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.modelling.side_information.columns import UNKNOWN, SideInformation
from ratecast.models.state_space import rhythm
from ratecast.models.state_space.boosting import BoostedTrees
from ratecast.models.state_space.co_rating import MovieSide
from ratecast.models.state_space.filtering import (
    Filtered,
    filter_batch,
    filtered_user,
    is_one_user,
    requests_now,
)
from ratecast.models.state_space.kalman import UserPrior
from ratecast.models.state_space.learning import Learned, Sides, Start, learn, update
from ratecast.models.state_space.movie_parameters import Movies
from ratecast.models.state_space.packing import packed, part_of
from ratecast.models.state_space.residual_buffer import MAX_ROWS, ResidualBuffer
from ratecast.models.state_space.residual_kernel import FEATURES
from ratecast.models.state_space.structure import USUAL
from ratecast.models.state_space.trials import Slice, precision_share, supported
from ratecast.models.state_space.unknown_ids import with_unknown
from ratecast.ratings import Ratings


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

    factors: K; 0: as many as train supports (`structure`). co_rating_factors: columns of the
    movies' prior from who rated what. iterations: of EM in a fit. refresh_growth: a refresh waits
    for this share of new ratings, so that many cannot overfit a table that hardly grows; for more,
    where it changes less: beyond a million ratings, and where ids have few (`rhythm`).

    Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction"; Lu,
    Agarwal, Dhillon 2009, "A spatio-temporal approach to collaborative filtering".
    Differs: only users move, with each time group and not with the clock; movies are updated by an
    EM iteration from their last values, and in between, where that helped on train, by their mean
    residuals (`MovieResiduals`). Implicit feedback and genres enter both priors.

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.StateSpace(factors=4, iterations=5).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "state_space"
    learns_from_valid: ClassVar[bool] = False
    uses_side_information: ClassVar[bool] = True
    limits: ClassVar[Limits] = {"factors": FROM_ZERO}
    refresh_seconds: ClassVar[int | None] = 86_400
    factors: int = 0
    co_rating_factors: int = 20
    iterations: int = 20
    refresh_growth: float = 0.0025

    movie_parameters: Movies = field(init=False, repr=False)
    _prior: UserPrior = field(init=False, repr=False)
    _co_rating: F64 = field(init=False, repr=False)
    # Since the last refresh; damped by this multiple of the movies' precisions.
    _movie_residuals: MovieResiduals = field(init=False, repr=False)
    _precision_share: float = field(init=False, repr=False)
    # Rows walked since the last refresh, so that the next one need not filter them again.
    _walked: ResidualBuffer = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        return 16.0 * len(self.movies) * (self.factors or USUAL.factors) ** 2

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._side = SideInformation.of(self.users.table, self.movies.table)
        self._user_columns = self._side.user_columns(UNKNOWN)
        self._movie_side = MovieSide(*self._side.movie_columns(UNKNOWN))
        self._add_side_information()
        self._buffer, self._precision_share = ResidualBuffer.empty(FEATURES), np.inf
        ratings = self.columns_of(train)
        start = Start(USUAL, self.co_rating_factors, self.iterations, self.seed)
        self._start = supported(ratings, self._sides, start, self.factors)
        self._rehearse(ratings)
        if len(ratings) <= rhythm.MANY_RATINGS:  # Of more, nearly all are in its first fit.
            self._fit_em(ratings)
        self._fit_trees()

    @kernels_first
    def refresh(self, ratings: Ratings) -> None:
        """One EM iteration on all ratings, from the present parameters, if enough are new."""
        parts = [RatingColumns.empty(), *self.history.recent]
        if len(recent := RatingColumns.concat(parts).without_deleted()) < self.refresh_after():
            return
        if len(recent) == int(self._walked.new[0]):
            self._buffer = self._buffer.with_more(self._walked.features, self._walked.residuals)
        else:
            self._buffer_residuals(recent, self.history.merged_of(np.unique(recent.users)))
        self._update_em()
        if self._buffer.is_refit_due(len(self.history.merged)):
            self._fit_trees()

    def refresh_after(self) -> int:
        """New ratings until a refresh, see `rhythm`."""
        ids = len(self.users) + len(self.movies)
        return rhythm.refresh_after(len(self.history.merged), ids, self.refresh_growth)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._movie_residuals.corrected(self._without_residuals(rows), rows.movies)

    def _without_residuals(self, rows: Rows) -> Expected:
        """As `predict_rows`, before the correction by the movies' mean residuals."""
        if is_one_user(rows, self.users):
            who = int(rows.users[0]), self.history, self._prior, self.movie_parameters
            return self._expected(filtered_user(*who).predict(rows.movies))
        users, prior, numbers, movies = self._with_unknown(rows)
        past = self.history.of_users(np.unique(rows.users))
        return self._expected(filter_batch(requests_now(users, numbers), past, prior, movies))

    @override
    def precompute(self, like: Model | None = None) -> None:
        shared_with = like.movie_parameters if isinstance(like, StateSpace) else None
        self.movie_parameters.precompute(shared_with)

    @override
    def predict_from(self, rows: Rows, past: RatingColumns) -> Expected:
        users, prior, numbers, movies = self._with_unknown(rows)
        # Each row stands for a user of its own, with its own past.
        requests = requests_now(np.arange(len(rows), dtype=np.int32), numbers)
        own_prior = UserPrior(prior.mean[users], prior.implicit_weights)
        filtered = filter_batch(requests, past, own_prior, movies)
        return self._movie_residuals.corrected(self._expected(filtered), rows.movies)

    @override
    def replay_rows(self, ratings: RatingColumns) -> Expected:
        filtered = filter_batch(ratings, RatingColumns.empty(), self._prior, self.movie_parameters)
        return self._movie_residuals.corrected(self._expected(filtered), ratings.movies)

    @override
    def observe_rows(self, rows: Rows) -> None:
        if np.isfinite(self._precision_share):
            together = np.array([0, len(rows)])
            self._movie_residuals.walk(self._without_residuals(rows), rows, together)
        super().observe_rows(rows)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        if self.history.timeless:
            return super().walk_rows(rows, edges)
        return self._movie_residuals.walk(super().walk_rows(rows, edges), rows, edges)

    @override
    def walk_users(self, rows: Rows) -> Expected:
        ratings = self.columns_of(rows)
        past = self.history.of_users(np.unique(ratings.users))
        super().observe_rows(rows)
        filtered = filter_batch(ratings, past, self._prior, self.movie_parameters)
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
        if side is not None:
            self.movie_parameters = self.movie_parameters.with_more(side)
            self._movie_residuals.grow(len(self.movies))
            self._movie_residuals.damping = self._damping

    @override
    def forget_row(self, row: int) -> None:
        super().forget_row(row)
        self._walked = ResidualBuffer.empty(FEATURES)
        as_unknown(row, self._user_columns, self._prior.mean)

    def _add_side_information(self) -> MovieSide | None:
        """Append the columns of ids that are new in the vocabularies; the new movies', if any."""
        more = self._side.user_columns(self.users.table[len(self._user_columns) - 1 :])
        self._user_columns = np.concatenate([self._user_columns, more])
        movies = self.movies.table[len(self._movie_side.year) - 1 :]
        side = MovieSide(*self._side.movie_columns(movies)) if movies.height else None
        self._movie_side = self._movie_side if side is None else self._movie_side.concat(side)
        return side

    def _fit_em(self, ratings: RatingColumns) -> None:
        """Learn from `ratings` and nothing else."""
        self.history = UserHistory(ratings)
        self._take(learn(self.history.merged, ratings.stars.mean(), self._sides, self._start))

    def _update_em(self) -> None:
        """One iteration of EM on all ratings, from the present parameters."""
        self.history.merge()
        now = Learned(self.movie_parameters, self._prior, self._co_rating)
        self._take(update(now, self.history.merged, self._sides))

    def _take(self, learned: Learned) -> None:
        self.movie_parameters, self._prior, self._co_rating = learned
        self._walked = ResidualBuffer.empty(FEATURES)
        self._movie_residuals = MovieResiduals.empty(len(self.movies), self._damping)

    @property
    def _damping(self) -> F64:
        return self._precision_share * self.movie_parameters.precisions

    @property
    def _sides(self) -> Sides:
        return Sides(self._user_columns, self._movie_side)

    def _rehearse(self, ratings: RatingColumns) -> None:
        """Walk over train slice by slice: residuals of predictions from earlier ratings only."""
        first, *later = rhythm.time_slices(ratings, len(self.users) + len(self.movies), MAX_ROWS)
        forecast = []
        if later:
            self._fit_em(first)
        for part in later:
            self._buffer_residuals(part, self.history.merged_of(np.unique(part.users)))
            forecast.append(Slice(part, self.movie_parameters.precisions))
            self.history.add(part)
            self._update_em()
        self._precision_share = precision_share(forecast, self._buffer.residuals)

    def _buffer_residuals(self, ratings: RatingColumns, past: RatingColumns) -> None:
        """Add the features and residuals of `ratings`, given after `past`, to the buffer."""
        filtered = filter_batch(ratings, past, self._prior, self.movie_parameters)
        self._buffer = self._buffer.with_more(filtered.features, ratings.stars - filtered.mean)

    def _fit_trees(self) -> None:
        self._trees = BoostedTrees.fit(self._buffer.features, self._buffer.residuals, self.seed)
        self._buffer = self._buffer.after_fit()

    def _expected(self, filtered: Filtered) -> Expected:
        """The filter's mean plus the trees' correction, and its standard deviation."""
        mean = filtered.mean + self._trees.predict(filtered.features)
        return Expected(self.scale.unit * mean, self.scale.unit * np.sqrt(filtered.variance))

    def _with_unknown(self, rows: Rows) -> tuple[I32, UserPrior, I32, Movies]:
        """Row numbers and prior of users, row numbers and movies: each unknown one has a row."""
        learned = self._prior, self.movie_parameters
        return with_unknown(rows, (self.users, self.movies), self._side, learned)

    @override
    def movie_factors(self) -> Factors:
        return self.movie_parameters.as_factors(self._prior.mean, self.scale.unit)

    @override
    def arrays(self) -> Arrays:
        movies, prior = self.movie_parameters, self._prior
        arrays: Arrays = {"co_rating_factors": self._co_rating, "user_columns": self._user_columns}
        arrays |= {"prior_mean": prior.mean, "implicit_weights": prior.implicit_weights}
        arrays |= {"movie_residuals": self._movie_residuals.sums} | self._side.packed()
        arrays |= {"precision_share": np.array([self._precision_share])} | movies.arrays()
        parts = {"movie_side": self._movie_side, "residual_buffer": self._buffer}
        return arrays | packed(parts | {"trees": self._trees}) | history_arrays(self.history)

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._side = SideInformation.unpacked(arrays)
        self._co_rating, self._user_columns = arrays["co_rating_factors"], arrays["user_columns"]
        self._prior = UserPrior(arrays["prior_mean"], arrays["implicit_weights"])
        self._movie_side = MovieSide.restored(part_of(arrays, "movie_side"))
        self._buffer = ResidualBuffer(**part_of(arrays, "residual_buffer"))
        self._trees = BoostedTrees(**part_of(arrays, "trees"))
        self.movie_parameters = Movies.restored(arrays, len(self._side.genres))
        self.history, self._walked = restored_history(arrays), ResidualBuffer.empty(FEATURES)
        self._precision_share = float(arrays.get("precision_share", [np.inf])[0])
        sums = arrays.get("movie_residuals", np.zeros((len(self.movies), 2)))
        self._movie_residuals = MovieResiduals(sums, self._damping)
