"""Nets that hear: what one rating says of its user's and its movie's own numbers, by least squares.

Reference: Plackett 1950, "Some theorems in least squares"; for a net that is not linear in them,
the extended Kalman filter as in Singhal, Wu 1989, "Training feed-forward networks with the
extended Kalman algorithm".
Differs: only the numbers of the rating's own user and movie move, around the centre that stands
for an unknown one; what the ids share stays as it was learned.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from ratecast.arrays import F64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import SHARE, Limits
from ratecast.modelling.factors.bilinear import Side, grown_side, hear, said
from ratecast.modelling.nets.net_model import NetModel

LEAST_PULL = 0.01
NOISE_ROWS = 200_000
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]
Told = tuple[NDArray[np.int32], NDArray[np.int32], F64]


@dataclass(kw_only=True, eq=False)
class FoldInNet(NetModel):
    """A net that hears. Its numbers leave torch after training, for kernels that go row by row.

    A side is (weights, cover): numbers of each id, its centre included, and the covariance of
    those that hear, in units of the noise of one rating, given all ratings heard. The pulls of
    training are the priors.

    id_dropout: share of the training rows that the net must answer without knowing the user,
    as it will be asked for new users.
    """

    limits: ClassVar[Limits] = {"id_dropout": SHARE}
    id_dropout: float = 0.5

    _of_users: Side = field(init=False, repr=False)
    _of_movies: Side = field(init=False, repr=False)
    _level: float = field(init=False, repr=False)
    _noise: float = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        # Weights, their gradients and two moments in single precision; both sides in double.
        return 32.0 * self.factors * (len(self.users) + len(self.movies))

    @abstractmethod
    def _sides_of_net(self, train: Rows) -> tuple[Side, Side]:
        """Both sides of the net, and how well it knows them from `train`."""

    def _level_of_net(self) -> float:
        """What the net adds to every forecast, in stars."""
        return 0.0

    @override
    def extract_parameters(self, train: Rows) -> None:
        self._keep(train, self._level_of_net(), self._sides_of_net(train))

    def _keep(self, train: Rows, level: float, sides: tuple[Side, Side]) -> None:
        """Answer from these sides, and be as sure as the rows learned from allow."""
        self._level = level
        self._of_users, self._of_movies = sides
        some = train.take(slice(0, None, -(-len(train) // NOISE_ROWS)))
        missed = self._above(some) - self._ask((some.users, some.movies))[0]
        self._noise = float(np.sqrt(np.mean(np.square(missed))))

    def _ask(self, pairs: Pairs) -> tuple[F64, F64]:
        """Forecast above the level, and its deviation in units of the noise: (n,) each."""
        return said(pairs, self._sides())

    def _tell(self, told: Told, edges: NDArray[np.int64]) -> tuple[F64, F64]:
        """The same, moment by moment, each heard after its forecast."""
        found: tuple[F64, F64] = hear(told, edges, self._sides())
        return found

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._in_stars(*self._ask((rows.users, rows.movies)))

    @override
    def grow(self) -> None:
        self._of_users = grown_side(self._of_users, len(self.users))
        self._of_movies = grown_side(self._of_movies, len(self.movies))

    @override
    def walk_rows(self, rows: Rows, edges: NDArray[np.int64]) -> Expected:
        return self._in_stars(*self._tell((rows.users, rows.movies, self._above(rows)), edges))

    def _sides(self) -> tuple[Side, Side]:
        return self._of_users, self._of_movies

    def _above(self, rows: Rows) -> F64:
        return rows.stars.astype(np.float64) - self._level

    def _in_stars(self, above: F64, deviation: F64) -> Expected:
        return Expected(self._level + above, self._noise * deviation)

    @override
    def arrays(self) -> Arrays:
        arrays: Arrays = {"level": np.array([self._level, self._noise])}
        arrays["users.weights"], arrays["users.cover"] = self._of_users
        arrays["movies.weights"], arrays["movies.cover"] = self._of_movies
        return arrays | super().arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        self._level, self._noise = (float(value) for value in arrays["level"])
        self._of_users = arrays["users.weights"], arrays["users.cover"]
        self._of_movies = arrays["movies.weights"], arrays["movies.cover"]


def beside(first: F64, second: F64) -> F64:
    """Numbers of the same ids, side by side: (rows, a + b)."""
    both: F64 = np.hstack([first, second], dtype=np.float64)
    return both


def restrained(pulls: F64) -> F64:
    """Pulls as priors need them: none is 0, or the first rating would swing without end."""
    return np.maximum(pulls, LEAST_PULL)
