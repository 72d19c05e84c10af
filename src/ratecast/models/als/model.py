"""Probabilistic matrix factorization by alternating ridge regressions, with an exact fold-in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F32, F64, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, counts
from ratecast.modelling.contract.settings import ABOVE_ZERO, Limits, Range
from ratecast.modelling.factors.bilinear import BothSides, Side, Sides, solve, with_covariance
from ratecast.modelling.factors.bilinear_state import BilinearForm, BilinearState, Centring
from ratecast.modelling.factors.recursive_least_squares import l2_vector, prior_covariance
from ratecast.modelling.kernels import solver_choice
from ratecast.modelling.kernels.csr import by_user_and_movie
from ratecast.modelling.kernels.weighted_mean import weighted_mean
from ratecast.models.als.conjugate_gradients import STEPS, FixedSide, Prior, solve_rows
from ratecast.ratings import Ratings

Solver = Literal["auto", "exact", "gradients"]
V = TypeVar("V", F32, F64)
INIT_STD = 0.3
FEW_FACTORS = 8


@dataclass
class Alternation:
    """Weights of users and movies, (rows, 1 + k), and the users' prior mean, after some halves."""

    users: F32
    movies: F32
    user_mean: F32
    halves: int = 0


class Equations(NamedTuple):
    """Of the rows of one side. other: it stands still. steps: of conjugate gradients."""

    other: FixedSide
    prior: Prior
    steps: int


SolveSide = Callable[[int, F32, Equations], None]


@dataclass(kw_only=True, eq=False)
class ALS(Model):
    """stars(u, i) = mean + unit (b_u + b_i + p_u · q_i), unit: standard deviation of the stars.

    Users' and movies' weights (b, p) minimise, in turn, with the other side fixed:
    Σ (r - b_u - b_i - p_u · q_i)² + damping (b - b₀)² + (l2_factors + n l2_per_rating) |p - p₀|²,
    r: centred stars, n: ratings of the row, (b₀, p₀): prior mean, 0 for movies, learned for users
    (p₀ only where there are more users than factors).
    The posterior covariance of each row makes an online update one step of recursive least
    squares: exact for the user while the movies stay fixed; the movie's step counts a rating less
    when its user is uncertain.

    factors: length k of p_u and q_i.
    user_damping, movie_damping: how many ratings the prior of a bias counts for.
    l2_factors: how many ratings the prior of a factor counts for.
    l2_per_rating: how many more it counts for with each rating of the row; without it, many
    factors overfit.
    iterations: each solves the users and the movies once.
    solver: `exact`, at about 3 k² operations a rating and side; `gradients`, at 16 k, in single
    precision; `auto`, the second from a million ratings on (with eight factors).
    seed: of the initial factors.

    Reference: Salakhutdinov, Mnih 2008, "Probabilistic matrix factorization", eq. 4; the
    alternation as in Zhou et al. 2008, "Large-scale parallel collaborative filtering for the
    Netflix prize".
    Differs: biases; the penalty is mostly a constant and grows little with the ratings (in the
    paper it is a multiple of them: as-of validation RMSE 0.925, here 0.914); the prior mean of the
    users is the mean of their weights over rows, as in `bias` (frozen 1.025 -> 1.020); movies are
    updated online too (0.9185 -> 0.915).

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> model = rc.ALS(factors=2, iterations=5).fit(ratings)
    >>> model.predict([1, 2], [3, 4]).stars.shape
    (2,)
    """

    name: ClassVar[str] = "als"
    learns_from_valid: ClassVar[bool] = False
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(4, 32, log=True),
        "user_damping": Range(1.0, 40.0, log=True),
        "movie_damping": Range(1.0, 40.0, log=True),
        "l2_factors": Range(1.0, 40.0, log=True),
        "l2_per_rating": Range(0.005, 0.2, log=True),
    }
    limits: ClassVar[Limits] = dict.fromkeys(
        ("user_damping", "movie_damping", "l2_factors"), ABOVE_ZERO
    )
    factors: int = 8
    user_damping: float = 6.0
    movie_damping: float = 5.0
    l2_factors: float = 6.0
    l2_per_rating: float = 0.04
    iterations: int = 30
    solver: Solver = "auto"

    state: BilinearState = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        each = 8.0 * (1 + self.factors)
        exact = self.solver == "exact"
        return (len(self.users) + len(self.movies)) * each * (1 + self.factors if exact else 2)

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        centring = Centring.of(train.stars)
        work = len(train) * self.factors**2 // FEW_FACTORS**2
        if solver_choice.uses("gradients", self.solver, work):
            sides = self._fit_by_gradients(train, centring)
        else:
            sides = self._fit_exactly(train, centring.centred(train.stars))
        self.state = BilinearState(sides, centring)

    def _fit_by_gradients(self, train: Rows, centring: Centring) -> Sides:
        sizes = len(self.users), len(self.movies)
        level, unit = (np.float32(value) for value in centring)
        centred = ((train.stars - level) / unit).astype(np.float32)
        grouped = by_user_and_movie(train.users, train.movies, centred, sizes)
        at, rated = self.before_iterations(sizes), (grouped[0].counts, grouped[1].counts)
        while at.halves <= 2 * self.iterations:
            self.iterate(
                at, rated, lambda side, weights, given: solve_rows(grouped[side], weights, *given)
            )
        return with_covariance(grouped, *self.fitted(at))

    def before_iterations(self, sizes: tuple[int, int]) -> Alternation:
        """The weights of so many users and movies before the first half of an iteration."""
        users, movies = (np.zeros((size, 1 + self.factors), np.float32) for size in sizes)
        movies[1:, 1:] = self._initial_factors(movies[1:, 1:].shape)
        return Alternation(users, movies, np.zeros(1 + self.factors, np.float32))

    def iterate(self, at: Alternation, rated: tuple[I64, I64], solve: SolveSide) -> None:
        """Half an iteration: users, then movies, in turn.

        rated: ratings of each user and of each movie. solve: called with the side (0: users), its
        weights, and the equations.
        """
        l2 = self.l2_factors, self.l2_per_rating
        # The first third only comes closer: the same RMSE by one step.
        steps = 1 if 3 * at.halves < 2 * self.iterations else STEPS
        if at.halves % 2 == 0:
            prior = Prior(at.user_mean, self.user_damping, *l2)
            solve(0, at.users, Equations(FixedSide.of(at.movies, rated[1]), prior, steps))
            mean = weighted_mean(at.users, rated[0].astype(np.float32))
            at.user_mean = self._prior_mean(mean)
        else:
            prior = Prior(np.zeros(1 + self.factors, np.float32), self.movie_damping, *l2)
            solve(1, at.movies, Equations(FixedSide.of(at.users, rated[0]), prior, steps))
        at.halves += 1

    def fitted(self, at: Alternation) -> tuple[BothSides, BothSides, BothSides, float]:
        """Biases, factors and their penalties after the last iteration, for `with_covariance`."""
        users, movies = at.users, at.movies
        users[0] = at.user_mean
        return (
            BothSides(users[:, :1], movies[:, :1]),
            BothSides(users[:, 1:], movies[:, 1:]),
            BothSides(self._l2(self.user_damping), self._l2(self.movie_damping)),
            self.l2_per_rating,
        )

    def _fit_exactly(self, train: Rows, centred: F64) -> Sides:
        user_counts, movie_counts = (
            counts(train.users, len(self.users)),
            counts(train.movies, len(self.movies)),
        )
        user_mean = zero = np.zeros(1 + self.factors)
        users = movies = self._prior(zero, self.movie_damping, movie_counts)
        movies.weights[1:, 1:] = self._initial_factors(movies.weights[1:, 1:].shape)
        for half in range(2 * self.iterations + 1):
            if half % 2 == 0:
                users = self._prior(user_mean, self.user_damping, user_counts)
                solve(train.users, train.movies, centred, users, movies.weights)
                user_mean = self._prior_mean(users.weights[train.users].mean(axis=0))
            else:
                movies = self._prior(zero, self.movie_damping, movie_counts)
                solve(train.movies, train.users, centred, movies, users.weights)
        return Sides(users, movies)

    def _initial_factors(self, shape: tuple[int, ...]) -> F64:
        return np.random.default_rng(self.seed).normal(0, INIT_STD, shape)

    def _prior_mean(self, mean: V) -> V:
        """`mean` of all users' weights, (1 + factors,); of few users, of the biases only.

        As many factors as users, or more, reproduce any ratings, and a prior mean at the users' own
        factors does not penalise them: noise would be learned, and a new user forecast by it.
        """
        if len(self.users) - 1 <= self.factors:
            mean[1:] = 0
        return mean

    def _l2(self, damping: float) -> F64:
        return l2_vector(damping, self.l2_factors, self.factors)

    def _prior(self, mean: F64, damping: float, rated: I64) -> Side:
        """Prior weights and covariance of rows with `rated` (rows,) ratings each."""
        covariance = prior_covariance(self._l2(damping), len(rated))
        factors = range(1, 1 + self.factors)
        covariance[:, factors, factors] = 1 / (
            self.l2_factors + self.l2_per_rating * rated[:, None]
        )
        return Side(np.tile(mean, (len(rated), 1)), covariance)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self.state.predict(rows.users, rows.movies).spread(self._noise)

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        return self.state.update(rows, edges).spread(self._noise)

    @property
    def _noise(self) -> float:
        """Standard deviation of a rating's noise before calibration."""
        return self.state.centring.noise(self.scale)

    @override
    def grow(self) -> None:
        self.state.grow(len(self.users), len(self.movies))

    @override
    def forget_row(self, row: int) -> None:
        self.state.forget_row(row)

    def bilinear_form(self) -> BilinearForm:
        """Biases and factors as they are now."""
        return self.state.form()

    @override
    def movie_factors(self) -> Factors:
        return self.state.movie_factors()

    @override
    def arrays(self) -> Arrays:
        return {"level": np.array(self.state.centring)} | self.state.arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        centring = Centring(*(float(value) for value in arrays["level"]))
        self.state = BilinearState.restored(arrays, centring)
