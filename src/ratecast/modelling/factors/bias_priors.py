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

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.rows import Rows, counts

Numbers = NDArray[np.integer[Any]]

# Variances at the start, in units of the variance of the ratings; they weigh as one row does.
BIAS_VARIANCE, NOISE = 0.2, 0.7
L2_SLOPE, L2_LEVEL = 10.0, 0.01
ITERATIONS = 60
# More rows say no more of a few numbers.
MOST_ROWS = 250_000


class BiasVariances(NamedTuple):
    """Posterior variances: of each user's bias, of each movie's, of their sum at each rating."""

    users: F64
    movies: F64
    pairs: F64


@dataclass
class BiasMessages:
    """What each rating says of the bias of its user and of its movie, as precisions.

    users, movies: (n,) row numbers, below `sizes`. to_users, to_movies: (n,), changed by rounds.
    """

    users: Numbers
    movies: Numbers
    sizes: tuple[int, int]
    to_users: F64
    to_movies: F64
    # Sum of to_users of each user.
    of_user: F64

    @classmethod
    def initial(cls, users: Numbers, movies: Numbers, sizes: tuple[int, int]) -> Self:
        """As if the noise were all of the variance, 1. sizes: rows of users and of movies."""
        ones = np.ones(len(users))
        return cls(users, movies, sizes, ones, ones, _sums(users, ones, sizes[0]))

    def update(self, prior: tuple[float, float], noise: F64 | float) -> BiasVariances:
        """One round of messages between users and movies.

        prior: variances of the users' biases and of the movies'. noise: variance of a rating, or of
        each, (n,). What a rating says of a movie is known up to its own noise and what the user's
        other ratings leave open.
        """
        of_users, of_movies = 1.0 / prior[0], 1.0 / prior[1]
        user_precision = of_users + self.of_user
        user_open = 1.0 / (user_precision[self.users] - self.to_users)
        self.to_movies = 1.0 / (noise + user_open)
        movie_precision = of_movies + _sums(self.movies, self.to_movies, self.sizes[1])
        movie_open = 1.0 / (movie_precision[self.movies] - self.to_movies)
        self.to_users = 1.0 / (noise + movie_open)
        self.of_user = _sums(self.users, self.to_users, self.sizes[0])
        user_precision = of_users + self.of_user
        both = user_open + movie_open
        pairs = both * noise / (both + noise)
        return BiasVariances(1.0 / user_precision, 1.0 / movie_precision, pairs)


class BiasPriors(NamedTuple):
    """Prior means of the users' biases and of the movies', (rows,); dampings, in ratings."""

    users: F64
    movies: F64
    user_damping: float
    movie_damping: float


@dataclass
class _Side:
    """One side's biases: their posterior, and the prior that is learned."""

    rows: Numbers
    columns: F64
    counts: I64
    damping: float | None
    biases: F64
    mean: F64
    coefficients: F64
    variance: float = BIAS_VARIANCE

    @classmethod
    def initial(cls, rows: Numbers, size: int, *, level: bool, damping: float | None) -> Self:
        numbers = np.bincount(rows, minlength=size)
        columns = _columns(numbers, level=level)
        zeros = np.zeros(size), np.zeros(size), np.zeros(columns.shape[1])
        return cls(rows, columns, numbers, damping, *zeros)

    def solve(self, residuals: F64, noise: float) -> None:
        """The biases for fixed ones of the other side."""
        sums = _sums(self.rows, residuals, len(self.mean))
        weight = noise / self.variance
        self.biases = (sums + weight * self.mean) / (self.counts + weight)

    def learn(self, posterior_variance: F64, noise: float) -> None:
        """Prior means by ridge regression on the columns; the variance of what they leave."""
        rated = self.counts > 0
        self.coefficients = prior_regression(self.columns[rated], self.biases[rated])
        self.mean = self.columns @ self.coefficients
        squares = np.square(self.biases - self.mean) + posterior_variance
        variance = (squares[rated].sum() + BIAS_VARIANCE) / (rated.sum() + 1)
        self.variance = float(variance) if self.damping is None else noise / self.damping


def _sums(rows: Numbers, values: F64, size: int) -> F64:
    """Sum of the values (n,) of each row number below `size`: (size,)."""
    # Its stub says whole numbers, which it gives without weights.
    return np.asarray(np.bincount(rows, values, size), np.float64)


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
    l2 = np.where(np.ptp(columns, axis=0) == 0, L2_LEVEL, L2_SLOPE)
    regression: F64 = np.linalg.solve(columns.T @ columns + np.diag(l2), columns.T @ weights)
    return regression


def learn_bias_priors(
    train: Rows, centred: F64, sizes: tuple[int, int], given: tuple[float | None, float | None]
) -> BiasPriors:
    """Priors of the biases of users and movies, in units of `centred`.

    Of a table of more than 250,000 rows they are learned from all ratings of some users.

    centred: (n,) ratings, with mean 0 and variance 1. sizes: rows of users and of movies. given:
    dampings of users and movies that are not learned.
    """
    some = of_some_users(train.users, len(train))
    counted = counts(train.users, sizes[0]), counts(train.movies, sizes[1])
    # Row numbers of the size that sums and lookups take, so that none converts them.
    rows = train.users[some].astype(np.intp), train.movies[some].astype(np.intp)
    return priors_of_some(rows, centred[some], counted, given)


def of_some_users(users: Numbers, rows: int) -> NDArray[np.bool_]:
    """Which of these rows the priors of a table of so many rows are learned from: (n,)."""
    some: NDArray[np.bool_] = users % (1 + (rows - 1) // MOST_ROWS) == 0
    return some


def priors_of_some(
    rows: tuple[Numbers, Numbers],
    stars: F64,
    counted: tuple[I64, I64],
    given: tuple[float | None, float | None],
) -> BiasPriors:
    """`learn_bias_priors` from all ratings of some users.

    rows: users and movies of these ratings. stars: (n,), as `centred` there. counted: ratings of
    each user and of each movie in the whole table.
    """
    sizes = len(counted[0]), len(counted[1])
    users = _Side.initial(rows[0], sizes[0], level=True, damping=given[0])
    movies = _Side.initial(rows[1], sizes[1], level=False, damping=given[1])
    noise, messages = NOISE, BiasMessages.initial(*rows, sizes)
    of_movies = movies.biases[rows[1]]
    for _ in range(ITERATIONS):
        users.solve(stars - of_movies, noise)
        without_users = stars - users.biases[rows[0]]
        movies.solve(without_users, noise)
        of_movies = movies.biases[rows[1]]
        variances = messages.update((users.variance, movies.variance), noise)
        error = without_users - of_movies
        noise = float((np.square(error).sum() + variances.pairs.sum() + NOISE) / (len(stars) + 1))
        users.learn(variances.users, noise)
        movies.learn(variances.movies, noise)
    user_mean = _columns(counted[0], level=True) @ users.coefficients
    movie_mean = _columns(counted[1], level=False) @ movies.coefficients
    return BiasPriors(user_mean, movie_mean, noise / users.variance, noise / movies.variance)
