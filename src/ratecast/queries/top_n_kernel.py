"""Kernels of top-N lists: the highest of many scores, for many users at once.

They run on one thread. The scores come from a matrix product, and its threads and these would wait
for each other (on two cores: six times as long for one user, twice as long for many).
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I32, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import fill

_RUN = 64


class Excluded(NamedTuple):
    """Movies that may not be recommended to each user.

    edges: (users + 1,) borders of the users. places: (n,) places of the movies, ascending within
    a user.
    """

    edges: I64
    places: I32

    def of_users(self, rows: I32) -> "Excluded":
        """Those of some users, in the order of `rows`; unknown users, row 0, have none."""
        counts = np.where(rows > 0, self.edges[rows + 1] - self.edges[rows], 0)
        edges = np.concatenate([[0], np.cumsum(counts)])
        inside = np.arange(edges[-1]) - np.repeat(edges[:-1], counts)
        return Excluded(edges, self.places[np.repeat(self.edges[rows], counts) + inside])

    def of_user(self, user: int) -> I32:
        """The places excluded for one user."""
        return self.places[self.edges[user] : self.edges[user + 1]]


class Top(NamedTuple):
    """The best movies of each user, best first, ties by place.

    scores: (users, count), -inf where there are too few. places: (users, count), -1 there.
    """

    scores: F64 | F32
    places: I64


@njit(cache=True, fastmath={"nnan", "nsz", "reassoc"})
def merge_scores(scores, first, excluded, top):  # type: ignore[no-untyped-def]
    """Insert the scores that are above the worst of `top` into it, in place.

    scores: (users, movies). first: place of the first of these movies. excluded: `Excluded`.
    One comparison for each score, in runs that a processor compares at once.
    """
    best, at = top.scores, top.places
    for user in range(len(scores)):
        row = scores[user]
        skipped = excluded.places[excluded.edges[user] : excluded.edges[user + 1]]
        for start in range(0, len(row), _RUN):
            stop = min(start + _RUN, len(row))
            highest = row[start]
            for k in range(start, stop):
                highest = max(highest, row[k])
            if highest > best[user, -1]:
                for k in range(start, stop):
                    if row[k] > best[user, -1] and not _contains(skipped, first + k):
                        _insert(best[user], at[user], row[k], first + k)


@njit(cache=True)
def _contains(ascending, value):  # type: ignore[no-untyped-def]
    k = np.searchsorted(ascending, value)
    return k < len(ascending) and ascending[k] == value


@njit(cache=True)
def _insert(best, at, score, place):  # type: ignore[no-untyped-def]
    """Insert a score behind those that are equal or higher; the last one is dropped."""
    k = len(best) - 1
    while k > 0 and best[k - 1] < score:
        best[k], at[k] = best[k - 1], at[k - 1]
        k -= 1
    best[k], at[k] = score, place


@njit(cache=True)
def rescore(users, places, weights, top):  # type: ignore[no-untyped-def]
    """Rank some movies of each user by their scores in double precision.

    score = bias of the user + bias of the movie + user factors . movie factors

    users: (n,) rows of the users' weights. places: (n, m), -1 where there is no movie. weights:
    of users, and of movies by place, (rows, 1 + k), the bias first. top: (n, count), overwritten.
    2 k operations for each movie.
    """
    of_users, of_movies = weights
    for i in range(len(users)):
        _rescore_user(of_users[users[i]], places[i], of_movies, top.scores[i], top.places[i])


@njit(cache=True)
def _rescore_user(user, places, movies, best, at):  # type: ignore[no-untyped-def]
    fill(best, -np.inf)
    fill(at, -1)
    for place in np.sort(places):
        if place >= 0:
            score = user[0] + movies[place, 0]
            for k in range(1, movies.shape[1]):
                score += user[k] * movies[place, k]
            if score > best[-1]:
                _insert(best, at, score, place)
