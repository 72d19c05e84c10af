"""Variational EM for the movies' vectors and the distribution of the users' vectors.

A user u has a vector p (F,), bias then K factors, F = 1 + K; a movie j has a vector q (F,), its
bias relative to the mean rating, then its factors:

    r_uj = mean + q_0 + (1, q_1..q_K)·p + ε,   ε ~ N(0, noise_j)
    p ~ N(x_u @ user_regression, user_cov),    q ~ N(x_j @ movie_regression, noise_j / l2)

x_u, x_j: columns of side information; x_j also holds co-rating factors and its raters' vectors.
Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction".
Differs: the priors are regressions on columns, each movie has its own noise variance, and the
strength of the prior of the factors is bounded.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I32, I64, read_only
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.modelling.kernels.csr import sorted_by
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.models.state_space import rhythm
from ratecast.models.state_space.em_posterior import movie_posterior, user_posterior
from ratecast.models.state_space.em_sums import (
    MovieSums,
    Terms,
    column_sums,
    movie_sums,
    movie_terms,
)
from ratecast.models.state_space.structure import USUAL, Structure
from ratecast.models.state_space.symmetric import (
    lower_triangles,
    packed,
    packed_size,
    unpacked,
)

# Strength of the prior of a movie's bias, in ratings, at most.
MAX_L2_BIASES = 8.0
# Weight of the pooled noise variance in that of a movie, in ratings.
NOISE_DAMPING = 80.0
# In stars^2. Where the movie alone decides the stars, the variance would shrink to nothing, and all
# that is computed from it would be rounding errors.
LEAST_NOISE_VAR = 1e-4
# In stars^2. With many ratings, and noise from this on, the terms of their sums are in single
# precision. Of less noise, terms are so large that their rounding errors would count.
SINGLE_NOISE_VAR = 0.01
# Pseudo-counts: of the mean of a movie's raters, and of a movie's weight in the regression.
RATERS_DAMPING, REGRESSION_DAMPING = 5.0, 5.0


class RatingGroups(NamedTuple):
    """Ratings grouped by one side. edges: (groups + 1,). others: (n,), ids of the other side.

    stars: (n,).
    """

    edges: I64
    others: I32
    stars: F64

    @property
    def counts(self) -> I64:
        """Ratings in each group."""
        return np.diff(self.edges)


class GroupedRatings(NamedTuple):
    """All ratings, grouped by user and by movie."""

    by_user: RatingGroups
    by_movie: RatingGroups

    @classmethod
    def of(cls, ratings: RatingColumns, users: int, movies: int) -> "GroupedRatings":
        """Group ratings both ways; they are sorted by user. users, movies: numbers of rows."""
        columns = ratings.users, ratings.movies, ratings.stars
        user_edges = np.searchsorted(ratings.users, np.arange(users + 1, dtype=np.int32))
        movie_edges, (raters, _, given) = sorted_by(ratings.movies, movies, columns)
        sides = (user_edges, ratings.movies, ratings.stars), (movie_edges, raters, given)
        return cls(*(RatingGroups(e, read_only(o), read_only(s)) for e, o, s in sides))


@dataclass(frozen=True)
class Parameters:
    """What EM learns, for M movies, K factors, D user columns, X movie columns, F = 1 + K.

    mean: (1,) mean rating. movie_vectors: (M, F) posterior means. factor_cov: (M, K (K + 1) / 2)
    and bias_var: (M,) posterior covariance of factors, as the lower triangle row by row, and
    variance of the bias. noise_var: (M,).
    pooled_noise_var: (1,) of all movies. l2_biases, l2_factors: (1,) prior strength of the bias and
    of a factor, in ratings: pooled noise variance / variance around the regression, at most
    `MAX_L2_BIASES` and max_l2_factors (1,). user_regression: (D, F). user_cov: (F, F).
    movie_regression: (X, F).
    """

    mean: F64
    movie_vectors: F64
    factor_cov: F64
    bias_var: F64
    noise_var: F64
    pooled_noise_var: F64
    l2_biases: F64
    l2_factors: F64
    max_l2_factors: F64
    user_regression: F64
    user_cov: F64
    movie_regression: F64

    @classmethod
    def initial(
        cls, structure: Structure, sizes: tuple[int, int, int], mean: float, seed: int
    ) -> "Parameters":
        """Before the first iteration: random factors. sizes: M, D, X."""
        factors, (movies, user_columns, movie_columns) = structure.factors, sizes
        vectors = np.random.default_rng(seed).normal(0, 0.1, (movies, 1 + factors))
        vectors[:, 0] = 0
        return cls(
            mean=np.array([mean]),
            movie_vectors=vectors,
            factor_cov=np.zeros((movies, packed_size(factors))),
            bias_var=np.zeros(movies),
            noise_var=np.full(movies, 0.85),
            pooled_noise_var=np.array([0.85]),
            l2_biases=np.array([MAX_L2_BIASES]),
            l2_factors=np.array([USUAL.max_l2_factors]),
            max_l2_factors=np.array([structure.max_l2_factors]),
            user_regression=np.zeros((user_columns, 1 + factors)),
            user_cov=np.diag(np.concatenate([[0.2], np.ones(factors)])),
            movie_regression=np.zeros((movie_columns, 1 + factors)),
        )

    @classmethod
    def restored(cls, arrays: dict[str, F64]) -> "Parameters":
        """The parameters of an artifact; in those of version 0.2 two strengths were constants.

        There the covariances were whole matrices.
        """
        usual = np.array([MAX_L2_BIASES]), np.array([USUAL.max_l2_factors])
        strengths = dict(zip(("l2_biases", "max_l2_factors"), usual, strict=True))
        cov = arrays["factor_cov"]
        whole = {"factor_cov": lower_triangles(cov)} if cov.ndim > 2 else {}
        return cls(**strengths | arrays | whole)

    def with_usual_biases(self) -> "Parameters":
        """With the usual strength of the prior of biases."""
        return replace(self, l2_biases=np.array([MAX_L2_BIASES]))

    def with_movies(self, columns: F64) -> "Parameters":
        """Add movies without ratings: their prior from `columns` (n, X)."""
        vectors = rowwise(columns, self.movie_regression)
        count, factors = len(vectors), self.movie_vectors.shape[1] - 1
        cov = np.tile(lower_triangles(np.eye(factors)[None]), (count, 1))
        cov *= self.pooled_noise_var / self.l2_factors
        bias_var = np.full(count, self.pooled_noise_var / self.l2_biases)
        return replace(
            self,
            movie_vectors=np.concatenate([self.movie_vectors, vectors]),
            factor_cov=np.concatenate([self.factor_cov, cov]),
            bias_var=np.append(self.bias_var, bias_var),
            noise_var=np.append(self.noise_var, np.full(count, self.pooled_noise_var)),
        )


def em_iteration(
    now: Parameters, ratings: GroupedRatings, users: F64, movies: F64
) -> tuple[Parameters, F64]:
    """One iteration of EM; also the posterior mean of every user's vector: (U, F).

    users: (U, D) columns. movies: (M, X - F) columns; the mean vector of each movie's raters is
    appended to them.
    """
    # E step, users: posterior of every vector, given the movies.
    vectors, terms = _user_posterior(now, ratings, users)
    has_rated = ratings.by_user.counts > 0
    columns, rated = users[has_rated], vectors[has_rated]
    # M step, users: regression on the columns, and the covariance of what it leaves open.
    regression = _ridge(columns, rated, 20.0, 0.2)
    residuals = rated - columns @ regression
    second_moments = unpacked(column_sums(terms, has_rated)[: -vectors.shape[1]])
    user_cov = residuals.T @ residuals + (second_moments - rated.T @ rated)
    user_cov = user_cov + 0.1 * np.eye(vectors.shape[1])
    user_cov /= 1 + len(columns)
    # The scale of a factor is free: set every user factor to variance 1.
    unit = np.sqrt(np.diag(user_cov))
    unit[0] = 1.0
    mean, vectors = ratings.by_movie.stars.mean(), vectors / unit
    sums = movie_sums(ratings.by_movie, mean, terms, 1 / unit)
    columns = np.column_stack([movies, _rater_means(ratings, vectors, sums.vectors)])
    # E and M step, movies.
    learned = _movie_step(now, ratings, sums, (columns, now.movie_regression * unit))
    learned |= {"mean": np.array([mean]), "user_regression": regression / unit}
    learned |= {"user_cov": user_cov / (unit[:, None] * unit)}
    return _centred(Parameters(**learned), ratings.by_movie.counts, vectors)


def _centred(now: Parameters, counts: I64, vectors: F64) -> tuple[Parameters, F64]:
    """The same model with movie factors of mean 0 over the ratings, moved into the user's bias.

    Otherwise bias and factors can grow against each other without bound.
    """
    mean = counts @ now.movie_vectors / counts.sum()
    mean[0] = 0
    transform = np.eye(len(mean))
    transform[:, 0] += mean
    movie_vectors, movie_regression = now.movie_vectors - mean, now.movie_regression.copy()
    movie_regression[0] -= mean
    moved = {"movie_vectors": movie_vectors, "movie_regression": movie_regression}
    moved |= {"user_regression": now.user_regression @ transform}
    user_cov = transform.T @ now.user_cov @ transform
    return replace(now, **moved, user_cov=user_cov), vectors @ transform


def _rater_means(ratings: GroupedRatings, vectors: F64, sums: F64) -> F64:
    """Damped mean of the vectors of each movie's raters, minus that of all users: (M, F).

    sums: (M, F) of the raters' vectors.
    """
    counts = ratings.by_movie.counts[:, None]
    centred: F64 = sums - counts * vectors[ratings.by_user.counts > 0].mean(axis=0)
    return centred / (counts + RATERS_DAMPING)


def _ridge(columns: F64, target: F64, l2: float, l2_constant: float) -> F64:
    """Ridge regression weights (columns' + L2)⁻¹ columns' target; column 0 is the constant."""
    strength = np.full(columns.shape[1], l2)
    strength[0] = l2_constant
    weights = np.linalg.solve(columns.T @ columns + np.diag(strength), columns.T @ target)
    return np.asarray(weights, np.float64)


def _user_posterior(now: Parameters, ratings: GroupedRatings, users: F64) -> tuple[F64, Terms]:
    """Posterior mean (U, F) of every user's vector, and its terms for `movie_sums`.

    Precision = user_cov⁻¹ + Σ E[h h'] / noise_j,
    mean = covariance (user_cov⁻¹ prior + Σ E[h] y / noise_j).
    """
    inverse = np.linalg.inv(now.user_cov)
    inverse = (inverse + inverse.T) / 2
    vectors = now.movie_vectors
    many = len(ratings.by_user.stars) > rhythm.MANY_RATINGS
    single = many and now.pooled_noise_var[0] >= SINGLE_NOISE_VAR
    number = np.float32 if single else np.float64
    terms = movie_terms(vectors[:, 1:], now.factor_cov, now.noise_var, number)
    prior = packed(inverse), users @ now.user_regression @ inverse
    return user_posterior(ratings.by_user, (now.mean + vectors[:, 0], terms), prior)


def _movie_step(
    now: Parameters, ratings: GroupedRatings, sums: MovieSums, prior: tuple[F64, F64]
) -> dict[str, F64]:
    """Posterior of every movie's vector, its noise variance, and the regression of its prior.

    prior: columns (M, X) and the regression (X, F).
    """
    columns, regression = prior
    counts, width = ratings.by_movie.counts, regression.shape[1]
    # E step: (gram + L2) q = cross + L2 prior mean.
    strength = np.concatenate([now.l2_biases, np.repeat(now.l2_factors, width - 1)])
    l2 = strength * (now.noise_var / now.pooled_noise_var)[:, None]
    expected = columns @ regression
    vectors, squares, variances, factor_cov = movie_posterior(sums, l2, expected, now.noise_var)
    # M step: noise variances from the expected squared residuals, E[(y - w q)²].
    pooled = max(squares.sum() / counts.sum(), LEAST_NOISE_VAR)
    noise_var = (squares + NOISE_DAMPING * pooled) / (counts + NOISE_DAMPING)
    # M step: variance of bias and factors around their regression, and the regression itself.
    around = ((vectors - expected) ** 2 + variances)[counts > 0]
    weight = np.sqrt(counts / (counts + REGRESSION_DAMPING))[:, None]
    return {
        "movie_vectors": vectors,
        "factor_cov": factor_cov,
        "bias_var": variances[:, 0].copy(),
        "noise_var": np.maximum(noise_var, LEAST_NOISE_VAR),
        "pooled_noise_var": np.array([pooled]),
        "l2_biases": np.array([min(pooled / around[:, 0].mean(), MAX_L2_BIASES)]),
        "l2_factors": np.minimum(pooled / around[:, 1:].mean(), now.max_l2_factors),
        "max_l2_factors": now.max_l2_factors,
        "movie_regression": _ridge(columns * weight, vectors * weight, 3.0, 0.1),
    }
