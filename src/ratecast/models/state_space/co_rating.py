"""Implicit feedback: features from who rated which movie, without the rating values."""

from dataclasses import dataclass

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.compiled import njit
from ratecast.lanes import prefetch_row
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.loops import add, fill, on_all_threads
from ratecast.models.state_space.em import RATERS_DAMPING, GroupedRatings, RatingGroups
from ratecast.models.state_space.em_sums import AHEAD, group_sums
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
        basis = np.asarray(movie_weight * group_sums(*by_movie[:2], users), np.float64)
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
    return np.asarray(np.linalg.solve(gram, right), np.float64)


def _prefixes(groups: RatingGroups, implicit: F64) -> tuple[I64, F64, F64]:
    """User, columns and weight of each prefix of a user's ratings; columns as in the filter."""
    counts = _prefix_counts(groups.counts)
    first = np.concatenate([[0], np.cumsum(counts)])
    columns = np.empty((first[-1], implicit.shape[1] + 1))
    on_all_threads(_fill_prefixes, pieces(groups.edges), groups, implicit, first, columns)
    users = np.repeat(np.arange(len(counts)), counts)
    return users, columns, 1 / counts[users]


def _prefix_counts(ratings: I64) -> I64:
    """How many of the sizes 5, 10, 20, ... are at most each user's number of ratings: (U,)."""
    counts, size = np.zeros(len(ratings), np.int64), 5
    while (long := ratings >= size).any():
        counts, size = counts + long, 2 * size
    return counts


@njit(cache=True, nogil=True)
def _fill_prefixes(users, groups, implicit, first, columns):  # type: ignore[no-untyped-def]
    """See `_prefixes`: the users from users[0] to users[1] - 1. first: (U + 1,) their rows."""
    edges, movies, _ = groups
    width = implicit.shape[1]
    total = np.empty(width)
    for user in range(users[0], users[1]):
        fill(total, 0.0)
        # What comes after the last prefix is in none.
        size, rated = 5, 0
        for row in range(first[user], first[user + 1]):
            while rated < size:
                i = edges[user] + rated
                if i + AHEAD < len(movies):
                    prefetch_row(implicit, movies[i + AHEAD])
                add(total, implicit[movies[i]])
                rated += 1
            for z in range(width):
                columns[row, z] = total[z] / (rated + IMPLICIT_DAMPING)
            columns[row, width] = np.log1p(rated) - 3.0
            size *= 2
