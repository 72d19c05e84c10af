"""NeuMF in numba: prediction, its gradient by the user's and movie's vectors, and online updates.

Near what the net knows of a user it is almost linear in the user's vector, so a rating is one step
of recursive least squares whose inputs are the gradient (extended Kalman filter).
Reference: Singhal, Wu 1989, "Training feed-forward networks with the extended Kalman algorithm".
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
from ratecast.modelling.kernels.loops import copy, fill


class SharedWeights(NamedTuple):
    """Weights of the net that all ids share.

    layers: of the perceptron, (inputs, outputs) each. biases: (outputs,) each. head: (factors +
    outputs of the last layer,). head_bias: (1,). user_directions, movie_directions: (2 factors, k),
    along which online updates move the vectors.
    """

    layers: tuple[F64, ...]
    biases: tuple[F64, ...]
    head: F64
    head_bias: F64
    user_directions: F64
    movie_directions: F64


class Gradients(NamedTuple):
    """Derivatives of a prediction by the user's and by the movie's vector, along the directions."""

    user: F64
    movie: F64


@njit(cache=True)
def _forward(x, layers, biases):  # type: ignore[no-untyped-def]
    """Outputs of each layer, a = max(0, W' a + b), the inputs first: (layers + 1, widest)."""
    widest = len(x)
    for bias in biases:
        widest = max(widest, len(bias))
    outputs = np.zeros((len(layers) + 1, widest))
    copy(outputs[0], x)
    for k in range(len(layers)):
        n_inputs, n_outputs = layers[k].shape
        layer = layers[k]
        for o in range(n_outputs):
            outputs[k + 1, o] = biases[k][o]
        # Number by number: a slice here would allocate an array for each row.
        for i in range(n_inputs):
            if outputs[k, i] != 0.0:
                for o in range(n_outputs):
                    outputs[k + 1, o] += outputs[k, i] * layer[i, o]
        for o in range(n_outputs):
            outputs[k + 1, o] = max(outputs[k + 1, o], 0.0)
    return outputs


@njit(cache=True)
def _backward(outputs, gradient, layers):  # type: ignore[no-untyped-def]
    """Gradient by the inputs (inputs,), from that by the outputs of the last layer."""
    for k in range(len(layers) - 1, -1, -1):
        n_inputs, n_outputs = layers[k].shape
        below = np.zeros(n_inputs)
        for i in range(n_inputs):
            for o in range(n_outputs):
                # The derivative of max(0, a) is 1 where the output is positive.
                if outputs[k + 1, o] > 0.0:
                    below[i] += layers[k][i, o] * gradient[o]
        gradient = below
    return gradient


@njit(cache=True)
def predict_one(user, movie, sides, shared, gradients):  # type: ignore[no-untyped-def]
    """Expected stars, and their variance from the user's and from the movie's uncertainty.

    stars = head_bias + w · (p_u * q_i) + v · MLP(p'_u, q'_i), (w, v): the head.
    gradients: filled in.
    """
    user_vector, movie_vector = sides.users.weights[user], sides.movies.weights[movie]
    half = len(user_vector) // 2
    gmf_head, mlp_head = shared.head[:half], shared.head[half:]
    inputs = np.concatenate((user_vector[half:], movie_vector[half:]))
    outputs = _forward(inputs, shared.layers, shared.biases)
    stars = shared.head_bias[0] + (gmf_head * user_vector[:half] * movie_vector[:half]).sum()
    stars += (mlp_head * outputs[-1, : len(mlp_head)]).sum()
    # By p_u: w * q_i, by p'_u: the first half of the perceptron's gradient; alike for the movie.
    slope = _backward(outputs, mlp_head, shared.layers)
    by_user = np.concatenate((gmf_head * movie_vector[:half], slope[:half]))
    by_movie = np.concatenate((gmf_head * user_vector[:half], slope[half:]))
    _project(by_user, shared.user_directions, gradients.user)
    _project(by_movie, shared.movie_directions, gradients.movie)
    user_variance = variance(sides.users.covariance[user], gradients.user)
    movie_variance = variance(sides.movies.covariance[movie], gradients.movie)
    return stars, user_variance, movie_variance


@njit(cache=True)
def _project(vector, directions, projected):  # type: ignore[no-untyped-def]
    """Fill projected (k,) with directions' vector; directions: (d, k)."""
    fill(projected, 0.0)
    for i in range(len(vector)):
        for k in range(len(projected)):
            projected[k] += vector[i] * directions[i, k]


@njit(cache=True)
def _empty_gradients(sides):  # type: ignore[no-untyped-def]
    return Gradients(
        np.empty(sides.users.covariance.shape[1]), np.empty(sides.movies.covariance.shape[1])
    )


@njit(cache=True)
def predict(users, movies, sides, shared):  # type: ignore[no-untyped-def]
    """Expected stars, and their deviation in units of the noise of a rating: (n,) each."""
    stars, deviation = np.empty(len(users)), np.empty(len(users))
    gradients = _empty_gradients(sides)
    for i in range(len(users)):
        stars[i], user_variance, movie_variance = predict_one(
            users[i], movies[i], sides, shared, gradients
        )
        deviation[i] = np.sqrt(1.0 + user_variance + movie_variance)
    return stars, deviation


@njit(cache=True)
def update_covariance(users, movies, sides, shared):  # type: ignore[no-untyped-def]
    """Reduce the covariances by the ratings that the vectors were trained on; vectors stay fixed.

    users, movies: (n,) of the ratings. sides: their covariances start at the prior.
    """
    gradients, unused = _empty_gradients(sides), _empty_gradients(sides)
    for i in range(len(users)):
        predict_one(users[i], movies[i], sides, shared, gradients)
        rls_update(unused.user, sides.users.covariance[users[i]], gradients.user, 0.0, 1.0)
        rls_update(unused.movie, sides.movies.covariance[movies[i]], gradients.movie, 0.0, 1.0)


@njit(cache=True)
def _update_row(side, row, directions, gradient, observed):  # type: ignore[no-untyped-def]
    """One extended Kalman step for one row of a side.

    observed: the error, and its variance for known weights.
    """
    step = np.zeros(len(gradient))
    rls_update(step, side.covariance[row], gradient, observed[0], observed[1])
    _move(side, row, directions, step)


@njit(cache=True)
def _replace_row(side, row, directions, gradient, changed):  # type: ignore[no-untyped-def]
    """Put a later rating in the place of the former one, for one row of a side.

    changed: the later rating less the former one, and the noise of the former.
    """
    step = np.zeros(len(gradient))
    rls_replace(step, side.covariance[row], gradient, changed[0], changed[1])
    _move(side, row, directions, step)


@njit(cache=True)
def _move(side, row, directions, step):  # type: ignore[no-untyped-def]
    """Add a step along the leading directions to the weights of one row."""
    for i in range(len(directions)):
        side.weights[row, i] += (directions[i] * step).sum()


@njit(cache=True)
def _replace(pair, changed, sides, shared, gradients):  # type: ignore[no-untyped-def]
    """The same for its user and its movie, as in a bilinear model, see `bilinear.update`."""
    (user, movie), (change, noise) = pair, changed
    half = change / 2, 1.0
    _replace_row(sides.users, user, shared.user_directions, gradients.user, half)
    predict_one(user, movie, sides, shared, gradients)
    whole = change, noise
    _replace_row(sides.movies, movie, shared.movie_directions, gradients.movie, whole)
    predict_one(user, movie, sides, shared, gradients)
    _replace_row(sides.users, user, shared.user_directions, gradients.user, half)


@njit(cache=True)
def update(ratings, edges, sides, shared):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then update the vectors of their users and movies.

    ratings: `CentredRatings`. edges: (k + 1,) borders of the tie groups. sides:
    changed in place.
    """
    users, movies, given, former = ratings
    stars, deviation = np.empty(len(users)), np.empty(len(users))
    gradients = _empty_gradients(sides)
    for group in range(len(edges) - 1):
        start, stop = edges[group], edges[group + 1]
        now, deviation_now = predict(users[start:stop], movies[start:stop], sides, shared)
        copy(stars[start:stop], now)
        copy(deviation[start:stop], deviation_now)
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            predicted, user_variance, _ = predict_one(user, movie, sides, shared, gradients)
            if not np.isnan(former[i]):
                change, noise = given[i] - former[i], noise_before(user_variance)
                _replace((user, movie), (change, noise), sides, shared, gradients)
                continue
            error = given[i] - predicted
            _update_row(sides.users, user, shared.user_directions, gradients.user, (error, 1.0))
            # A rating says less of the movie when its user is uncertain.
            observed = error, 1.0 + user_variance
            _update_row(sides.movies, movie, shared.movie_directions, gradients.movie, observed)
    return stars, deviation
