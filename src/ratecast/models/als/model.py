"""Probabilistic matrix factorization by alternating ridge regressions, with an exact fold-in.

Reference: Salakhutdinov, Mnih 2008, "Probabilistic matrix factorization", eq. 4; the alternation
as in Zhou et al. 2008, "Large-scale parallel collaborative filtering for the Netflix prize".
Differs: the first weight of either side is its bias; the penalty is mostly a constant, and grows
little with the ratings (in the paper it is a multiple of them: as-of validation RMSE 0.925, here
0.914); the mean of the users' prior is learned, over rows, as `bias` does (frozen 1.025 -> 1.020).
Every row keeps the covariance of its weights, so that hearing a rating is one step of recursive
least squares for its user, exact while the movies stand still, and one for its movie, which trusts
a user less who is hardly known (0.9185 -> 0.915).
Where that would be much work (with eight factors, from a million ratings on), three steps of
conjugate gradients from the last sweep's solution stand for an exact one, in single precision.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, counts
from ratecast.modelling.contract.settings import ABOVE_ZERO, Limits, Range
from ratecast.modelling.factors.bilinear import Side, grown_side, hear, known, said, solve
from ratecast.modelling.factors.pair_scores import Product
from ratecast.modelling.factors.recursive_least_squares import prior_cover, ridges
from ratecast.modelling.kernels.csr import heaps
from ratecast.modelling.kernels.solver import takes
from ratecast.modelling.kernels.weighted_mean import centre
from ratecast.models.als.conjugate_gradients import sweep
from ratecast.ratings import Ratings

Solver = Literal["auto", "exact", "gradients"]
FIRST_SPREAD = 0.3
FEW_FACTORS = 8


@dataclass(kw_only=True, eq=False)
class ALS(Model):
    """Forecast = mean + bias of the user + bias of the movie + product of their factors.

    A side is (weights, cover): (rows, 1 + factors), the bias first, and the covariance of each
    row's weights that hear, in units of the noise of one rating. Dampings and ridge say how many
    ratings a prior counts for; l2_per_rating, how many more the prior of a factor counts for with
    each rating (without it, many factors overfit). solver: `exact`, at some 3 factors^2 operations
    a rating and side, `gradients`, at 16 factors, or `auto`, by the size of the table.
    """

    name: ClassVar[str] = "als"
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

    @override
    def memory_bytes(self) -> float:
        each = 8.0 * (1 + self.factors)
        exact = self.solver == "exact"
        return (len(self.users) + len(self.movies)) * each * (1 + self.factors if exact else 2)

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._mean = float(train.stars.mean(dtype=np.float64))
        self._unit = float(train.stars.std(dtype=np.float64)) or 1.0
        if takes(self.solver, "gradients", len(train) * self.factors**2 // FEW_FACTORS**2):
            self._fit_by_gradients(train)
        else:
            self._fit_exactly(train)

    def _fit_by_gradients(self, train: Rows) -> None:
        sizes = len(self.users), len(self.movies)
        above = ((train.stars - np.float32(self._mean)) / np.float32(self._unit)).astype(np.float32)
        rated = heaps(train.users, train.movies, above, sizes)
        weights = [np.zeros((size, 1 + self.factors), np.float32) for size in sizes]
        draw = np.random.default_rng(self.seed).normal(0, FIRST_SPREAD, weights[1][1:, 1:].shape)
        weights[1][1:, 1:] = draw
        given = rated[0].counts.astype(np.float32)
        mean = none = np.zeros(1 + self.factors, np.float32)
        for turn in range(2 * self.iterations + 1):
            side = turn % 2
            damping = (self.user_damping, self.movie_damping)[side]
            pulls = damping, self.l2_factors, self.l2_per_rating
            sweep(rated[side], weights[side], weights[1 - side], (mean, none)[side], pulls)
            if side == 0:
                mean = centre(weights[0], given)
        weights[0][0] = mean
        self._of_users, self._of_movies = known(
            rated,
            (weights[0][:, :1], weights[1][:, :1]),
            (weights[0][:, 1:], weights[1][:, 1:]),
            (self._ridges(self.user_damping), self._ridges(self.movie_damping)),
            self.l2_per_rating,
        )

    def _ridges(self, damping: float) -> F64:
        return ridges(damping, self.l2_factors, self.factors)

    def _fit_exactly(self, train: Rows) -> None:
        rated = counts(train.users, len(self.users)), counts(train.movies, len(self.movies))
        above, (users, movies) = self._above(train), (train.users, train.movies)
        no_mean = np.zeros(1 + self.factors)
        self._of_movies = self._prior(no_mean, self.movie_damping, rated[1])
        drawn = self._of_movies[0][1:, 1:]
        drawn[:] = np.random.default_rng(self.seed).normal(0, FIRST_SPREAD, drawn.shape)
        mean = no_mean
        for turn in range(2 * self.iterations + 1):
            if turn % 2 == 0:
                self._of_users = self._prior(mean, self.user_damping, rated[0])
                solve((users, movies, above), self._of_users, self._of_movies[0])
                mean = self._of_users[0][users].mean(axis=0)
            else:
                self._of_movies = self._prior(no_mean, self.movie_damping, rated[1])
                solve((movies, users, above), self._of_movies, self._of_users[0])

    def _prior(self, mean: F64, damping: float, rated: NDArray[np.int64]) -> Side:
        """Of lines with so many ratings each: (rows,)."""
        cover = prior_cover(self._ridges(damping), len(rated))
        factors = range(1, 1 + self.factors)
        cover[:, factors, factors] = 1 / (self.l2_factors + self.l2_per_rating * rated[:, None])
        return np.tile(mean, (len(rated), 1)), cover

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._in_stars(*said((rows.users, rows.movies), self._sides()))

    @override
    def grow(self) -> None:
        self._of_users = grown_side(self._of_users, len(self.users))
        self._of_movies = grown_side(self._of_movies, len(self.movies))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        told = rows.users, rows.movies, self._above(rows)
        return self._in_stars(*hear(told, edges, self._sides()))

    def _sides(self) -> tuple[Side, Side]:
        return self._of_users, self._of_movies

    def bilinear_form(self) -> Product:
        """Biases and factors as they stand now, in stars."""
        return Product(self._mean, self._unit, self._of_users[0], self._of_movies[0])

    @override
    def movie_factors(self) -> Factors:
        return Factors.of(self._of_users[0], self._of_movies[0], self._unit)

    def _above(self, rows: Rows) -> F64:
        """The stars above the mean, in units of their spread: priors then fit any scale."""
        return (rows.stars.astype(np.float64) - self._mean) / self._unit

    def _in_stars(self, above: F64, deviation: F64) -> Expected:
        return Expected(self._mean + self._unit * above, deviation)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {"level": np.array([self._mean, self._unit])}
        arrays["users.weights"], arrays["users.cover"] = self._of_users
        arrays["movies.weights"], arrays["movies.cover"] = self._of_movies
        return arrays

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._mean, self._unit = (float(value) for value in arrays["level"])
        self._of_users = arrays["users.weights"], arrays["users.cover"]
        self._of_movies = arrays["movies.weights"], arrays["movies.cover"]
