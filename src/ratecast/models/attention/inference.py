"""Inference for the attention net in numba, row by row: a prediction does not depend on its batch.

Of each earlier rating, every layer stores a key and a value. Weights: see `AttentionNet.packed`.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I32, I64
from ratecast.compiled import njit
from ratecast.modelling.factors.bilinear import CentredRatings, predict_one
from ratecast.modelling.factors.bilinear import update as update_sides
from ratecast.modelling.history.linked_history import NONE
from ratecast.modelling.kernels.loops import copy


class NetWeights(NamedTuple):
    """The net, as arrays.

    layers: (layers, 5, width, 1 + f), of query, key, value, offset and readout. scalars:
    (layers, 2), score of the null slot and weight of recency. start: (4,) mean, level, slope,
    and how many earlier ratings are used.
    """

    layers: F64
    scalars: F64
    start: F64


class Memory(NamedTuple):
    """Earlier ratings of all users, as linked lists.

    keys_values: (ratings, layers, 2, width). movies: (ratings,) row numbers. previous: (ratings,)
    index of the same user's rating before it, or NONE. last: (users,) index of each user's latest
    rating, or NONE.
    """

    keys_values: F32
    movies: I32
    previous: I64
    last: I64


@njit(cache=True)
def _linear(weights, inputs, out):  # type: ignore[no-untyped-def]
    """Fill out (width,) with W f + b; weights: (width, 1 + f), b first. inputs: (1 + f,)."""
    for a in range(len(out)):
        total = weights[a, 0]
        for b in range(1, len(inputs)):
            total += weights[a, b] * inputs[b]
        out[a] = total


@njit(cache=True)
def store(inputs, errors, layers, out):  # type: ignore[no-untyped-def]
    """Fill out (layers, 2, width) with the keys and values of a rating; errors: (layers,).

    value = V(movie) error of the layer below + O(movie)
    """
    offset = np.empty(layers.shape[2])
    for k in range(len(layers)):
        key, value = np.empty(len(offset)), np.empty(len(offset))
        _linear(layers[k, 1], inputs, key)
        _linear(layers[k, 2], inputs, value)
        _linear(layers[k, 3], inputs, offset)
        for a in range(len(offset)):
            out[k, 0, a] = key[a]
            out[k, 1, a] = value[a] * errors[k] + offset[a]


@njit(cache=True)
def _attend(inputs, layer, scalars, keys_values, places):  # type: ignore[no-untyped-def]
    """Stars that one layer adds: softmax(scores) · values · readout, with a null slot of value 0.

    keys_values: (ratings, 2, width). places: of the user's earlier ratings, latest first.
    """
    query, readout = np.empty(layer.shape[1]), np.empty(layer.shape[1])
    _linear(layer[0], inputs, query)
    _linear(layer[4], inputs, readout)
    query /= np.sqrt(len(query))
    # score_i = q · k_i / sqrt(width) + recency log(i), i = 1 for the latest rating.
    scores, most = np.empty(len(places)), scalars[0]
    for i in range(len(places)):
        score = scalars[1] * np.log(i + 1.0)
        for a in range(len(query)):
            score += query[a] * keys_values[places[i], 0, a]
        scores[i] = score
        most = max(most, score)
    # Softmax, less the highest score so that exp cannot overflow.
    total, mean = np.exp(scalars[0] - most), np.zeros(len(query))
    for i in range(len(places)):
        weight = np.exp(scores[i] - most)
        total += weight
        for a in range(len(query)):
            mean[a] += weight * keys_values[places[i], 1, a]
    return (mean * readout).sum() / total


@njit(cache=True)
def _places(last, previous, length):  # type: ignore[no-untyped-def]
    """Indices of the latest `length` ratings of a user, latest first; last: of the latest."""
    places, count = np.empty(length, np.int64), 0
    while last != NONE and count < length:
        places[count] = last
        count += 1
        last = previous[last]
    return places[:count]


@njit(cache=True)
def predict_layers(inputs, user, memory, net, out):  # type: ignore[no-untyped-def]
    """Fill out (layers + 1,) with the stars after each layer, those of an unknown user first.

    inputs: (1 + f,) of the movie, see `fill_inputs`. user: row number.
    """
    mean, level, slope, length = net.start[0], net.start[1], net.start[2], net.start[3]
    places = _places(memory.last[user], memory.previous, int(length))
    out[0] = mean + level + slope * (inputs[0] - mean)
    for k in range(len(net.layers)):
        keys_values = memory.keys_values[:, k]
        out[k + 1] = out[k] + _attend(inputs, net.layers[k], net.scalars[k], keys_values, places)


@njit(cache=True)
def fill_inputs(movie, unknown_user, out):  # type: ignore[no-untyped-def]
    """Fill out (1 + f,) with the net's inputs of a movie: stars of an unknown user, and factors.

    movie: (1 + f,) weights of `als`. unknown_user: (mean, unit, scale of the factors, then the
    weights (1 + f,) of the unknown user in `als`).
    """
    score = movie[0] + unknown_user[3]
    for k in range(1, len(movie)):
        score += movie[k] * unknown_user[3 + k]
        out[k] = movie[k] * unknown_user[2]
    out[0] = unknown_user[0] + unknown_user[1] * score


@njit(cache=True)
def movie_inputs(movies, unknown_user):  # type: ignore[no-untyped-def]
    """The net's inputs of each of `movies` (n, 1 + f): (n, 1 + f). See `fill_inputs`."""
    inputs = np.empty(movies.shape)
    for i in range(len(movies)):
        fill_inputs(movies[i], unknown_user, inputs[i])
    return inputs


@njit(cache=True)
def predict(rows, sides, unknown_user, memory, net):  # type: ignore[no-untyped-def]
    """Expected stars, and their deviation in units of the noise, of each row: (n,) each.

    rows: (users, movies). sides: of `als`, which gives the deviation.
    """
    users, movies = rows
    stars, deviation = np.empty(len(users)), np.empty(len(users))
    width = sides.users.weights.shape[1]
    inputs, of_user, of_movie = np.empty(width), np.empty(width), np.empty(width)
    steps = np.empty(len(net.layers) + 1)
    for i in range(len(users)):
        fill_inputs(sides.movies.weights[movies[i]], unknown_user, inputs)
        predict_layers(inputs, users[i], memory, net, steps)
        stars[i] = steps[-1]
        _, user_variance, movie_variance = predict_one(
            users[i], movies[i], sides, of_user, of_movie
        )
        deviation[i] = np.sqrt(1.0 + user_variance + movie_variance)
    return stars, deviation


@njit(cache=True)
def _take_out(memory, user, movie):  # type: ignore[no-untyped-def]
    """Take the user's latest rating of a movie out of the list."""
    at, later = memory.last[user], NONE
    while at != NONE and memory.movies[at] != movie:
        later, at = at, memory.previous[at]
    if at == NONE:
        return
    if later == NONE:
        memory.last[user] = memory.previous[at]
    else:
        memory.previous[later] = memory.previous[at]


@njit(cache=True)
def update_memory(rows, edges, inputs, memory, net):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then store them; stars of the predictions: (n,).

    rows: (users, movies, stars, former stars, index in memory of the first row). A row in the place
    of a former one is predicted without that. inputs: (n, 1 + f) of the movies.
    """
    users, movies, stars, former, first = rows
    steps = np.empty((len(users), len(net.layers) + 1))
    for group in range(len(edges) - 1):
        for i in range(edges[group], edges[group + 1]):
            if former[i] != stars[i] and not np.isnan(former[i]):
                _take_out(memory, users[i], movies[i])
        for i in range(edges[group], edges[group + 1]):
            predict_layers(inputs[i], users[i], memory, net, steps[i])
        for i in range(edges[group], edges[group + 1]):
            if former[i] == stars[i]:
                continue
            # What a layer stores is the error of the prediction below it.
            store(inputs[i], stars[i] - steps[i], net.layers, memory.keys_values[first + i])
            memory.movies[first + i] = movies[i]
            memory.previous[first + i] = memory.last[users[i]]
            memory.last[users[i]] = first + i
    return steps[:, -1].copy()


@njit(cache=True)
def update(rows, edges, als, memory, net):  # type: ignore[no-untyped-def]
    """Predict the rows of each tie group, then store them and update the weights of `als`.

    rows: (users, movies, stars, former stars, index in memory of the first row). als: (sides,
    unknown_user).
    """
    users, movies, given, former, first = rows
    sides, unknown_user = als
    mean, unit = unknown_user[0], unknown_user[1]
    stars, deviation = np.empty(len(users)), np.empty(len(users))
    for group in range(len(edges) - 1):
        start, stop = edges[group], edges[group + 1]
        one_group = np.array([0, stop - start])
        pairs = users[start:stop], movies[start:stop]
        forecast, spread = predict(pairs, sides, unknown_user, memory, net)
        copy(stars[start:stop], forecast)
        copy(deviation[start:stop], spread)
        inputs = np.empty((stop - start, sides.users.weights.shape[1]))
        for i in range(stop - start):
            fill_inputs(sides.movies.weights[movies[start + i]], unknown_user, inputs[i])
        now, before = given[start:stop], former[start:stop]
        stored = pairs[0], pairs[1], now, before, first + start
        update_memory(stored, one_group, inputs, memory, net)
        centred = (now - mean) / unit, (before - mean) / unit
        ratings = CentredRatings(pairs[0], pairs[1], centred[0], centred[1])
        update_sides(ratings, one_group, sides)
    return stars, deviation
