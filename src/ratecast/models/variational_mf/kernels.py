"""The loops over all ratings: posterior of one side, expected squared errors, online updates.

A row of weights is w = (b, p): a bias, then factors. Beside a rating stand the inputs of a side,
h = (1, factors of the other side).
"""

import numpy as np

from ratecast.compiled import njit
from ratecast.modelling.factors.bilinear import predict_one, replace_one
from ratecast.modelling.factors.recursive_least_squares import rls_update


@njit(cache=True, nogil=True)
def fill_posterior(part, ratings, other, prior, out):  # type: ignore[no-untyped-def]
    """Posterior weights and covariances of the rows from part[0] to part[1] - 1.

    Precision of a row: diag(1 / variance) + Σ c E[h h'], and its right side: mean / variance +
    Σ c (r E[h] - E[b h]), over the row's ratings; c: precision of the rating's noise, b: bias of
    the other side.

    ratings: edges (rows + 1,), rows of the other side (n,), centred stars (n,); the precision of
    each row's noise, and a factor for each row of the other side. other: weights, (others, d), and
    covariances. prior: means, (rows, d), and variances, (d,). out: weights and covariances.
    """
    (edges, columns, stars), (own_precision, other_precision) = ratings
    other_weights, other_covariance = other
    means, variance = prior
    weights, covariance = out
    width = len(variance)
    right, inputs = np.empty(width), np.empty(width)
    for row in range(part[0], part[1]):
        matrix = covariance[row]
        for a in range(width):
            for b in range(width):
                matrix[a, b] = 0.0
            matrix[a, a] = 1.0 / variance[a]
            right[a] = means[row, a] / variance[a]
        for i in range(edges[row], edges[row + 1]):
            column = columns[i]
            c = own_precision[row] * other_precision[column]
            spread = other_covariance[column]
            centred = stars[i] - other_weights[column, 0]
            inputs[0] = 1.0
            right[0] += c * centred
            matrix[0, 0] += c
            for a in range(1, width):
                inputs[a] = other_weights[column, a]
                right[a] += c * (centred * inputs[a] - spread[0, a])
                matrix[a, 0] += c * inputs[a]
                for b in range(1, a + 1):
                    matrix[a, b] += c * (inputs[a] * inputs[b] + spread[a, b])
        _invert(matrix)
        for a in range(width):
            total = 0.0
            for b in range(width):
                total += matrix[a, b] * right[b]
            weights[row, a] = total


@njit(cache=True, nogil=True)
def _invert(matrix):  # type: ignore[no-untyped-def]
    """Replace a positive definite matrix, given by its lower triangle, by its inverse.

    Gauss-Jordan elimination without pivots, which such a matrix does not need.
    """
    width = len(matrix)
    for a in range(width):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
    for k in range(width):
        pivot = 1.0 / matrix[k, k]
        matrix[k, k] = 1.0
        for b in range(width):
            matrix[k, b] *= pivot
        for a in range(width):
            if a != k:
                factor = matrix[a, k]
                matrix[a, k] = 0.0
                for b in range(width):
                    matrix[a, b] -= factor * matrix[k, b]


@njit(cache=True, nogil=True)
def fill_squares(part, groups, users, movies, out):  # type: ignore[no-untyped-def]
    """Sum of E[(r - b_u - b_i - p · q)²] over each user's ratings, into out (users,).

    groups: the ratings by user. users, movies: weights and covariances, (rows, d) and (rows, d, d).
    """
    edges, columns, stars = groups
    (user_weights, user_covariance), (movie_weights, movie_covariance) = users, movies
    width = user_weights.shape[1]
    for user in range(part[0], part[1]):
        total = 0.0
        for i in range(edges[user], edges[user + 1]):
            movie = columns[i]
            of_user, of_movie = user_covariance[user], movie_covariance[movie]
            error = stars[i] - user_weights[user, 0] - movie_weights[movie, 0]
            total += of_user[0, 0] + of_movie[0, 0]
            for a in range(1, width):
                p, q = user_weights[user, a], movie_weights[movie, a]
                error -= p * q
                total += 2.0 * (q * of_user[a, 0] + p * of_movie[a, 0])
                for b in range(1, width):
                    total += q * movie_weights[movie, b] * of_user[a, b]
                    total += p * user_weights[user, b] * of_movie[a, b]
                    total += of_user[a, b] * of_movie[a, b]
            total += error * error
        out[user] = total


@njit(cache=True, nogil=True)
def fill_scores(part, rows, sides, noise, out):  # type: ignore[no-untyped-def]
    """Score and variance of the pairs from part[0] to part[1] - 1, noise included.

    rows: users and movies, (n,) each. noise: variance of a rating of each user, (users,), in
    units of the pooled one, as the covariances of `sides` are. out: scores and variances, (n,).
    """
    (users, movies), (scores, variance) = rows, out
    width = sides.users.weights.shape[1]
    user_inputs, movie_inputs = np.empty(width), np.empty(width)
    for i in range(part[0], part[1]):
        score, of_user, of_movie = predict_one(
            users[i], movies[i], sides, user_inputs, movie_inputs
        )
        scores[i] = score
        variance[i] = noise[users[i]] + of_user + of_movie


@njit(cache=True)
def walk(ratings, edges, sides, noise, out):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then update the weights of their users and movies.

    ratings: `CentredRatings`. edges: (k + 1,) borders of the tie groups. sides: changed in place.
    noise, out: as in `fill_scores`.
    """
    users, movies, centred, former = ratings
    width = sides.users.weights.shape[1]
    user_inputs, movie_inputs = np.empty(width), np.empty(width)
    for group in range(len(edges) - 1):
        start, stop = edges[group], edges[group + 1]
        fill_scores((start, stop), (users, movies), sides, noise, out)
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            score, of_user, _ = predict_one(user, movie, sides, user_inputs, movie_inputs)
            if not np.isnan(former[i]):
                inputs, change = (user_inputs, movie_inputs), centred[i] - former[i]
                replace_one((user, movie), inputs, change, (of_user, noise[user]), sides)
                continue
            error = centred[i] - score
            rls_update(
                sides.users.weights[user],
                sides.users.covariance[user],
                movie_inputs,
                error,
                noise[user],
            )
            # A rating says less of the movie when its user is uncertain.
            rls_update(
                sides.movies.weights[movie],
                sides.movies.covariance[movie],
                user_inputs,
                error,
                noise[user] + of_user,
            )
