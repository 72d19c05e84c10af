"""What a factor model learned of movies and of users' tastes, as it stands in the model."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ratecast.arrays import F64


@dataclass(frozen=True)
class Factors:
    """One side of a model, as learned: stars = ... + bias + factors @ the user's taste.

    Of every row number, the unknown's included. biases: (rows,). factors: (rows, k). mean, cov:
    (k,) and (k, k), of the users' tastes. All in stars.
    """

    biases: F64
    factors: F64
    mean: F64
    cov: F64

    @classmethod
    def of(cls, users: F64, movies: F64, unit: float = 1.0) -> Self:
        """From the weights of either side, (rows, 1 + k), the bias first; `unit` in stars.

        Row 0 of the users, the unknown, does not count.
        """
        tastes = users[1:, 1:]
        # Of one user there is no covariance, and of none no mean.
        cov = np.cov(tastes, rowvar=False, ddof=0) if len(tastes) else np.eye(users.shape[1] - 1)
        mean = tastes.mean(axis=0) if len(tastes) else users[0, 1:]
        return cls(unit * movies[:, 0], unit * movies[:, 1:], mean, np.atleast_2d(cov))
