"""Priors of biases, learned from a table by empirical Bayes.

Model: r = b_u + b_i + e, b_u ~ N(level + slope_u log n_u, v), b_i ~ N(slope_i log n_i, t),
e ~ N(0, s). Expectation-maximization, whose posterior variances come from Gaussian belief
propagation over the graph of ratings. A mean-field posterior takes the other side's biases as
known, so that where most users rate once the movies' variance is learned far too small.

Reference: Weiss, Freeman 2001, "Correctness of belief propagation in Gaussian graphical models of
arbitrary topology"; Searle, Casella, McCulloch 1992, "Variance components", chapter 8.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64, I32, I64, read_only
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.bias_messages import BiasMessages
from ratecast.modelling.factors.bilinear_state import Centring
from ratecast.modelling.kernels.residual_sums import residual_sums

Numbers = NDArray[np.integer[Any]]

# Variances at the start, in units of the variance of the ratings; they weigh as one row does.
BIAS_VARIANCE, NOISE = 0.2, 0.7
L2_SLOPE, L2_LEVEL = 10.0, 0.01
ITERATIONS = 60
# More rows say no more of a few numbers.
MOST_ROWS = 250_000


class BiasPriors(NamedTuple):
    """Prior means of the users' biases and of the movies', (rows,); dampings, in ratings."""

    users: F64
    movies: F64
    user_damping: float
    movie_damping: float


@dataclass
class _Side:
    """One side's biases: their posterior, and the prior that is learned; of the rated rows alone.

    numbers: (n,) which of the rated rows each rating is of. counts: (rated rows,). columns: (rated
    rows, X), what the prior mean is linear in.
    """

    numbers: I32
    counts: I64
    columns: F64
    normal_matrix: F64
    damping: float | None
    biases: F64
    mean: F64
    coefficients: F64
    variance: float = BIAS_VARIANCE

    @classmethod
    def initial(cls, rows: Numbers, size: int, *, level: bool, damping: float | None) -> Self:
        counted = np.bincount(rows, minlength=size)
        rated = np.flatnonzero(counted)
        place = np.zeros(size, np.int32)
        place[rated] = np.arange(len(rated), dtype=np.int32)
        columns = _columns(counted[rated], level=level)
        zeros = np.zeros(len(rated)), np.zeros(len(rated)), np.zeros(columns.shape[1])
        numbered = read_only(place[rows]), counted[rated]
        return cls(*numbered, columns, _normal_matrix(columns), damping, *zeros)

    def solve(self, stars: F64, other: "_Side", noise: float) -> F64:
        """The biases for fixed ones of the other side; the sums of what those leave: (rows,)."""
        size = len(self.mean)
        sums = residual_sums(self.numbers, size, other.numbers, stars, other.biases)
        weight = noise / self.variance
        self.biases = (sums + weight * self.mean) / (self.counts + weight)
        return sums

    def explained(self, sums: F64) -> float:
        """By how much the biases lower the sum of squares of numbers with these sums, (rows,)."""
        return float(self.biases @ (2.0 * sums - self.counts * self.biases))

    def learn(self, posterior_variance: F64, noise: float) -> None:
        """Prior means by ridge regression on the columns; the variance of what they leave."""
        # `prior_regression`, with what stays the same made once.
        coefficients = np.linalg.solve(self.normal_matrix, self.columns.T @ self.biases)
        self.coefficients = np.asarray(coefficients, np.float64)
        self.mean = self.columns @ self.coefficients
        squares = np.square(self.biases - self.mean) + posterior_variance
        variance = (squares.sum() + BIAS_VARIANCE) / (len(squares) + 1)
        self.variance = float(variance) if self.damping is None else noise / self.damping


def _columns(numbers: I64, *, level: bool) -> F64:
    """What a prior mean is linear in: (rows, 2), a constant first, or (rows, 1)."""
    logs = log_count(numbers)
    return np.column_stack([np.ones(len(logs)), logs]) if level else logs[:, None]


def log_count(numbers: I64) -> F64:
    """Half of log n, centred over the rows with ratings: (rows,).

    A row without ratings is like one with a single rating: one whose other ratings happened to
    stay out of the table.
    """
    logs = np.log(np.maximum(numbers, 1))
    centred: F64 = (logs - logs[numbers > 0].mean()) / 2.0
    return centred


def prior_regression(columns: F64, weights: F64) -> F64:
    """Ridge weights of `weights` (rows, ...) on columns (rows, X); a constant is hardly shrunk."""
    regression = np.linalg.solve(_normal_matrix(columns), columns.T @ weights)
    return np.asarray(regression, np.float64)


def _normal_matrix(columns: F64) -> F64:
    """What `prior_regression` divides by: (X, X)."""
    l2 = np.where(np.ptp(columns, axis=0) == 0, L2_LEVEL, L2_SLOPE)
    matrix: F64 = columns.T @ columns + np.diag(l2)
    return matrix


def learn_bias_priors(
    train: Rows,
    centring: Centring,
    counted: tuple[I64, I64],
    given: tuple[float | None, float | None],
) -> BiasPriors:
    """Priors of the biases of users and movies, in units of `centring`.

    Of a table of more than 250,000 rows they are learned from all ratings of some users.

    centring: of the stars of train. counted: ratings of each user and of each movie. given:
    dampings of users and movies that are not learned.
    """
    some = np.flatnonzero(of_some_users(train.users, len(train)))
    stars = centring.centred(train.stars[some])
    return priors_of_some((train.users[some], train.movies[some]), stars, counted, given)


def of_some_users(users: Numbers, rows: int) -> NDArray[np.bool_]:
    """Which of these rows the priors of a table of so many rows are learned from: (n,)."""
    step = 1 + (rows - 1) // MOST_ROWS
    # Not the remainder, for which numpy takes ten times as long.
    multiples = users // step
    multiples *= step
    some: NDArray[np.bool_] = multiples == users
    return some


def priors_of_some(
    rows: tuple[Numbers, Numbers],
    stars: F64,
    counted: tuple[I64, I64],
    given: tuple[float | None, float | None],
) -> BiasPriors:
    """`learn_bias_priors` from all ratings of some users.

    rows: users and movies of these ratings. stars: (n,), centred. counted: ratings of each user and
    of each movie in the whole table.
    """
    users = _Side.initial(rows[0], len(counted[0]), level=True, damping=given[0])
    movies = _Side.initial(rows[1], len(counted[1]), level=False, damping=given[1])
    sizes = len(users.counts), len(movies.counts)
    noise, messages = NOISE, BiasMessages.initial(users.numbers, movies.numbers, sizes)
    squares = float(stars @ stars)
    # Its stub says whole numbers, which it gives without weights.
    user_sums = np.asarray(np.bincount(users.numbers, stars, sizes[0]), np.float64)
    for _ in range(ITERATIONS):
        users.solve(stars, movies, noise)
        movie_sums = movies.solve(stars, users, noise)
        variances = messages.update((users.variance, movies.variance), noise)
        error = squares - users.explained(user_sums) - movies.explained(movie_sums)
        noise = float((error + variances.pairs.sum() + NOISE) / (len(stars) + 1))
        users.learn(variances.users, noise)
        movies.learn(variances.movies, noise)
    user_mean = _columns(counted[0], level=True) @ users.coefficients
    movie_mean = _columns(counted[1], level=False) @ movies.coefficients
    return BiasPriors(user_mean, movie_mean, noise / users.variance, noise / movies.variance)
