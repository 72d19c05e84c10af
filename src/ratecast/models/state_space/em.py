"""Learn what movies are like, and how users differ, from the ratings heard: variational EM."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.modelling.history.user_history import RatingColumns
from ratecast.modelling.kernels.csr import sorted_by
from ratecast.modelling.kernels.row_products import rowwise
from ratecast.models.state_space.em_sums import add_movies, add_users, summed

LEVEL_PULL, FACTOR_PULL = 8.0, 130.0
NOISE_ROWS = 80.0


@dataclass(frozen=True)
class Table:
    """Ratings grouped twice. edges: (users + 1,) and (movies + 1,) borders of the groups."""

    user_edges: NDArray[np.int64]
    by_user: tuple[NDArray[np.int32], F64]
    movie_edges: NDArray[np.int64]
    by_movie: tuple[NDArray[np.int32], F64]

    @classmethod
    def of(cls, heard: RatingColumns, users: int, movies: int) -> "Table":
        """Group ratings by user (movies, stars) and by movie (users, stars)."""
        columns = heard.users, heard.movies, heard.stars
        user_edges, (_, rated, stars) = sorted_by(heard.users, users, columns)
        movie_edges, (raters, _, given) = sorted_by(heard.movies, movies, columns)
        return cls(user_edges, (rated, stars), movie_edges, (raters, given))


@dataclass(frozen=True)
class Learned:
    """The model: a rating = level of the movie + [1, factors of the movie] @ taste + noise.

    For M movies, K factors, D user columns, X movie columns, F = 1 + K:
    mean, pooled, pull: (1,), mean rating, noise of all movies, and how strongly, in ratings, a
    factor is held where the movie's columns expect it (from the data, at most FACTOR_PULL).
    mean_var, noise: (M,) variances.
    levels: (M, F), the movie's level above the mean, then its factors; factor_cov: (M, K, K).
    A taste is N(user columns @ of_users, taste_cov). of_users: (D, F). taste_cov: (F, F).
    of_movies: (X, F): movie columns @ of_movies is where a movie is expected before its ratings.
    """

    mean: F64
    levels: F64
    factor_cov: F64
    mean_var: F64
    noise: F64
    pooled: F64
    pull: F64
    of_users: F64
    taste_cov: F64
    of_movies: F64

    @classmethod
    def start(cls, factors: int, sizes: tuple[int, int, int], mean: float, seed: int) -> "Learned":
        """Before the first iteration. sizes: M, D, X."""
        movies, user_columns, movie_columns = sizes
        levels = np.random.default_rng(seed).normal(0, 0.1, (movies, 1 + factors))
        levels[:, 0] = 0
        return cls(
            mean=np.array([mean]),
            levels=levels,
            factor_cov=np.zeros((movies, factors, factors)),
            mean_var=np.zeros(movies),
            noise=np.full(movies, 0.85),
            pooled=np.array([0.85]),
            pull=np.array([FACTOR_PULL]),
            of_users=np.zeros((user_columns, 1 + factors)),
            taste_cov=np.diag(np.concatenate([[0.2], np.ones(factors)])),
            of_movies=np.zeros((movie_columns, 1 + factors)),
        )

    def with_movies(self, columns: F64) -> "Learned":
        """Room for more movies, (n, X) columns: they stand where their columns say."""
        levels = rowwise(columns, self.of_movies)
        count, factors = len(levels), self.levels.shape[1] - 1
        cov = np.broadcast_to(np.eye(factors), (count, factors, factors))
        return replace(
            self,
            levels=np.concatenate([self.levels, levels]),
            factor_cov=np.concatenate([self.factor_cov, cov * (self.pooled / self.pull)]),
            mean_var=np.append(self.mean_var, np.full(count, self.pooled / LEVEL_PULL)),
            noise=np.append(self.noise, np.full(count, self.pooled)),
        )


def iterate(now: Learned, table: Table, users: F64, movies: F64) -> tuple[Learned, F64]:
    """One iteration of EM. Also the expected taste of every user: (U, F).

    users: (U, D) columns. movies: (M, X - F) columns; the mean taste of the movie's raters is
    added to them.
    Reference: Lim, Teh 2007, "Variational Bayesian approach to movie rating prediction".
    Differs: tastes and movies have regressions as priors, each movie has its own noise, and the
    strength of the factors' prior is bounded.
    """
    taste, cov = _tastes(now, table, users)
    rated = np.diff(table.user_edges) > 0
    known = users[rated]
    of_users = _ridge(known, taste[rated], 20.0, 0.2)
    apart = taste[rated] - known @ of_users
    taste_cov = apart.T @ apart + cov[rated].sum(axis=0) + 0.1 * np.eye(taste.shape[1])
    taste_cov /= 1 + len(known)
    unit = np.sqrt(np.diag(taste_cov))
    unit[0] = 1.0
    taste, cov = taste / unit, cov / (unit[:, None] * unit)
    columns = np.column_stack([movies, raters(table, taste)])
    learned = _movies(now, table, (taste, cov), (columns, now.of_movies * unit))
    scaled = {"of_users": of_users / unit, "taste_cov": taste_cov / (unit[:, None] * unit)}
    return _centred(Learned(**(learned | scaled)), np.diff(table.movie_edges), taste)


def _centred(now: Learned, counts: NDArray[np.int64], taste: F64) -> tuple[Learned, F64]:
    """The same model with factors of mean 0 over the ratings: a user's bias takes up the rest.

    Without it bias and factors can grow against each other without end.
    """
    middle = counts @ now.levels / counts.sum()
    middle[0] = 0
    turn = np.eye(len(middle))
    turn[:, 0] += middle
    levels, of_movies = now.levels - middle, now.of_movies.copy()
    of_movies[0] -= middle
    moved = {"levels": levels, "of_movies": of_movies, "of_users": now.of_users @ turn}
    return replace(now, **moved, taste_cov=turn.T @ now.taste_cov @ turn), taste @ turn


def raters(table: Table, taste: F64) -> F64:
    """Mean taste of each movie's raters, away from the mean user's, damped: (M, F)."""
    apart = taste - taste[np.diff(table.user_edges) > 0].mean(axis=0)
    counts = np.diff(table.movie_edges)
    mean: F64 = summed(table.movie_edges, table.by_movie[0], apart) / (counts[:, None] + 5.0)
    return mean


def _ridge(columns: F64, target: F64, pull: float, pull_constant: float) -> F64:
    """Regression weights; column 0 is the constant."""
    strength = np.full(columns.shape[1], pull)
    strength[0] = pull_constant
    weights = np.linalg.solve(columns.T @ columns + np.diag(strength), columns.T @ target)
    return np.asarray(weights, np.float64)


def _tastes(now: Learned, table: Table, users: F64) -> tuple[F64, F64]:
    """Posterior mean (U, F) and covariance (U, F, F) of every user's taste."""
    inverse = np.linalg.inv(now.taste_cov)
    precision = np.tile(inverse, (len(users), 1, 1))
    pulled = users @ now.of_users @ inverse
    movies = now.mean + now.levels[:, 0], now.levels[:, 1:].copy(), now.factor_cov, now.noise
    add_movies(table.user_edges, table.by_user, movies, (precision, pulled))
    cov = np.linalg.inv(precision)
    return np.einsum("uab,ub->ua", cov, pulled), cov


def _movies(
    now: Learned, table: Table, users: tuple[F64, F64], prior: tuple[F64, F64]
) -> dict[str, F64]:
    """Posterior of every movie, its noise, and the regression behind its prior."""
    columns, of_movies = prior
    counts, width = np.diff(table.movie_edges), of_movies.shape[1]
    mean = table.by_movie[1].mean()
    gram, cross = np.zeros((len(counts), width, width)), np.zeros((len(counts), width))
    square = np.zeros(len(counts))
    add_users(table.movie_edges, table.by_movie, (mean, *users), (gram, cross, square))
    strength = np.concatenate([[LEVEL_PULL], np.repeat(now.pull, width - 1)])
    pull = strength * (now.noise / now.pooled)[:, None]
    total = gram.copy()
    total[:, range(width), range(width)] += pull
    cov = np.linalg.inv(total)
    levels = np.einsum("mab,mb->ma", cov, cross + pull * (columns @ of_movies))
    cov *= now.noise[:, None, None]
    moments = cov + levels[:, :, None] * levels[:, None, :]
    left = square - 2 * (levels * cross).sum(axis=1) + (gram * moments).sum(axis=(1, 2))
    pooled = left.sum() / counts.sum()
    apart = ((levels - columns @ of_movies) ** 2 + np.diagonal(cov, axis1=1, axis2=2))[counts > 0]
    weight = np.sqrt(counts / (counts + 5.0))[:, None]
    return {
        "mean": np.array([mean]),
        "levels": levels,
        "factor_cov": cov[:, 1:, 1:].copy(),
        "mean_var": cov[:, 0, 0].copy(),
        "noise": (left + NOISE_ROWS * pooled) / (counts + NOISE_ROWS),
        "pooled": np.array([pooled]),
        "pull": np.array([min(pooled / apart[:, 1:].mean(), FACTOR_PULL)]),
        "of_movies": _ridge(columns * weight, levels * weight, 3.0, 0.1),
    }
