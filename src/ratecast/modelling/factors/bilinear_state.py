"""The fitted state of a bilinear model: two sides, and how their scores become stars.

stars(u, i) = level + unit (b_u + b_i + p_u · q_i)
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, runtime_checkable

import numpy as np

from ratecast.arrays import F32, F64, I32, I64
from ratecast.modelling.contract.factors import Factors
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Expected, Rows, as_unknown
from ratecast.modelling.factors.bilinear import CentredRatings, Side, Sides, predict, update
from ratecast.ratings import Scale

_PIECE = 1 << 16


@dataclass(frozen=True)
class BilinearForm:
    """level + unit * (bias of the user + bias of the movie + product of their factors), in stars.

    users, movies: (rows, 1 + k), the bias first; row 0 is the unknown.
    """

    level: float
    unit: float
    users: F64
    movies: F64


@runtime_checkable
class HasBilinearForm(Protocol):
    """A model whose expected stars are a `BilinearForm`, before they are clipped."""

    def bilinear_form(self) -> BilinearForm:
        """As of now; an online update changes it."""


class Centring(NamedTuple):
    """How stars are centred: centred = (stars - level) / unit, both in stars.

    With the standard deviation as unit, priors and learning rates fit any scale of stars.
    """

    level: float
    unit: float = 1.0

    @classmethod
    def of(cls, stars: F32) -> "Centring":
        """By mean and standard deviation of `stars` (n,); unit 1 where all are equal."""
        # Of equal stars the standard deviation is a rounding error, not always 0.
        varied = bool((stars != stars[0]).any())
        level = float(stars.mean(dtype=np.float64))
        return cls(level, _std(stars, level) if varied else 1.0)

    def noise(self, scale: Scale) -> float:
        """What stands for the noise of one rating, in stars, until it is calibrated."""
        return self.unit if scale.is_continuous else 1.0

    def centred(self, stars: F32) -> F64:
        """(stars - level) / unit: (n,)."""
        centred: F64 = (stars.astype(np.float64) - self.level) / self.unit
        return centred

    def ratings(self, rows: Rows) -> CentredRatings:
        """The rows that are observed, centred."""
        stars = self.centred(rows.stars), self.centred(rows.former_stars)
        return CentredRatings(rows.users, rows.movies, *stars)

    def stars(self, scores: F64) -> F64:
        """Level + unit * scores: (n,)."""
        return self.level + self.unit * scores


def _std(stars: F32, mean: float) -> float:
    """Standard deviation around `mean`; of many rows in pieces that stay in the cache."""
    squares = 0.0
    for start in range(0, len(stars), _PIECE):
        difference = stars[start : start + _PIECE].astype(np.float64)
        difference -= mean
        squares += float(difference @ difference)
    return float(np.sqrt(squares / len(stars)))


@dataclass
class BilinearState:
    """Both sides with their covariance, and the centring of the stars."""

    sides: Sides
    centring: Centring

    def predict(self, users: I32, movies: I32) -> Expected:
        """Expected stars, and their standard deviation in units of the noise of one rating."""
        scores, deviation = predict(users, movies, self.sides)
        return Expected(self.centring.stars(scores), deviation)

    def update(self, rows: Rows, edges: I64) -> Expected:
        """What `predict` gives before each tie group (edges: borders), updated after each."""
        scores, deviation = update(self.centring.ratings(rows), edges, self.sides)
        return Expected(self.centring.stars(scores), deviation)

    def grow(self, users: int, movies: int) -> None:
        """Add rows for new ids, each a copy of the unknown's."""
        self.sides = Sides(self.sides.users.grown(users), self.sides.movies.grown(movies))

    def forget_row(self, row: int) -> None:
        """Make a user the unknown one."""
        as_unknown(row, *self.sides.users)

    def form(self) -> BilinearForm:
        """Biases and factors as they are now."""
        users, movies = self.sides.users.weights, self.sides.movies.weights
        return BilinearForm(*self.centring, users, movies)

    def movie_factors(self) -> Factors:
        """Biases and factors of the movies, and the distribution of the users' factors."""
        users, movies = self.sides.users.weights, self.sides.movies.weights
        return Factors.of(users, movies, self.centring.unit)

    def arrays(self) -> Arrays:
        """The sides, as named arrays; the model writes the centring."""
        users, movies = self.sides
        return {
            "users.weights": users.weights,
            "users.covariance": users.covariance,
            "movies.weights": movies.weights,
            "movies.covariance": movies.covariance,
        }

    @classmethod
    def restored(cls, arrays: Arrays, centring: Centring) -> Self:
        """From what `arrays` returned."""
        users, movies = (
            Side(arrays[f"{side}.weights"], arrays[f"{side}.covariance"])
            for side in ("users", "movies")
        )
        return cls(Sides(users, movies), centring)
