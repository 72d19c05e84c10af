"""Bilinear models: prediction and online update, one side held fixed.

score(u, i) = b_u + b_i + p_u · q_i. For fixed movies it is linear in (b_u, p_u) with inputs
(1, q_i), and for fixed users in (b_i, q_i) with inputs (1, p_u); so each side is a ridge
regression on the other.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I32
from ratecast.compiled import in_python, njit
from ratecast.modelling.contract.rows import grown
from ratecast.modelling.factors.posterior_covariance import (
    leading_first,
    posterior_covariance,
    updated_factors,
)
from ratecast.modelling.factors.recursive_least_squares import (
    MIN_REMAINDER,
    noise_before,
    rls_replace,
    rls_update,
    variance,
)
from ratecast.modelling.kernels.csr import Pattern
from ratecast.modelling.kernels.loops import copy, over_rows


class Side(NamedTuple):
    """The weights of all users, or of all movies; row 0 is the unknown one.

    weights: (rows, 1 + factors), the bias first. covariance: (rows, d, d) of the first d weights
    of each row, in units of the noise of one rating. Online updates move those d weights; in a
    wide model the others stay fixed.
    """

    weights: F64
    covariance: F64

    def grown(self, rows: int) -> "Side":
        """With rows for new ids, up to `rows`, each a copy of the unknown's."""
        return Side(grown(self.weights, rows), grown(self.covariance, rows))


class Sides(NamedTuple):
    """Both sides of a bilinear model."""

    users: Side
    movies: Side


class CentredRatings(NamedTuple):
    """Ratings that are observed, (n,) each: row numbers, the centred stars, and the former ones.

    former: centred too; NaN for a pair's first rating, equal to `centred` where there is nothing to
    learn.
    """

    users: I32
    movies: I32
    centred: F64
    former: F64


class BothSides(NamedTuple):
    """One array for users and one for movies."""

    users: F64 | F32
    movies: F64 | F32


class Leading(NamedTuple):
    """Factors of both sides, the leading first, and how many weights of each have a covariance.

    The first `size` are the bias and the leading factors.
    """

    users: F64 | F32
    movies: F64 | F32
    size: int

    @classmethod
    def of(cls, factors: BothSides) -> "Leading":
        """From factors (rows, k) in any order."""
        users, movies = leading_first(*factors)
        return cls(users, movies, 1 + updated_factors(users.shape[1], len(users) + len(movies)))

    def weights(self, biases: BothSides) -> tuple[F64, F64]:
        """Of users and of movies, (rows, 1 + k): the biases first."""
        users, movies = (
            np.hstack(pair, dtype=np.float64) for pair in zip(biases, self[:2], strict=True)
        )
        return users, movies


def with_covariance(
    rated: Iterable[Pattern],
    biases: BothSides,
    factors: BothSides,
    l2: BothSides,
    l2_per_rating: float = 0.0,
) -> Sides:
    """Fitted weights together with their posterior covariance.

    rated: the ratings that the weights were fitted to, by user and by movie; an iterator may make
    the one when the other is of no more use. biases: (rows, 1) each. factors: (rows, k) each.
    l2: (1 + k,) each, how many ratings the prior of each weight counts for. l2_per_rating: added to
    the l2 of a factor for each rating of its row.
    """
    leading, both = Leading.of(factors), iter(rated)

    def covariance(vectors: F64 | F32, penalty: F64 | F32) -> F64:
        prior = penalty[: leading.size].astype(np.float64, copy=False)
        return posterior_covariance(next(both), vectors, prior, l2_per_rating)

    of_users = covariance(leading.movies, l2.users)
    of_movies = covariance(leading.users, l2.movies)
    # Afterwards, when no rating is in memory.
    users, movies = leading.weights(biases)
    return Sides(Side(users, of_users), Side(movies, of_movies))


@njit(cache=True)
def solve(rows, columns, centred, side, other_weights):  # type: ignore[no-untyped-def]
    """Move one side from its prior to the ridge solution, with the other side's weights fixed.

    rows, columns: (n,) row numbers of the side that is solved and of the other. centred: (n,)
    stars less the mean. side: starts at the prior, changed in place. other_weights: (columns, d).
    About 3 d^2 multiplications a rating.
    """
    inputs = np.empty(side.weights.shape[1])
    for i in range(len(rows)):
        row = rows[i]
        copy(inputs, other_weights[columns[i]])
        # error = centred - b_other - (1, factors of the other) · weights
        error = centred[i] - inputs[0]
        inputs[0] = 1.0
        for k in range(len(inputs)):
            error -= inputs[k] * side.weights[row, k]
        rls_update(side.weights[row], side.covariance[row], inputs, error, 1.0)


@njit(cache=True)
def leave_own_out(users, movies, centred, sides):  # type: ignore[no-untyped-def]
    """The movie's weights of each row, as they would be without that row's own rating: (n, d).

    users, movies, centred: (n,) each, the ratings that the movies' weights were fitted to. One
    step of recursive least squares, reversed; the users' weights stay fixed:
    w₋ = w - P x error / (1 - x' P x), x = (1, factors of the user).
    """
    width = sides.users.weights.shape[1]
    weights = np.empty((len(users), width))
    user_inputs, movie_inputs = np.empty(width), np.empty(width)
    for i in range(len(users)):
        score, _, leverage = predict_one(users[i], movies[i], sides, user_inputs, movie_inputs)
        scaled_error = (centred[i] - score) / max(1.0 - leverage, MIN_REMAINDER)
        covariance = sides.movies.covariance[movies[i]]
        copy(weights[i], sides.movies.weights[movies[i]])
        for a in range(len(covariance)):
            for b in range(len(covariance)):
                weights[i, a] -= covariance[a, b] * user_inputs[b] * scaled_error
    return weights


@njit(cache=True)
def predict_one(user, movie, sides, user_inputs, movie_inputs):  # type: ignore[no-untyped-def]
    """Score of a pair, and its variance from the user's and from the movie's uncertainty.

    user_inputs, movie_inputs: (d,), filled with (1, p_u) and (1, q_i), what the other side's
    weights are multiplied by. About 2 d^2 multiplications.
    """
    copy(user_inputs, sides.users.weights[user])
    copy(movie_inputs, sides.movies.weights[movie])
    # b_u + b_i + p_u · q_i
    score = user_inputs[0] + movie_inputs[0]
    user_inputs[0] = 1.0
    movie_inputs[0] = 1.0
    for k in range(1, len(user_inputs)):
        score += user_inputs[k] * movie_inputs[k]
    user_variance = variance(sides.users.covariance[user], movie_inputs)
    movie_variance = variance(sides.movies.covariance[movie], user_inputs)
    return score, user_variance, movie_variance


@njit(cache=True, nogil=True)
def _fill_scores_alone(part, rows, sides, scores):  # type: ignore[no-untyped-def]
    """See `scores_alone`: the rows from part[0] to part[1] - 1; sums as `predict_one` does."""
    (users, movies), (own, other) = rows, sides
    for i in range(part[0], part[1]):
        user, movie = own[users[i]], other[movies[i]]
        # b_u + b_i + p_u · q_i
        scores[i] = user[0] + movie[0]
        for k in range(1, len(user)):
            scores[i] += user[k] * movie[k]


def scores_alone(users: I32, movies: I32, sides: Sides) -> F64:
    """Scores as `predict` gives, without their deviation: (n,). Reads d numbers where that d^2."""
    out, weights = np.empty(len(users)), (sides.users.weights, sides.movies.weights)
    over_rows(_fill_scores_alone, len(users), (users, movies), weights, out)
    return out


@njit(cache=True, nogil=True)
def _fill_scores(part, rows, sides, out):  # type: ignore[no-untyped-def]
    """See `predict`: the rows from part[0] to part[1] - 1. rows: users and movies, (n,) each.

    out: scores and deviations, (n,) each.
    """
    (users, movies), (scores, deviation) = rows, out
    width = sides.users.weights.shape[1]
    user_inputs, movie_inputs = np.empty(width), np.empty(width)
    for i in range(part[0], part[1]):
        scores[i], user_variance, movie_variance = predict_one(
            users[i], movies[i], sides, user_inputs, movie_inputs
        )
        # Noise of the rating itself, uncertainty of the user, uncertainty of the movie.
        deviation[i] = np.sqrt(1.0 + user_variance + movie_variance)


def predict(users: I32, movies: I32, sides: Sides) -> tuple[F64, F64]:
    """Scores and their standard deviation in units of the noise of a rating: (n,) each.

    users, movies: (n,) row numbers. On all threads where there are many rows.
    """
    out = np.empty(len(users)), np.empty(len(users))
    with in_python(2 * len(users) * sides.users.weights.shape[1] ** 2):
        over_rows(_fill_scores, len(users), (users, movies), sides, out)
    return out


@njit(cache=True)
def update(ratings, edges, sides):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then update the weights of their users and movies.

    ratings: `CentredRatings`. edges: (k + 1,) borders of the tie groups. sides: changed in place.
    About 10 d^2 multiplications a rating.
    Returns scores and standard deviations as `predict` does, each from before its tie group.
    """
    users, movies, centred, former = ratings
    width = sides.users.weights.shape[1]
    scores, deviation = np.empty(len(users)), np.empty(len(users))
    user_inputs, movie_inputs = np.empty(width), np.empty(width)
    for group in range(len(edges) - 1):
        start, stop = edges[group], edges[group + 1]
        _fill_scores((start, stop), (users, movies), sides, (scores, deviation))
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            score, user_variance, _ = predict_one(user, movie, sides, user_inputs, movie_inputs)
            if not np.isnan(former[i]):
                inputs, change = (user_inputs, movie_inputs), centred[i] - former[i]
                replace_one((user, movie), inputs, change, (user_variance, 1.0), sides)
                continue
            error = centred[i] - score
            rls_update(
                sides.users.weights[user], sides.users.covariance[user], movie_inputs, error, 1.0
            )
            # A rating says less of the movie when its user is uncertain.
            rls_update(
                sides.movies.weights[movie],
                sides.movies.covariance[movie],
                user_inputs,
                error,
                1.0 + user_variance,
            )
    return scores, deviation


@njit(cache=True)
def replace_one(pair, inputs, change, variances, sides):  # type: ignore[no-untyped-def]
    """Put a later rating in the place of the former one, in the weights of its user and movie.

    Exact for one side while the other stands still. Both move, so the movie's step lies between two
    halves of the user's: then the way back to the former rating is the same way. inputs: as
    `predict_one` fills them. change: later - former. variances: from the user's uncertainty, and of
    the rating's noise.
    """
    (user, movie), (user_inputs, movie_inputs), (users, movies) = pair, inputs, sides
    (user_variance, own_noise), own = variances, users.weights[user]
    noise = noise_before(user_variance, own_noise)
    rls_replace(own, users.covariance[user], movie_inputs, change / 2, own_noise)
    copy(user_inputs, own)
    user_inputs[0] = 1.0
    rls_replace(movies.weights[movie], movies.covariance[movie], user_inputs, change, noise)
    copy(movie_inputs, movies.weights[movie])
    movie_inputs[0] = 1.0
    rls_replace(own, users.covariance[user], movie_inputs, change / 2, own_noise)
