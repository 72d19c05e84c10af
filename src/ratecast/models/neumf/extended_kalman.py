"""NeuMF without torch: its forecast, its slope by the numbers of the user and movie, and hearing.

A net is linear enough near what it knows of a user: there, a rating heard is one step of recursive
least squares on the slope.
Reference: Singhal, Wu 1989, "Training feed-forward networks with the extended Kalman algorithm".
"""

import numpy as np
from numba import njit

from ratecast.arrays import F64
from ratecast.modelling.factors.recursive_least_squares import absorb, variance

# layers (inputs, outputs); their shifts; the head's weights and shift; hearing's directions.
Shared = tuple[tuple[F64, ...], tuple[F64, ...], tuple[F64, F64], tuple[F64, F64]]


@njit(cache=True)
def _climb(x, layers, shifts):  # type: ignore[no-untyped-def]
    """What each layer answers to x (inputs,), row by row: (layers + 1, widest)."""
    widest = len(x)
    for shift in shifts:
        widest = max(widest, len(shift))
    answers = np.zeros((len(layers) + 1, widest))
    answers[0, : len(x)] = x
    for k in range(len(layers)):
        inputs, outputs = layers[k].shape
        layer = layers[k]
        for o in range(outputs):
            answers[k + 1, o] = shifts[k][o]
        # Number by number: a slice on the way would make a new array, at the cost of the row.
        for i in range(inputs):
            if answers[k, i] != 0.0:
                for o in range(outputs):
                    answers[k + 1, o] += answers[k, i] * layer[i, o]
        for o in range(outputs):
            answers[k + 1, o] = max(answers[k + 1, o], 0.0)
    return answers


@njit(cache=True)
def _descend(answers, slope, layers):  # type: ignore[no-untyped-def]
    """Slope by the lowest inputs, from that by the highest outputs: (inputs,)."""
    for k in range(len(layers) - 1, -1, -1):
        inputs, outputs = layers[k].shape
        below = np.zeros(inputs)
        for i in range(inputs):
            for o in range(outputs):
                if answers[k + 1, o] > 0.0:
                    below[i] += layers[k][i, o] * slope[o]
        slope = below
    return slope


@njit(cache=True)
def say(user, movie, sides, shared, by_both):  # type: ignore[no-untyped-def]
    """Forecast in stars, and its variance from not knowing the user, and the movie.

    by_both: slopes by the user's and the movie's numbers, along hearing's directions, filled in.
    """
    layers, shifts, head, along = shared
    mine, theirs = sides[0][0][user], sides[1][0][movie]
    half = len(mine) // 2
    weights = head[0][:half]
    answers = _climb(np.concatenate((mine[half:], theirs[half:])), layers, shifts)
    top = head[0][half:]
    said = head[1][0] + (weights * mine[:half] * theirs[:half]).sum()
    said += (top * answers[-1, : len(top)]).sum()
    slope = _descend(answers, top, layers)
    by_user = np.concatenate((weights * theirs[:half], slope[:half]))
    by_movie = np.concatenate((weights * mine[:half], slope[half:]))
    _turn(by_user, along[0], by_both[0])
    _turn(by_movie, along[1], by_both[1])
    return said, variance(sides[0][1][user], by_both[0]), variance(sides[1][1][movie], by_both[1])


@njit(cache=True)
def _turn(vector, along, out):  # type: ignore[no-untyped-def]
    """Fill out (k,) with vector (d,) along the directions (d, k)."""
    out[:] = 0.0
    for i in range(len(vector)):
        for k in range(len(out)):
            out[k] += vector[i] * along[i, k]


@njit(cache=True)
def _blank(sides):  # type: ignore[no-untyped-def]
    return np.empty(sides[0][1].shape[1]), np.empty(sides[1][1].shape[1])


@njit(cache=True)
def forecast(rows, sides, shared):  # type: ignore[no-untyped-def]
    """Forecast in stars, and its deviation in units of the noise of a rating: (n,) each."""
    users, movies = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    by_both = _blank(sides)
    for i in range(len(users)):
        said[i], doubt, other = say(users[i], movies[i], sides, shared, by_both)
        deviation[i] = np.sqrt(1.0 + doubt + other)
    return said, deviation


@njit(cache=True)
def narrow(rows, sides, shared):  # type: ignore[no-untyped-def]
    """Narrow the covers by `rows` (users, movies) that the weights have learned from: forecasts.

    The weights stay as they are. (n,) forecasts in stars.
    """
    users, movies = rows
    said = np.empty(len(users))
    by_both = _blank(sides)
    unmoved = _blank(sides)
    for i in range(len(users)):
        said[i], _, _ = say(users[i], movies[i], sides, shared, by_both)
        absorb(unmoved[0], sides[0][1][users[i]], by_both[0], 0.0, 1.0)
        absorb(unmoved[1], sides[1][1][movies[i]], by_both[1], 0.0, 1.0)
    return said


@njit(cache=True)
def _move(side, row, along, slope, heard):  # type: ignore[no-untyped-def]
    """Take an error into one row's weights. heard: (error, variance of it for known weights)."""
    step = np.zeros(len(slope))
    absorb(step, side[1][row], slope, heard[0], heard[1])
    for i in range(len(along)):
        side[0][row, i] += (along[i] * step).sum()


@njit(cache=True)
def hear(rows, edges, sides, shared):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then take each into its user's and its movie's weights.

    rows: (users, movies, stars), each (n,). edges: (k + 1,) borders of the moments. sides: of
    users and of movies, changed in place.
    """
    users, movies, stars = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    by_both = _blank(sides)
    for moment in range(len(edges) - 1):
        start, stop = edges[moment], edges[moment + 1]
        asked = users[start:stop], movies[start:stop]
        said[start:stop], deviation[start:stop] = forecast(asked, sides, shared)
        for i in range(start, stop):
            answer, doubt, _ = say(users[i], movies[i], sides, shared, by_both)
            error = stars[i] - answer
            _move(sides[0], users[i], shared[3][0], by_both[0], (error, 1.0))
            _move(sides[1], movies[i], shared[3][1], by_both[1], (error, 1.0 + doubt))
    return said, deviation
