"""SVD++: a user is his own factors, and those of every movie that he rated, whatever he gave it.

Reference: Koren 2008, "Factorization meets the neighborhood", eq. 15.
Differs: a user's own weights are not what descent left. With the movies fixed they are a ridge
regression whose prior mean is the implicit part, solved exactly for every user, and again with
each rating heard; the movie heard of takes such a step too (as-of validation RMSE 0.915 -> 0.913).
A stranger's implicit part is the mean one of all rows, not 0: without it the movies' biases lack
what it usually adds (frozen 1.049 -> 1.028).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numba import njit
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays, Model
from ratecast.modelling.contract.rows import Expected, Rows, grown
from ratecast.modelling.contract.settings import ABOVE_ZERO, UP_TO_ONE, Limits, Range
from ratecast.modelling.factors.recursive_least_squares import absorb, prior_cover, ridges, variance
from ratecast.models.svdpp.sgd import epoch
from ratecast.ratings import Ratings

FIRST_SPREAD = 0.05
USER_ARRAYS = ("_covers", "_pulls", "_implied", "_rated")
MOVIE_ARRAYS = ("_movies", "_implicit", "_movie_covers")
PRIOR_ARRAYS = ("_ridges", "_prior")


@dataclass(kw_only=True, eq=False)
class SVDpp(Model):
    """Forecast = mean + bias of the movie + weights of the user times (1, factors of the movie).

    Weights of a user = cover (ridges * (prior + implied / sqrt(rated)) + pulls): `implied` sums
    the implicit factors of what he rated, `pulls` his ratings times the movies' factors.
    `implicit_damping` says how many ratings of his own weigh as much as the implicit part of all
    users.
    """

    name: ClassVar[str] = "svdpp"
    search: ClassVar[dict[str, Range]] = {
        "factors": Range(4, 32, log=True),
        "learning_rate": Range(0.003, 0.05, log=True),
        "l2_factors": Range(0.01, 0.2, log=True),
        "l2_fold_in": Range(1.0, 20.0, log=True),
    }
    limits: ClassVar[Limits] = {
        **dict.fromkeys(("user_damping", "movie_damping", "l2_fold_in"), ABOVE_ZERO),
        "learning_rate_decay": UP_TO_ONE,
    }
    factors: int = 8
    epochs: int = 30
    learning_rate: float = 0.012
    learning_rate_decay: float = 0.95
    l2_biases: float = 0.01
    l2_factors: float = 0.05
    implicit_damping: float = 3.0
    user_damping: float = 6.0
    movie_damping: float = 5.0
    l2_fold_in: float = 4.5

    @override
    def memory_bytes(self) -> float:
        return 8.0 * (len(self.users) + len(self.movies)) * (1 + self.factors) ** 2

    @override
    def fit_rows(self, train: Rows, valid: Ratings | None) -> None:
        self._mean = float(train.stars.mean(dtype=np.float64))
        self._unit = float(train.stars.std(dtype=np.float64)) or 1.0
        self._descend(train)
        self._ridges = ridges(self.user_damping, self.l2_fold_in, self.factors)
        self._start_users(train)
        damped = np.concatenate([[self.movie_damping], self._ridges[1:]])
        self._movie_covers = prior_cover(damped, len(self.movies))
        _listen((train.users, train.movies, self._above(train)), self._state())
        _settle((train.users, train.movies), self._state())

    def _descend(self, train: Rows) -> None:
        """Movies' weights and implicit factors, by gradient descent over shuffled users."""
        draw, users, movies = np.random.default_rng(self.seed), len(self.users), len(self.movies)
        of_users = draw.normal(0, FIRST_SPREAD, (users, 1 + self.factors))
        self._movies = draw.normal(0, FIRST_SPREAD, (movies, 1 + self.factors))
        self._implicit = draw.normal(0, FIRST_SPREAD, (movies, self.factors))
        of_users[:, 0] = self._movies[:, 0] = self._movies[0] = self._implicit[0] = 0
        order = np.argsort(train.users, kind="stable")
        edges = np.searchsorted(train.users[order], np.arange(users + 1))
        rows = train.movies[order], self._above(train)[order]
        for past in range(self.epochs):
            steps = (
                self.learning_rate * self.learning_rate_decay**past,
                self.l2_biases,
                self.l2_factors,
            )
            weights = of_users, self._movies, self._implicit
            epoch(rows, edges, draw.permutation(users - 1) + 1, weights, np.array(steps))

    def _start_users(self, train: Rows) -> None:
        """Every user as one of whom nothing was heard: the crowd's bias and implicit part."""
        rated = np.bincount(train.users, minlength=len(self.users))
        implied = np.zeros((len(self.users), self.factors))
        np.add.at(implied, train.users, self._implicit[train.movies])
        implied /= np.sqrt(np.maximum(rated, 1))[:, None]
        crowd = implied[train.users].mean(axis=0)
        movies = self._movies[train.movies]
        rest = self._above(train) - movies[:, 0] - movies[:, 1:] @ crowd
        self._prior = np.concatenate([[rest.mean()], np.zeros(self.factors)])
        self._implied = np.tile(crowd * np.sqrt(self.implicit_damping), (len(self.users), 1))
        self._rated = np.full(len(self.users), self.implicit_damping)
        self._pulls = np.zeros((len(self.users), 1 + self.factors))
        self._covers = prior_cover(self._ridges, len(self.users))

    def _state(self) -> tuple[tuple[F64, ...], ...]:
        names = USER_ARRAYS, MOVIE_ARRAYS, PRIOR_ARRAYS
        return tuple(tuple(getattr(self, name) for name in group) for group in names)

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._in_stars(*_forecast((rows.users, rows.movies), self._state()))

    @override
    def grow(self) -> None:
        for names, size in ((USER_ARRAYS, len(self.users)), (MOVIE_ARRAYS, len(self.movies))):
            for name in names:
                setattr(self, name, grown(getattr(self, name), size))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        told = rows.users, rows.movies, self._above(rows)
        return self._in_stars(*_hear(told, edges, self._state()))

    @override
    def movie_factors(self) -> Factors:
        users = np.empty((len(self.users), 1 + self.factors))
        for user, weights in enumerate(users):
            _weigh(user, self._state(), weights)
        return Factors.of(users, self._movies, self._unit)

    def _above(self, rows: Rows) -> F64:
        """The stars above the mean, in units of their spread: rate and penalties fit any scale."""
        return (rows.stars.astype(np.float64) - self._mean) / self._unit

    def _in_stars(self, above: F64, deviation: F64) -> Expected:
        return Expected(self._mean + self._unit * above, deviation)

    @override
    def arrays(self) -> Arrays:
        names = USER_ARRAYS + MOVIE_ARRAYS + PRIOR_ARRAYS
        named: Arrays = {name.strip("_"): getattr(self, name) for name in names}
        return named | {"level": np.array([self._mean, self._unit])}

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        self._mean, self._unit = (float(value) for value in arrays["level"])
        for name in USER_ARRAYS + MOVIE_ARRAYS + PRIOR_ARRAYS:
            setattr(self, name, arrays[name.strip("_")])


@njit(cache=True)
def _weigh(user, state, weights):  # type: ignore[no-untyped-def]
    """Fill `weights` (d,) with those of the user; d^2 multiplications."""
    (covers, pulls, implied, rated), _, (ridges, prior) = state
    scale = 1 / np.sqrt(rated[user])
    weights[:] = 0.0
    for a in range(len(weights)):
        mean = prior[a] + (implied[user, a - 1] * scale if a else 0.0)
        pull = ridges[a] * mean + pulls[user, a]
        for b in range(len(weights)):
            weights[b] += covers[user, a, b] * pull


@njit(cache=True)
def _say(user, movie, state, inputs, weights):  # type: ignore[no-untyped-def]
    """Forecast above the mean, and its variance from not knowing the user.

    inputs: (d,), filled with what the user's `weights` multiply. About 2 d^2 multiplications.
    """
    inputs[:] = state[1][0][movie]
    said = inputs[0]
    inputs[0] = 1.0
    _weigh(user, state, weights)
    for k in range(len(inputs)):
        said += weights[k] * inputs[k]
    return said, variance(state[0][0][user], inputs)


@njit(cache=True)
def _forecast(rows, state):  # type: ignore[no-untyped-def]
    """Forecast and its deviation, in units of the noise of a rating: (n,) each. See `_say`."""
    users, movies = rows
    said, deviation = np.empty(len(users)), np.empty(len(users))
    inputs, weights = np.empty(state[1][0].shape[1]), np.empty(state[1][0].shape[1])
    for i in range(len(users)):
        said[i], doubt = _say(users[i], movies[i], state, inputs, weights)
        deviation[i] = np.sqrt(1.0 + doubt)
    return said, deviation


@njit(cache=True)
def _listen(rows, state):  # type: ignore[no-untyped-def]
    """Take each row into its user's weights; about 3 d^2 multiplications a rating.

    rows: (users, movies, above), each (n,).
    """
    users, movies, above = rows
    (covers, pulls, implied, rated), (of_movies, implicit, _), _ = state
    inputs, unused = np.empty(of_movies.shape[1]), np.zeros(of_movies.shape[1])
    for i in range(len(users)):
        user, movie = users[i], movies[i]
        inputs[:] = of_movies[movie]
        rest = above[i] - inputs[0]
        inputs[0] = 1.0
        pulls[user] += rest * inputs
        absorb(unused, covers[user], inputs, 0.0, 1.0)
        implied[user] += implicit[movie]
        rated[user] += 1


@njit(cache=True)
def _settle(rows, state):  # type: ignore[no-untyped-def]
    """Covariance of the movies' weights, given the users'; about 4 d^2 multiplications a rating."""
    users, movies = rows
    covers = state[1][2]
    weights, unused = np.empty(covers.shape[1]), np.zeros(covers.shape[1])
    for i in range(len(users)):
        _weigh(users[i], state, weights)
        weights[0] = 1.0
        absorb(unused, covers[movies[i]], weights, 0.0, 1.0)


@njit(cache=True)
def _hear(rows, edges, state):  # type: ignore[no-untyped-def]
    """Forecast each moment's rows, then take each into its movie's and its user's weights.

    rows: (users, movies, above), each (n,). edges: (k + 1,) borders of the moments. state: of
    users, of movies, and the prior; changed in place. About 10 d^2 multiplications a rating.
    """
    users, movies, above = rows
    of_movies, _, covers = state[1]
    said, deviation = np.empty(len(users)), np.empty(len(users))
    inputs, weights = np.empty(of_movies.shape[1]), np.empty(of_movies.shape[1])
    for moment in range(len(edges) - 1):
        start, stop = edges[moment], edges[moment + 1]
        now = slice(start, stop)
        said[now], deviation[now] = _forecast((users[now], movies[now]), state)
        for i in range(start, stop):
            user, movie = users[i], movies[i]
            forecast, doubt = _say(user, movie, state, inputs, weights)
            one = slice(i, i + 1)
            _listen((users[one], movies[one], above[one]), state)
            weights[0] = 1.0
            absorb(of_movies[movie], covers[movie], weights, above[i] - forecast, 1.0 + doubt)
    return said, deviation
