"""Follow every user with a Kalman filter over what is learned of the movies.

A rating is the movie's level plus [1, the movie's factors] times the user's taste, plus noise.
Movies are learned by variational EM; the taste of a user has a prior from side information and
from *which* movies were rated, and drifts as the user goes on: what is forecast is what a Kalman
filter expects from the user's ratings of earlier moments. A new user needs no refit.

Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction"; Lu, Agarwal,
Dhillon 2009, "A spatio-temporal approach to collaborative filtering" (Kalman filter on factors).
Differs: only users move, by their moments and not by the clock; movies are refitted warm instead.
Presence and genres enter both priors; trees on the surprises at like movies correct the rest.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F32, F64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.history_model import HistoryModel
from ratecast.modelling.history.user_batches import history_arrays, restored_history
from ratecast.modelling.history.user_history import Predicate, RatingColumns, UserHistory
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.modelling.side_information.columns import SideInformation
from ratecast.models.state_space.boosting import Trees
from ratecast.models.state_space.co_rating import MovieSide, company, company_columns, pull_of
from ratecast.models.state_space.em import Learned, Table, iterate
from ratecast.models.state_space.filtering import LAST, followed, of_one, standing
from ratecast.models.state_space.movie_parameters import Movies, Signs
from ratecast.models.state_space.packing import packed, part_of
from ratecast.models.state_space.residual_buffer import MOST, Lessons
from ratecast.models.state_space.residual_kernel import COLUMNS
from ratecast.models.state_space.unknown_ids import with_new_movies, with_strangers
from ratecast.ratings import Ratings

MANY = 1_000_000
REHEARSAL = 0.25, 0.02
NOTHING = pl.DataFrame({"id": ["unknown"]})


@dataclass(kw_only=True, eq=False)
class StateSpace(HistoryModel):
    """A linear-Gaussian state-space model of the users, on movies learned by variational EM.

    factors: K. company: columns for who rated what. iterations: of EM when fitted. growth: a
    refresh with fewer new ratings than this share of those learned from waits, so that many
    refreshes cannot overfit a table that hardly grows; beyond a million ratings the share grows
    with them, since a refresh costs as much as all of them and changes ever less.
    """

    name: ClassVar[str] = "state_space"
    refresh_seconds: ClassVar[int | None] = 86_400
    factors: int = 16
    co_rating_factors: int = 20
    iterations: int = 20
    refresh_growth: float = 0.0025

    _movies: Movies = field(init=False, repr=False)
    _prior: F64 = field(init=False, repr=False)
    _basis: F64 = field(init=False, repr=False)
    # What was followed since the last refit, so that a refresh need not follow it again.
    _followed: Lessons = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        return 16.0 * len(self.movies) * self.factors**2

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._side = SideInformation.of(self.users.table, self.movies.table)
        self._user_columns = self._side.user_columns(NOTHING)
        self._movie_side = MovieSide(*self._side.movie_columns(NOTHING))
        self._describe()
        self._lessons = Lessons.none(COLUMNS)
        self._rehearse(RatingColumns.of(train))
        self._begin(RatingColumns.of(train))
        self._learn_trees()

    @kernels_first
    def refresh(self, ratings: Ratings) -> None:
        """One warm iteration of EM on everything heard, unless hardly anything is new."""
        recent = RatingColumns.concat(
            [RatingColumns.empty(), *self.history.recent]
        ).without_deleted()
        if len(recent) < self.refresh_after():
            return
        if len(recent) == int(self._followed.new[0]):
            self._lessons = self._lessons.with_more(self._followed.columns, self._followed.surprise)
        else:
            self._take_lessons(recent, self.history.merged_of(np.unique(recent.users)))
        self._settle()
        if self._lessons.due():
            self._learn_trees()

    def refresh_after(self) -> int:
        """So many that they outgrow the share `growth`."""
        known = len(self.history.merged)
        return int(np.ceil(self.refresh_growth * max(1.0, known / MANY) * known))

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        if of_one(rows):
            user, prior_of = int(rows.users[0]), (self._prior, self._pull)
            stands = standing(user, self.history, prior_of, self._movies)
            return self._answered(*stands.expect(rows.movies))
        users, prior, movies_at, movies = self._lines(rows)
        asked = RatingColumns(users, movies_at, np.zeros(len(rows)), np.full(len(rows), LAST))
        past = self.history.of_users(np.unique(rows.users))
        return self._answered(*self._follow(asked, past, prior, movies))

    def precompute(self, like: Model | None = None) -> None:
        """Make ready what many questions about many movies need."""
        self._movies.precompute(like._movies if isinstance(like, StateSpace) else None)

    @override
    def predict_from(self, rows: Rows, past: RatingColumns) -> Expected:
        users, prior, movies_at, movies = self._lines(rows)
        lines, last = np.arange(len(rows), dtype=np.int32), np.full(len(rows), LAST)
        asked = RatingColumns(lines, movies_at, np.zeros(len(rows)), last)
        return self._answered(*self._follow(asked, past, prior[users], movies))

    @override
    def replay_rows(self, kept: RatingColumns) -> Expected:
        return self._answered(*self._follow(kept, RatingColumns.empty(), self._prior, self._movies))

    @override
    def observe_rows(self, rows: Rows) -> None:
        self.history.add(RatingColumns.of(rows))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        told = RatingColumns.of(rows)
        past = self.history.of_users(np.unique(told.users))
        self.history.add(told)
        mean, variance, columns = self._follow(told, past, self._prior, self._movies)
        self._followed = self._followed.with_more(columns, told.stars - mean)
        return self._answered(mean, variance, columns)

    @override
    def remove_ratings(self, users: NDArray[np.int32], predicate: Predicate) -> int:
        self._followed = Lessons.none(COLUMNS)
        return super().remove_ratings(users, predicate)

    def _settle(self) -> None:
        """One warm iteration of EM, on all that was heard."""
        self.history.merge()
        self._followed = Lessons.none(COLUMNS)
        self._learn(self._movies.learned, 1, 2)

    @override
    def grow(self) -> None:
        known, side = len(self._user_columns), self._describe()
        fresh = rowwise(self._user_columns[known:], self._movies.learned.of_users)
        self._prior = np.concatenate([self._prior, fresh])
        if len(side.year):
            self._movies = self._movies.with_more(side)

    def _describe(self) -> MovieSide:
        """Take up the side information of ids just met by the vocabularies; that of the movies."""
        users = self.users.table[len(self._user_columns) - 1 :]
        self._user_columns = np.concatenate([self._user_columns, self._side.user_columns(users)])
        movies = self.movies.table[len(self._movie_side.year) - 1 :]
        side = MovieSide(*self._side.movie_columns(movies))
        self._movie_side = self._movie_side.joined(side)
        return side

    def _width(self) -> int:
        """Number of movie columns: side information, company, its raters' zeal and taste."""
        return 4 + len(self._side.genres) + self.co_rating_factors + 1 + 1 + self.factors

    def _learn(self, start: Learned, iterations: int, turns: int) -> None:
        heard = self.history.merged
        table = Table.of(heard, len(self.users), len(self.movies))
        counts = np.diff(table.movie_edges)
        basis = np.zeros((len(counts), self.co_rating_factors))
        basis[: len(self._basis)] = self._basis
        self._basis = company(basis, table, turns)
        who = company_columns(self._basis, table)
        columns = self._movie_side.columns(counts, who)
        for _ in range(iterations):
            start, taste = iterate(start, table, self._user_columns, columns)
        self._prior = rowwise(self._user_columns, start.of_users)
        self._movies = Movies.of(start, self._movie_side, counts, who[:, :-1])
        self._pull = pull_of(table, self._movies.presence, taste - self._prior)

    def _begin(self, heard: RatingColumns) -> None:
        """Learn from `heard` and nothing else."""
        self.history, self._followed = UserHistory(heard), Lessons.none(COLUMNS)
        random = np.random.default_rng(self.seed)
        self._basis = random.normal(size=(len(self.movies), self.co_rating_factors))
        sizes = len(self.movies), self._user_columns.shape[1], self._width()
        start = Learned.start(self.factors, sizes, float(heard.stars.mean()), self.seed)
        self._learn(start, self.iterations, 15)

    def _rehearse(self, heard: RatingColumns) -> None:
        """Forecast later ratings of train from earlier ones: honest surprises to learn from."""
        # What comes before the lessons that are kept need not be rehearsed.
        first, *later = heard.time_slices(max(REHEARSAL[0], 1 - MOST / len(heard)), REHEARSAL[1])
        if later:
            self._begin(first)
        for piece in later:
            self._take_lessons(piece, self.history.merged_of(np.unique(piece.users)))
            self.history.add(piece)
            self._settle()

    def _take_lessons(self, heard: RatingColumns, past: RatingColumns) -> None:
        """Keep what was known before each row of `heard`, told after `past`, and its surprise."""
        mean, _, columns = self._follow(heard, past, self._prior, self._movies)
        self._lessons = self._lessons.with_more(columns, heard.stars - mean)

    def _learn_trees(self) -> None:
        self._trees = Trees.learned(self._lessons.columns, self._lessons.surprise, self.seed)
        self._lessons = self._lessons.learned()

    def _follow(
        self, asked: RatingColumns, past: RatingColumns, prior: F64, movies: Movies
    ) -> tuple[F64, F64, F32]:
        return followed((asked, past), (prior, self._pull), movies)

    def _answered(self, mean: F64, variance: F64, columns: F32) -> Expected:
        return Expected(mean + self._trees.correct(columns), np.sqrt(variance))

    def _lines(self, rows: Rows) -> tuple[NDArray[np.int32], F64, NDArray[np.int32], Movies]:
        """Rows and priors of users, rows and movies, where each unknown one has its own line."""
        priors = self._prior, self._movies.learned.of_users
        users, prior = with_strangers(rows, self.users, self._side, priors)
        return users, prior, *with_new_movies(rows, self.movies, self._side, self._movies)

    @override
    def movie_factors(self) -> Factors:
        learned, tastes = self._movies.learned, self._prior[:, 1:]
        # What side information says of users' tastes differs too, beside what it leaves open.
        cov = learned.taste_cov[1:, 1:] + np.atleast_2d(np.cov(tastes, rowvar=False, ddof=0))
        return Factors(learned.levels[:, 0], learned.levels[:, 1:], tastes.mean(axis=0), cov)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {"side": self._side.packed(), "basis": self._basis, "pull": self._pull}
        arrays |= {"user_columns": self._user_columns, "prior": self._prior}
        arrays["lines"] = self._movies.lines
        parts = {"learned": self._movies.learned, "measure": self._movies.measure}
        parts |= {"movie_side": self._movie_side, "lessons": self._lessons, "trees": self._trees}
        return arrays | packed(parts) | history_arrays(self.history)

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._side = SideInformation.unpacked(arrays["side"])
        self._basis, self._pull = arrays["basis"], arrays["pull"]
        self._user_columns, self._prior = arrays["user_columns"], arrays["prior"]
        self._movie_side = MovieSide(**part_of(arrays, "movie_side"))
        self._lessons = Lessons(**part_of(arrays, "lessons"))
        self._trees = Trees(**part_of(arrays, "trees"))
        learned, signs = Learned(**part_of(arrays, "learned")), Signs(**part_of(arrays, "measure"))
        self._movies = Movies(learned, signs, arrays["lines"], len(self._side.genres))
        self.history = restored_history(arrays)
        self._followed = Lessons.none(COLUMNS)
