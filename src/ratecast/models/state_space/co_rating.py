"""Implicit feedback: features from who rated which movie, without the rating values."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.compiled import njit
from ratecast.models.state_space.em import RATERS_DAMPING, GroupedRatings
from ratecast.models.state_space.em_sums import group_sums
from ratecast.models.state_space.kalman import IMPLICIT_DAMPING

COUNT_DAMPING = 10.0
L2_IMPLICIT = 3.0


@dataclass(frozen=True)
class MovieSide:
    """Side information of movies.

    flags: (M, G) genres. year: (M,), decades from the mean year. further: (M, E) columns of one's
    own.
    """

    flags: F64
    year: F64
    further: F64

    @classmethod
    def restored(cls, arrays: dict[str, F64]) -> "MovieSide":
        """The side information of an artifact; those of version 0.2 have no further columns."""
        return cls(**{"further": np.zeros((len(arrays["year"]), 0))} | arrays)

    def columns(self, counts: I64, more: F64) -> F64:
        """Constant, genres, year, year², popularity, further columns, then `more`: (M, X).

        counts: (M,) ratings of each movie. more: (M, R) further columns.
        """
        popularity = (np.log1p(counts) - 3.0) / 2.0
        year = np.column_stack([self.year, 0.3 * self.year**2])
        side = [self.flags, year, popularity, self.further]
        return np.column_stack([np.ones(len(counts)), *side, more])

    @property
    def width(self) -> int:
        """How many columns stand before `more`."""
        return int(4 + self.flags.shape[1] + self.further.shape[1])

    def concat(self, later: "MovieSide") -> "MovieSide":
        """These movies, then `later` ones."""
        return MovieSide(
            np.concatenate([self.flags, later.flags]),
            np.concatenate([self.year, later.year]),
            np.concatenate([self.further, later.further]),
        )


def co_rating_factors(initial: F64, ratings: GroupedRatings, iterations: int) -> F64:
    """Orthonormal basis (M, R) of the leading directions of the co-rating matrix A' A.

    A (U, M) is 1 where a user rated a movie, divided by the user's number of ratings and by the
    square root of the movie's damped number. Subspace iteration from `initial` (M, R): B ← A' A B,
    then B ← B (B' B)^-1/2. This polar factor stays as close to the last basis as possible, so that
    each column keeps its meaning from one refit to the next.
    Reference: Halko, Martinsson, Tropp 2011, section 4.5 (iteration); Higham 1986 (polar factor).
    """
    by_user, by_movie = ratings
    user_weight = 1 / np.maximum(by_user.counts, 1)[:, None]
    movie_weight = 1 / np.sqrt(by_movie.counts + COUNT_DAMPING)[:, None]
    basis = initial
    for _ in range(iterations):
        users = user_weight * group_sums(by_user.edges, by_user.others, movie_weight * basis)
        basis = movie_weight * group_sums(by_movie.edges, by_movie.others, users)
        values, vectors = np.linalg.eigh(basis.T @ basis)
        root = np.sqrt(np.maximum(values, 1e-9 * values[-1] + 1e-30))
        basis = basis @ (vectors / root @ vectors.T)
    return basis


def co_rating_columns(basis: F64, ratings: GroupedRatings) -> F64:
    """Columns for the prior of the movies, (M, R + 1): scaled `basis`, and raters' activity.

    The basis is divided by the root of a movie's damped number of ratings. Activity is the damped
    mean of log(1 + number of ratings) over the movie's raters, centred over the users.
    """
    users, movies = ratings.by_user.counts, ratings.by_movie.counts
    damped = movies + COUNT_DAMPING
    activity = np.log1p(users)
    activity = (activity - activity[users > 0].mean())[:, None]
    edges, raters, _ = ratings.by_movie
    of_raters = group_sums(edges, raters, activity) / (movies[:, None] + RATERS_DAMPING)
    return np.column_stack([15 * np.sqrt(damped.mean() / damped)[:, None] * basis, of_raters])


def presence_regression(ratings: GroupedRatings, implicit: F64, residuals: F64) -> F64:
    """Ridge weights (Z + 1, F) of a user's vector on implicit feedback.

    Fitted over the first 5, 10, 20, ... ratings of every user, whose rows weigh 1 together.
    implicit: (M, Z) descriptors. residuals: (U, F), a user's posterior mean vector minus the prior
    from the user columns.
    """
    users, columns, weights = _prefixes(ratings.by_user, implicit)
    gram = columns.T @ (columns * weights[:, None]) + L2_IMPLICIT * np.eye(columns.shape[1])
    right = columns.T @ (residuals[users] * weights[:, None])
    regression: F64 = np.linalg.solve(gram, right)
    return regression


@njit(cache=True)
def _prefixes(groups, implicit):  # type: ignore[no-untyped-def]
    """User, columns and weight of each prefix of a user's ratings; columns as in the filter."""
    edges, movies = groups.edges, groups.others
    count = 0
    for user in range(len(edges) - 1):
        size = 5
        while size <= edges[user + 1] - edges[user]:
            count, size = count + 1, size * 2
    width = implicit.shape[1]
    users, columns, weights = (
        np.empty(count, np.int64),
        np.empty((count, width + 1)),
        np.empty(count),
    )
    total, used = np.empty(width), 0
    for user in range(len(edges) - 1):
        for z in range(width):
            total[z] = 0.0
        size, first = 5, used
        for rated in range(1, edges[user + 1] - edges[user] + 1):
            movie = movies[edges[user] + rated - 1]
            for z in range(width):
                total[z] += implicit[movie, z]
            if rated == size:
                for z in range(width):
                    columns[used, z] = total[z] / (rated + IMPLICIT_DAMPING)
                columns[used, width] = np.log1p(rated) - 3.0
                users[used] = user
                used, size = used + 1, size * 2
        for k in range(first, used):
            weights[k] = 1.0 / (used - first)
    return users, columns, weights
