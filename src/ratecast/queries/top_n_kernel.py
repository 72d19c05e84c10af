"""The best few of many scores, for many users at once.

On one thread: the scores come from a matrix product, whose threads would wait for these, and these
for those (two cores: six times as long for one user, twice for many).
"""

import numpy as np
from numba import njit

_RUN = 64


@njit(cache=True, fastmath={"nnan", "nsz", "reassoc"})
def keep(scores, first, barred, found):  # type: ignore[no-untyped-def]
    """Take what is better than the worst kept of `scores` (users, movies) into `found`.

    first: the place of the first of these movies among all. barred: edges (users + 1,) and places
    (n,), ascending for each user, that may not be kept. found: scores and places, (users, count),
    best first, ties by place. One comparison a score, in runs that a processor takes at once.
    """
    edges, places = barred
    best, at = found
    for user in range(len(scores)):
        row, own = scores[user], places[edges[user] : edges[user + 1]]
        for start in range(0, len(row), _RUN):
            stop = min(start + _RUN, len(row))
            most = row[start]
            for k in range(start, stop):
                most = max(most, row[k])
            if most > best[user, -1]:
                for k in range(start, stop):
                    if row[k] > best[user, -1] and not _holds(own, first + k):
                        _insert(best[user], at[user], row[k], first + k)


@njit(cache=True)
def _holds(ascending, value):  # type: ignore[no-untyped-def]
    k = np.searchsorted(ascending, value)
    return k < len(ascending) and ascending[k] == value


@njit(cache=True)
def _insert(best, at, score, place):  # type: ignore[no-untyped-def]
    """Put a score where it belongs, behind those that are as good; the last falls out."""
    k = len(best) - 1
    while k > 0 and best[k - 1] < score:
        best[k], at[k] = best[k - 1], at[k - 1]
        k -= 1
    best[k], at[k] = score, place


@njit(cache=True)
def settle(users, places, sides, found):  # type: ignore[no-untyped-def]
    """The best of some movies of each user by their exact scores, best first, ties by place.

    users: (n,) rows of the users' weights. places: (n, m), -1 where there is no movie. sides:
    weights of users, of movies by place, (rows, 1 + k), the bias first. found: scores and places,
    (n, count), filled; -1 where there are too few. 2 k operations a movie.
    """
    mine, theirs = sides
    best, at = found
    for i in range(len(users)):
        _settle_one(mine[users[i]], places[i], theirs, best[i], at[i])


@njit(cache=True)
def _settle_one(user, places, theirs, best, at):  # type: ignore[no-untyped-def]
    best[:] = -np.inf
    at[:] = -1
    for place in np.sort(places):
        if place >= 0:
            score = user[0] + theirs[place, 0]
            for k in range(1, theirs.shape[1]):
                score += user[k] * theirs[place, k]
            if score > best[-1]:
                _insert(best, at, score, place)
