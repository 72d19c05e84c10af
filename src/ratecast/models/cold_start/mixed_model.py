"""The mixed model of `cold_start`: effects of movies, and of kinds of users on kinds of movies.

Users' own effects are fitted beside them, so that a movie is not blamed for its raters, and left
out of a newcomer's forecast.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit

from ratecast.arrays import F64, I64


@dataclass(frozen=True)
class Kinds:
    """What each row of a table shows, before any rating. Numbers of labels; -1: not known.

    user, movie: (n,). people: kinds of the user, each (n,), and how many labels it has. genres:
    (n, genres) weights. year: (n,) bins.
    """

    user: I64
    movie: I64
    people: dict[str, tuple[I64, int]]
    genres: sp.csr_array
    year: tuple[I64, int]
    sizes: tuple[int, int]


@dataclass(frozen=True)
class Group:
    """Features that share a ridge: (n, F). own: a user's own, unknown of a newcomer."""

    features: sp.csc_array
    ridge: float
    own: bool = False


def groups(kinds: Kinds) -> dict[str, Group]:
    """The features of the mixed model and how strongly each group is drawn to 0."""
    users, movies = kinds.sizes
    movie, year = one_hot(kinds.movie, movies), one_hot(*kinds.year)
    found = {
        "user": Group(_by_column(one_hot(kinds.user, users)), 4, own=True),
        "movie": Group(_by_column(movie), 4),
        "genre": Group(_by_column(kinds.genres), 10),
        "year": Group(_by_column(year), 30),
        "user x genre": Group(crossed(kinds.user, users, kinds.genres), 20, own=True),
        "user x year": Group(crossed(kinds.user, users, year), 20, own=True),
    }
    for name, (label, count) in kinds.people.items():
        if name != "third":
            found[f"{name} x genre"] = Group(crossed(label, count, kinds.genres), 600)
            found[f"{name} x year"] = Group(crossed(label, count, year), 600)
        if name != "age":
            found[f"{name} x movie"] = Group(crossed(label, count, movie), 100)
    return found


def one_hot(label: I64, count: int) -> sp.csr_array:
    """(n, count) with a 1 where a row has the label; -1 is none."""
    known = np.flatnonzero(label >= 0)
    return sp.csr_array((np.ones(len(known)), (known, label[known])), (len(label), count))


def crossed(label: I64, count: int, features: sp.csr_array) -> sp.csc_array:
    """Products of one label a row with the row's features: (n, count x F)."""
    coo = features.tocoo()
    rows, columns = coo.coords
    known = label[rows] >= 0
    column = label[rows[known]] * features.shape[1] + columns[known]
    shape = len(label), count * features.shape[1]
    return sp.csc_array((coo.data[known], (rows[known], column)), shape)


@dataclass
class Mixed:
    """A fitted mixed model: level, and the coefficients of each group."""

    level: float
    coefficients: dict[str, F64]

    def score(self, kinds: Kinds) -> F64:
        """What is expected of each row, its user's own effects left out: (n,)."""
        score = np.full(len(kinds.user), self.level)
        for name, group in groups(kinds).items():
            if not group.own:
                score += group.features @ self.coefficients[name]
        return score

    @property
    def of_users(self) -> F64:
        """Effect of each user, (users,)."""
        return self.coefficients["user"]


def fit_mixed(kinds: Kinds, stars: F64, weight: F64, sweeps: int = 30) -> Mixed:
    """Ridge by coordinate descent: least weighted squares plus each group's ridge."""
    weight = weight / weight.mean()
    level = float(np.average(stars, weights=weight))
    error, found = stars - level, groups(kinds)
    coefficients = {name: np.zeros(group.features.shape[1]) for name, group in found.items()}
    for _ in range(sweeps):
        for name, group in found.items():
            f = group.features
            _descend((f.indptr, f.indices, f.data), group.ridge, weight, error, coefficients[name])
    return Mixed(level, coefficients)


def _by_column(features: sp.csr_array) -> sp.csc_array:
    return sp.csc_array(features)


@njit(cache=True, fastmath=True)
def _descend(matrix, ridge, weight, error, coefficients):  # type: ignore[no-untyped-def]
    """Set every coefficient of a group to its best value, one after the other, in place."""
    starts, rows, values = matrix
    for f in range(coefficients.size):
        pull, square = 0.0, ridge
        for j in range(starts[f], starts[f + 1]):
            weighted = values[j] * weight[rows[j]]
            pull += weighted * error[rows[j]]
            square += weighted * values[j]
        step = (pull - ridge * coefficients[f]) / square
        coefficients[f] += step
        for j in range(starts[f], starts[f + 1]):
            error[rows[j]] -= values[j] * step
