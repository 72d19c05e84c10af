"""Users of SVD++ as ridge regressions, and online updates of users and movies.

With the movies' weights fixed, the weights of a user are (b_u, p_u) ~ N(prior mean, diag(1 / l2))
given the ratings, in units of the noise: mean = P (l2 * prior mean + Σ (r - b_i) x), where
x = (1, q_i), P = (diag(l2) + Σ x x')⁻¹ and prior mean = w₀ + (0, z_u).
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit
from ratecast.modelling.factors.recursive_least_squares import (
    noise_before,
    rls_replace,
    rls_update,
    variance,
)
from ratecast.modelling.kernels.loops import add, copy, fill


class Users(NamedTuple):
    """What the ratings of each user add up to; d = 1 + k.

    covariance: P, (users, d, d). rating_sums: Σ (r - b_i) x, (users, d). implicit_sums: Σ y_j,
    (users, k). counts: (users,), ratings. The last two include the prior ones.
    """

    covariance: F64
    rating_sums: F64
    implicit_sums: F64
    counts: F64


class Movies(NamedTuple):
    """weights: (b_i, q_i), (movies, d). implicit: y_j, (movies, k). covariance: (movies, d, d)."""

    weights: F64
    implicit: F64
    covariance: F64


class Prior(NamedTuple):
    """Of a user's weights: l2 (d,), how many ratings each counts for, and the mean w₀ (d,)."""

    l2: F64
    mean: F64


class State(NamedTuple):
    """All that a prediction needs."""

    users: Users
    movies: Movies
    prior: Prior


@njit(cache=True)
def fill_user_weights(user, state, weights):  # type: ignore[no-untyped-def]
    """Fill `weights` (d,) with P (l2 * (w₀ + (0, z_u)) + Σ (r - b_i) x); d^2 multiplications."""
    users, prior = state.users, state.prior
    scale = 1 / np.sqrt(users.counts[user])
    fill(weights, 0.0)
    for a in range(len(weights)):
        # z_u = Σ y_j / sqrt(count)
        mean = prior.mean[a] + (users.implicit_sums[user, a - 1] * scale if a else 0.0)
        target = prior.l2[a] * mean + users.rating_sums[user, a]
        for b in range(len(weights)):
            weights[b] += users.covariance[user, a, b] * target


@njit(cache=True)
def _predict_one(user, movie, state, inputs, weights):  # type: ignore[no-untyped-def]
    """Score of a pair, and its variance from the user's uncertainty; about 2 d^2 multiplications.

    inputs: (d,), filled with (1, q_i). weights: (d,), filled with those of the user.
    """
    copy(inputs, state.movies.weights[movie])
    score = inputs[0]
    inputs[0] = 1.0
    fill_user_weights(user, state, weights)
    for k in range(len(inputs)):
        score += weights[k] * inputs[k]
    return score, variance(state.users.covariance[user], inputs)


@njit(cache=True)
def predict(users, movies, state):  # type: ignore[no-untyped-def]
    """Scores, and their deviation in units of the noise of a rating: (n,) each."""
    scores, deviation = np.empty(len(users)), np.empty(len(users))
    width = state.movies.weights.shape[1]
    inputs, weights = np.empty(width), np.empty(width)
    for i in range(len(users)):
        scores[i], user_variance = _predict_one(users[i], movies[i], state, inputs, weights)
        deviation[i] = np.sqrt(1.0 + user_variance)
    return scores, deviation


@njit(cache=True)
def _add_scaled(into, factor, numbers):  # type: ignore[no-untyped-def]
    """Add factor * numbers (n,) to `into` (n,)."""
    for k in range(len(into)):
        into[k] += factor * numbers[k]


@njit(cache=True)
def update_users(users, movies, centred, state):  # type: ignore[no-untyped-def]
    """Add each rating to the sums of its user; about 3 d^2 multiplications a rating."""
    width = state.movies.weights.shape[1]
    inputs, unused = np.empty(width), np.zeros(width)
    for i in range(len(users)):
        user, movie = users[i], movies[i]
        copy(inputs, state.movies.weights[movie])
        residual = centred[i] - inputs[0]
        inputs[0] = 1.0
        _add_scaled(state.users.rating_sums[user], residual, inputs)
        rls_update(unused, state.users.covariance[user], inputs, 0.0, 1.0)
        add(state.users.implicit_sums[user], state.movies.implicit[movie])
        state.users.counts[user] += 1


@njit(cache=True)
def update_movie_covariance(users, movies, state):  # type: ignore[no-untyped-def]
    """Reduce the movies' covariances by ratings that their weights were fitted to.

    The users' weights are taken as known. About 4 d^2 multiplications a rating.
    """
    covariance = state.movies.covariance
    weights, unused = np.empty(covariance.shape[1]), np.zeros(covariance.shape[1])
    for i in range(len(users)):
        fill_user_weights(users[i], state, weights)
        weights[0] = 1.0
        rls_update(unused, covariance[movies[i]], weights, 0.0, 1.0)


@njit(cache=True)
def _replace(pair, change, inputs, weights, state):  # type: ignore[no-untyped-def]
    """Put a later rating in the place of the former one; change: later - former.

    As in a bilinear model, see `bilinear.update`. inputs: (d,), (1, q_i). weights: (d,), filled.
    """
    (user, movie), (users, movies, _) = pair, state
    noise = noise_before(variance(users.covariance[user], inputs))
    _add_scaled(users.rating_sums[user], change / 2, inputs)
    fill_user_weights(user, state, weights)
    weights[0] = 1.0
    rls_replace(movies.weights[movie], movies.covariance[movie], weights, change, noise)
    copy(inputs, movies.weights[movie])
    inputs[0] = 1.0
    _add_scaled(users.rating_sums[user], change / 2, inputs)


@njit(cache=True)
def update(ratings, edges, state):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then update their users and movies.

    ratings: `CentredRatings`. edges: (k + 1,) borders of the tie groups. state: changed in place.
    About 10 d^2 multiplications a rating.
    """
    users, movies, centred, former = ratings
    scores, deviation = np.empty(len(users)), np.empty(len(users))
    width = state.movies.weights.shape[1]
    inputs, weights = np.empty(width), np.empty(width)
    for group in range(len(edges) - 1):
        start, stop = edges[group], edges[group + 1]
        now = slice(start, stop)
        forecast, spread = predict(users[now], movies[now], state)
        copy(scores[now], forecast)
        copy(deviation[now], spread)
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            score, user_variance = _predict_one(user, movie, state, inputs, weights)
            if not np.isnan(former[i]):
                _replace((user, movie), centred[i] - former[i], inputs, weights, state)
                continue
            one = slice(i, i + 1)
            update_users(users[one], movies[one], centred[one], state)
            weights[0] = 1.0
            # A rating says less of the movie when its user is uncertain.
            rls_update(
                state.movies.weights[movie],
                state.movies.covariance[movie],
                weights,
                centred[i] - score,
                1.0 + user_variance,
            )
    return scores, deviation
