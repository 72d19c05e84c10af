"""Nets that learn online: each rating updates the vectors of its user and movie by least squares.

Reference: Plackett 1950, "Some theorems in least squares"; for a net that is not linear in them,
the extended Kalman filter as in Singhal, Wu 1989, "Training feed-forward networks with the
extended Kalman algorithm".
Differs: only the vectors of the rating's own user and movie move, from the prior mean that stands
for an unknown one; what all ids share stays as it was trained.
"""

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from typing_extensions import override

from ratecast.arrays import F64, I32, I64
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.contract.settings import SHARE, Limits
from ratecast.modelling.factors.bilinear import CentredRatings, Sides, predict, scores_alone, update
from ratecast.modelling.factors.bilinear_state import BilinearState, Centring
from ratecast.modelling.nets.net_model import NetModel

MIN_L2 = 0.01
NOISE_ROWS = 200_000


@dataclass(kw_only=True, eq=False)
class FoldInNet(NetModel):
    """A net whose vectors leave torch after training, for online updates row by row.

    The penalties of training are the priors of the updates. std of a prediction = noise *
    sqrt(1 + variance of the user's part + variance of the movie's part), noise: RMSE on train.

    id_dropout: share of the training rows whose user is replaced by the unknown one, so that the
    net learns to predict for new users.
    """

    limits: ClassVar[Limits] = {"id_dropout": SHARE}
    id_dropout: float = 0.5

    state: BilinearState = field(init=False, repr=False)
    noise: float = field(init=False, repr=False)

    @override
    def memory_bytes(self) -> float:
        # Weights, their gradients and two moments in single precision; both sides in double.
        return 32.0 * self.factors * (len(self.users) + len(self.movies))

    @abstractmethod
    def net_sides(self, train: Rows) -> Sides:
        """Vectors of the trained net, with their covariance given `train`."""

    def net_level(self) -> float:
        """The constant of the net's predictions, in units of the scale."""
        return 0.0

    @override
    def extract_parameters(self, train: Rows) -> None:
        self.use_sides(train, self.net_level(), self.net_sides(train))

    def use_sides(self, train: Rows, level: float, sides: Sides) -> None:
        """Predict from these sides from now on; the noise is the RMSE on (a part of) `train`.

        level, sides: in units of the scale, see `Scale.unit`.
        """
        self.state = BilinearState(sides, self._centring(level * self.scale.unit))
        sample = train.take(slice(0, None, -(-len(train) // NOISE_ROWS)))
        scores = self.scores_alone(sample.users, sample.movies)
        residuals = self.state.centring.centred(sample.stars) - scores
        self.noise = float(np.sqrt(np.mean(np.square(residuals))))

    def predict_scores(self, users: I32, movies: I32) -> tuple[F64, F64]:
        """(Stars - level) / unit, and their deviation in units of the noise: (n,) each."""
        return predict(users, movies, self.state.sides)

    def scores_alone(self, users: I32, movies: I32) -> F64:
        """The first of what `predict_scores` gives, for many rows."""
        return scores_alone(users, movies, self.state.sides)

    def update_scores(self, ratings: CentredRatings, edges: I64) -> tuple[F64, F64]:
        """What `predict_scores` gives before each tie group (edges: borders), updated after."""
        predicted: tuple[F64, F64] = update(ratings, edges, self.state.sides)
        return predicted

    @override
    def predict_rows(self, rows: Rows) -> Expected:
        return self._expected(*self.predict_scores(rows.users, rows.movies))

    @override
    def walk_rows(self, rows: Rows, edges: I64) -> Expected:
        return self._expected(*self.update_scores(self.state.centring.ratings(rows), edges))

    @override
    def grow(self) -> None:
        self.state.grow(len(self.users), len(self.movies))

    @override
    def forget_row(self, row: int) -> None:
        self.state.forget_row(row)

    def _expected(self, scores: F64, deviation: F64) -> Expected:
        centring = self.state.centring
        return Expected(centring.stars(scores), self.noise * centring.unit * deviation)

    def _centring(self, level: float) -> Centring:
        return Centring(level, self.scale.unit)

    @override
    def arrays(self) -> Arrays:
        level = {"level": np.array([self.state.centring.level, self.noise])}
        return level | self.state.arrays() | super().arrays()

    @override
    def restore_arrays(self, arrays: Arrays) -> None:
        super().restore_arrays(arrays)
        level, self.noise = (float(value) for value in arrays["level"])
        self.state = BilinearState.restored(arrays, self._centring(level))


def usable_l2(l2: F64) -> F64:
    """At least `MIN_L2`: without a prior, the first rating of an id would move it without limit."""
    return np.maximum(l2, MIN_L2)
