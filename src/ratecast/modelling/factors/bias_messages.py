"""Posterior variances of biases by Gaussian belief propagation over the graph of ratings.

Reference: Weiss, Freeman 2001, "Correctness of belief propagation in Gaussian graphical models of
arbitrary topology".
"""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from ratecast.arrays import F64, I32, read_only
from ratecast.compiled import njit


class BiasVariances(NamedTuple):
    """Posterior variances: of each user's bias, of each movie's, of their sum at each rating.

    pairs: (n,), overwritten by the next round.
    """

    users: F64
    movies: F64
    pairs: F64


class _Messages(NamedTuple):
    """Of each rating, (n,), changed by rounds: two precisions, and the variance of the sum."""

    to_users: F64
    to_movies: F64
    pairs: F64


@dataclass
class BiasMessages:
    """What each rating says of the bias of its user and of its movie, as precisions.

    users, movies: (n,) row numbers, below `sizes`.
    """

    users: I32
    movies: I32
    sizes: tuple[int, int]
    messages: _Messages
    # Sum of what ratings say of each user.
    of_user: F64

    @classmethod
    def initial(cls, users: I32, movies: I32, sizes: tuple[int, int]) -> Self:
        """As if the noise were all of the variance, 1. sizes: rows of users and of movies."""
        messages = _Messages(*(np.ones(len(users)) for _ in _Messages._fields))
        of_user = np.bincount(users, minlength=sizes[0]).astype(np.float64)
        return cls(read_only(users), read_only(movies), sizes, messages, of_user)

    def update(self, prior: tuple[float, float], noise: F64 | float) -> BiasVariances:
        """One round of messages between users and movies.

        prior: variances of the users' biases and of the movies'. noise: variance of a rating, or of
        the ratings of each user, (users,). What a rating says of a movie is known up to its own
        noise and what the user's other ratings leave open.
        """
        of_user, of_movie = 1.0 / prior[0] + self.of_user, np.full(self.sizes[1], 1.0 / prior[1])
        self.of_user = np.zeros(self.sizes[0])
        noises = np.broadcast_to(noise, self.sizes[0]).astype(np.float64)
        precisions = of_user, of_movie, self.of_user
        _exchange((self.users, self.movies), self.messages, precisions, noises)
        users = 1.0 / (1.0 / prior[0] + self.of_user)
        return BiasVariances(users, 1.0 / of_movie, self.messages.pairs)


@njit(cache=True)
def _exchange(rows, messages, precisions, noises):  # type: ignore[no-untyped-def]
    """Messages to movies, then to users, and the variances of the sums at the ratings.

    rows: users and movies, (n,) each. messages: `_Messages`. precisions: of the users' biases
    before, of the prior of the movies' biases and zeros for the users', to both of which the new
    messages are added. noises: (users,). With d the precision that the other ratings give,
    1 / (noise + 1 / d) = d / (noise d + 1): one division.
    """
    users, movies = rows
    to_users, to_movies, pairs = messages
    before, of_movie, of_user = precisions
    for i in range(len(users)):
        others = before[users[i]] - to_users[i]
        to_movies[i] = others / (noises[users[i]] * others + 1.0)
        of_movie[movies[i]] += to_movies[i]
    for i in range(len(users)):
        user, noise = users[i], noises[users[i]]
        user_others = before[user] - to_users[i]
        movie_others = of_movie[movies[i]] - to_movies[i]
        message = movie_others / (noise * movie_others + 1.0)
        # noise - noise² / (noise + 1 / user_others + 1 / movie_others)
        share = user_others * message / (user_others + message)
        pairs[i] = noise * (1.0 - noise * share)
        to_users[i] = message
        of_user[user] += message
