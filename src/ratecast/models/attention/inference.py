"""The net of `attention` without torch, one row after another: no row's answer knows another row.

Weights are packed (see `AttentionNet.packed`); what a layer keeps of a rating heard is its key and
its value.
"""

import numpy as np
from numba import njit

from ratecast.modelling.factors.bilinear import hear as tell
from ratecast.modelling.factors.bilinear import say
from ratecast.modelling.history.linked_history import NONE


@njit(cache=True)
def _linear(weights, seen, out):  # type: ignore[no-untyped-def]
    """Fill out (width,) with weights (width, 1 + f) times (1, factors); seen: (1 + f,)."""
    for a in range(len(out)):
        total = weights[a, 0]
        for b in range(1, len(seen)):
            total += weights[a, b] * seen[b]
        out[a] = total


@njit(cache=True)
def remember(seen, errors, weights, out):  # type: ignore[no-untyped-def]
    """Fill out (layers, 2, width) with the keys and values of a rating. errors: (layers,)."""
    trait = np.empty(weights.shape[2])
    for k in range(len(weights)):
        key, value = np.empty(len(trait)), np.empty(len(trait))
        _linear(weights[k, 1], seen, key)
        _linear(weights[k, 2], seen, value)
        _linear(weights[k, 3], seen, trait)
        out[k, 0] = key
        out[k, 1] = value * errors[k] + trait


@njit(cache=True)
def _glance(seen, layer, scalars, past, k):  # type: ignore[no-untyped-def]
    """Stars that layer `k` adds. past: (kept, places): (room, layers, 2, width), latest first."""
    kept, places = past
    query, view = np.empty(layer.shape[1]), np.empty(layer.shape[1])
    _linear(layer[0], seen, query)
    _linear(layer[4], seen, view)
    query /= np.sqrt(len(query))
    scores, most = np.empty(len(places)), scalars[0]
    for i in range(len(places)):
        score = scalars[1] * np.log(i + 1.0)
        for a in range(len(query)):
            score += query[a] * kept[places[i], k, 0, a]
        scores[i] = score
        most = max(most, score)
    total, said = np.exp(scalars[0] - most), np.zeros(len(query))
    for i in range(len(places)):
        weight = np.exp(scores[i] - most)
        total += weight
        for a in range(len(query)):
            said[a] += weight * kept[places[i], k, 1, a]
    return (said * view).sum() / total


@njit(cache=True)
def _places(last, before, length):  # type: ignore[no-untyped-def]
    """The places of the latest `length` ratings of a chain, latest first."""
    found, count = np.empty(length, np.int64), 0
    while last != NONE and count < length:
        found[count] = last
        count += 1
        last = before[last]
    return found[:count]


@njit(cache=True)
def answers(seen, last, memory, net, out):  # type: ignore[no-untyped-def]
    """Fill out (layers + 1,) with the forecast after each layer, the stranger's first.

    seen: (1 + f,). last: the place of the user's latest rating. memory: (kept, before).
    net: (weights, scalars, (mean, level, slope, length)).
    """
    kept, before = memory
    weights, scalars, start = net
    places = _places(last, before, int(start[3]))
    out[0] = start[0] + start[1] + start[2] * (seen[0] - start[0])
    for k in range(len(weights)):
        out[k + 1] = out[k] + _glance(seen, weights[k], scalars[k], (kept, places), k)


@njit(cache=True)
def sight(movie, stranger, out):  # type: ignore[no-untyped-def]
    """Fill out (1 + f,) with what the net sees of a movie. See `AttentionNet.forward`.

    movie: (1 + f,) weights of `als`. stranger: (mean, unit, scale of the factors, then the
    weights of a stranger (1 + f,)).
    """
    above = movie[0] + stranger[3]
    for k in range(1, len(movie)):
        above += movie[k] * stranger[3 + k]
        out[k] = movie[k] * stranger[2]
    out[0] = stranger[0] + stranger[1] * above


@njit(cache=True)
def ask(rows, sides, stranger, memory, net):  # type: ignore[no-untyped-def]
    """Forecast in stars, and its deviation in units of the noise, of each row: (n,) each.

    rows: (users, movies). sides: of `als`. memory: (kept, before, last).
    """
    users, movies = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    width = sides[0][0].shape[1]
    seen, of_user, of_movie = np.empty(width), np.empty(width), np.empty(width)
    steps = np.empty(len(net[0]) + 1)
    for i in range(len(users)):
        sight(sides[1][0][movies[i]], stranger, seen)
        answers(seen, memory[2][users[i]], memory[:2], net, steps)
        said[i] = steps[-1]
        _, doubt, other = say(users[i], movies[i], sides, of_user, of_movie)
        deviation[i] = np.sqrt(1.0 + doubt + other)
    return said, deviation


@njit(cache=True)
def take_in(rows, edges, seen, memory, net):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then remember them; what is seen of the movies is given.

    rows: (users, stars, place of the first). seen: (n, 1 + f). (n,) forecasts in stars.
    """
    users, stars, first = rows
    kept, before, last = memory
    steps = np.empty((len(users), len(net[0]) + 1))
    for moment in range(len(edges) - 1):
        for i in range(edges[moment], edges[moment + 1]):
            answers(seen[i], last[users[i]], memory[:2], net, steps[i])
        for i in range(edges[moment], edges[moment + 1]):
            remember(seen[i], stars[i] - steps[i], net[0], kept[first + i])
            before[first + i] = last[users[i]]
            last[users[i]] = first + i
    return steps[:, -1].copy()


@njit(cache=True)
def hear(rows, edges, als, memory, net):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then remember them, and let `als` hear them.

    rows: (users, movies, stars, place of the first). als: (sides, stranger).
    """
    users, movies, stars, first = rows
    sides, stranger = als
    mean, unit = stranger[0], stranger[1]
    said, deviation = np.empty(len(users)), np.empty(len(users))
    for moment in range(len(edges) - 1):
        start, stop = edges[moment], edges[moment + 1]
        asked = users[start:stop], movies[start:stop]
        said[start:stop], deviation[start:stop] = ask(asked, sides, stranger, memory, net)
        seen = np.empty((stop - start, sides[0][0].shape[1]))
        for i in range(stop - start):
            sight(sides[1][0][movies[start + i]], stranger, seen[i])
        given = stars[start:stop]
        take_in((asked[0], given, first + start), np.array([0, stop - start]), seen, memory, net)
        _, _ = tell((asked[0], asked[1], (given - mean) / unit), np.array([0, stop - start]), sides)
    return said, deviation


@njit(cache=True)
def sights(movies, stranger):  # type: ignore[no-untyped-def]
    """What is seen of movies (n, 1 + f). See `sight`."""
    seen = np.empty(movies.shape)
    for i in range(len(movies)):
        sight(movies[i], stranger, seen[i])
    return seen
