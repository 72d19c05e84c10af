"""The linear mixed model of `cold_start`: effects of movies, and of kinds of users on them.

Effects of each single user are fitted as well, so a movie's effect does not depend on who rated it;
the forecast of a new user leaves them out.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from ratecast.arrays import F64, I32, I64
from ratecast.compiled import njit
from ratecast.modelling.side_information.feature_columns import one_hot


@dataclass(frozen=True)
class RowLabels:
    """What is known of each row before any rating. Numbers of labels; -1: unknown.

    user, movie: (n,). people: for each kind of label of the user, (n,) and the number of labels.
    genres: (n, genres) weights. year: (n,) bins, and their number. sizes: of users and of movies.
    of_users, of_movies: (n, labels) weights of each further column.
    """

    user: I64
    movie: I64
    people: dict[str, tuple[I64, int]]
    genres: sp.csr_array
    year: tuple[I64, int]
    sizes: tuple[int, int]
    of_users: dict[str, sp.csr_array] = field(default_factory=dict)
    of_movies: dict[str, sp.csr_array] = field(default_factory=dict)

    def take(self, rows: I64) -> "RowLabels":
        """Only these rows."""
        people = {name: (label[rows], count) for name, (label, count) in self.people.items()}
        year = self.year[0][rows], self.year[1]
        further = (
            {name: labels[rows] for name, labels in side.items()}
            for side in (self.of_users, self.of_movies)
        )
        known = self.user[rows], self.movie[rows], people, self.genres[rows]
        return RowLabels(*known, year, self.sizes, *further)


@dataclass(frozen=True)
class FeatureGroup:
    """Features that share an L2 penalty: a label of each row, or its weights crossed with a label.

    label: (n,) of each row, -1 for none, and how many there are. l2: penalty. weights: (n, W);
    None: the label alone. of_single_users: effects of single users, left out for new users.
    """

    label: tuple[I64, int]
    l2: float
    weights: sp.csr_array | None = None
    of_single_users: bool = False

    @cached_property
    def features(self) -> sp.csc_array:
        """(n, labels), or (n, labels x W)."""
        label, count = self.label
        if self.weights is None:
            return sp.csc_array(one_hot(label, count))
        row, column, weight = self._entries(self.weights)
        shape = len(label), count * self.weights.shape[1]
        return sp.csc_array((weight, (row, column)), shape)

    def effects(self, coefficients: F64) -> F64:
        """The product of features and coefficients, without making the features: (n,)."""
        label, _ = self.label
        if self.weights is None:
            effects, known = np.zeros(len(label)), label >= 0
            effects[known] = coefficients[label[known]]
            return effects
        row, column, weight = self._entries(self.weights)
        return np.bincount(row, weight * coefficients[column], len(label))

    def _entries(self, weights: sp.csr_array) -> tuple[I64, I64, F64]:
        """Row, column and value of each feature that is not 0."""
        label, _ = self.label
        row = np.repeat(np.arange(len(label)), np.diff(weights.indptr))
        known = label[row] >= 0
        row = row[known]
        column = label[row] * weights.shape[1] + weights.indices[known]
        return row, column, weights.data[known]


def feature_groups(rows: RowLabels) -> dict[str, FeatureGroup]:
    """The features of the mixed model, and the L2 penalty of each group."""
    users, movies = rows.sizes
    user, movie = (rows.user, users), (rows.movie, movies)
    each = np.zeros(len(rows.user), np.int64), 1
    by_year = crossed(user, rows.year)
    # Coordinate descent gives what two groups can explain to the first, and takes it back slowly:
    # a new movie has columns, but no effect of its own.
    groups = {
        f"{kind}.{name}": FeatureGroup(each, l2, labels)
        for kind, side, l2 in (("user", rows.of_users, 100), ("movie", rows.of_movies, 10))
        for name, labels in side.items()
    }
    groups |= {
        "user": FeatureGroup(user, 4, of_single_users=True),
        "movie": FeatureGroup(movie, 4),
        "genre": FeatureGroup(each, 10, rows.genres),
        "year": FeatureGroup(rows.year, 30),
        "user x genre": FeatureGroup(user, 20, rows.genres, of_single_users=True),
        "user x year": FeatureGroup(by_year, 20, of_single_users=True),
    }
    for name, labels in rows.of_movies.items():
        groups[f"user x movie.{name}"] = FeatureGroup(user, 20, labels, of_single_users=True)
    for name, label in rows.people.items():
        if name != "third":
            groups[f"{name} x genre"] = FeatureGroup(label, 600, rows.genres)
            groups[f"{name} x year"] = FeatureGroup(crossed(label, rows.year), 600)
        if name != "age":
            groups[f"{name} x movie"] = FeatureGroup(crossed(label, movie), 100)
    return groups


def crossed(label: tuple[I64, int], other: tuple[I64, int]) -> tuple[I64, int]:
    """Interaction of two labels of each row: a label for each pair, -1 where one is none."""
    known = (label[0] >= 0) & (other[0] >= 0)
    return np.where(known, label[0] * other[1] + other[0], -1), label[1] * other[1]


class _Columns(NamedTuple):
    """Features by column. starts: (F + 1,). rows, values, weighted: values x (n,) weights.

    curvatures: (F,) x' W x + l2.
    """

    starts: I32
    rows: I32
    values: F64
    weighted: F64
    curvatures: F64

    @classmethod
    def of(cls, group: FeatureGroup, weight: F64) -> "_Columns":
        f = group.features
        # scipy numbers them in either size, and numba would compile the loop for both.
        starts, rows = f.indptr.astype(np.int32), f.indices.astype(np.int32)
        weighted = f.data * weight[rows]
        column = np.repeat(np.arange(f.shape[1]), np.diff(starts))
        squares = np.bincount(column, weighted * f.data, f.shape[1])
        # The counts of nothing are whole numbers.
        curvatures = np.asarray(squares + float(group.l2), np.float64)
        return cls(starts, rows, f.data, weighted, curvatures)


@dataclass
class MixedModel:
    """score = level + sum over groups of features . coefficients.

    level: stars. coefficients: (F,) of each group.
    """

    level: float
    coefficients: dict[str, F64]

    def score(self, rows: RowLabels) -> F64:
        """Expected stars of each row, without the effects of single users: (n,)."""
        score = np.full(len(rows.user), self.level)
        for name, group in feature_groups(rows).items():
            if not group.of_single_users:
                score += group.effects(self.coefficients[name])
        return score

    def forget(self, user: int, users: int) -> None:
        """Remove the effects of one of so many users, numbered from 0."""
        for name, coefficients in self.coefficients.items():
            if name == "user" or name.startswith("user x "):
                coefficients.reshape(users, -1)[user] = 0.0

    @property
    def of_users(self) -> F64:
        """Effect of each user: (users,)."""
        return self.coefficients["user"]


def fit_mixed(rows: RowLabels, stars: F64, weight: F64, iterations: int = 30) -> MixedModel:
    """Minimize sum of weight * residual² + l2 * coefficient², by coordinate descent.

    stars, weight: (n,). iterations: passes over all coefficients.
    """
    weight = weight / weight.mean()
    level = float(np.average(stars, weights=weight))
    residual, groups = stars - level, feature_groups(rows)
    coefficients = {name: np.zeros(group.features.shape[1]) for name, group in groups.items()}
    columns = {name: _Columns.of(group, weight) for name, group in groups.items()}
    for _ in range(iterations):
        for name, group in groups.items():
            _descend(columns[name], group.l2, residual, coefficients[name])
    return MixedModel(level, coefficients)


@njit(cache=True, fastmath=True)
def _descend(columns, l2, residual, coefficients):  # type: ignore[no-untyped-def]
    """Set each coefficient of a group to its minimum given all others; residuals stay current.

    columns: `_Columns`. residual: (n,).
    """
    starts, rows, values, weighted, curvatures = columns
    for f in range(coefficients.size):
        gradient = 0.0
        for j in range(starts[f], starts[f + 1]):
            gradient += weighted[j] * residual[rows[j]]
        # step = (x' W r - l2 c) / (x' W x + l2)
        step = (gradient - l2 * coefficients[f]) / curvatures[f]
        coefficients[f] += step
        for j in range(starts[f], starts[f + 1]):
            residual[rows[j]] -= values[j] * step
