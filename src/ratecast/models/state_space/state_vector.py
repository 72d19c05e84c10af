"""One user's filter state, flattened into one row of numbers.

With D = K + 2 state components (bias, K factors, session), F = 1 + K and Z descriptors of implicit
feedback, a row holds, in this order: the covariance (D, D), the offset (D,) and the sensitivity
(D, F), see `State`; the summed descriptors of the movies rated so far (Z,); the sum of squared
innovations, each divided by its variance; and the number of ratings. W = D (D + 1 + F) + Z + 2.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit
from ratecast.models.state_space.structure import Drift

# How much of the session component carries over to the next time group.
SESSION_TRANSITION = 0.7


class State(NamedTuple):
    """Gaussian state of one user: N(offset + sensitivity @ μ, covariance).

    covariance: (D, D). offset: (D,). sensitivity: (D, F). μ (F,) is the user's prior mean. It
    changes with every movie that the user rates (implicit feedback), hence the linear form.
    """

    covariance: F64
    offset: F64
    sensitivity: F64


def initial_row(covariance: F64, width: int, implicit: int) -> F64:
    """The row of a user without ratings: (W,). covariance: (D, D). width: F. implicit: Z."""
    sensitivity = np.eye(len(covariance), width)
    return np.concatenate(
        [
            covariance.ravel(),
            np.zeros(len(covariance)),
            sensitivity.ravel(),
            np.zeros(implicit + 2),
        ]
    )


class Dynamics(NamedTuple):
    """The state between two time groups: s ← transition * s + w, w ~ N(0, diag(process_noise)).

    initial: (W,) row of a user without ratings (`state_vector`). transition, process_noise: (D,).
    """

    initial: F64
    transition: F64
    process_noise: F64

    @classmethod
    def of(cls, user_cov: F64, implicit: int, drift: Drift) -> "Dynamics":
        """From the covariance (F, F) of the users' bias and factors. implicit: Z.

        The bias is a random walk, the session an AR(1) process around 0, the factors are constant.
        """
        width = len(user_cov)
        covariance = np.zeros((width + 1, width + 1))
        covariance[:width, :width] = drift.initial_share * user_cov
        covariance[width, width] = drift.session_variance
        transition, noise = np.ones(width + 1), np.zeros(width + 1)
        transition[width] = SESSION_TRANSITION
        noise[width] = (1 - SESSION_TRANSITION**2) * drift.session_variance
        noise[0] = drift.bias_noise
        return cls(initial_row(covariance, width, implicit), transition, noise)


@njit(cache=True)
def row_parts(row, size, width):  # type: ignore[no-untyped-def]
    """The `State` and the summed descriptors, as views of a row. size: D. width: F."""
    offset, sensitivity, implicit = size * size, size * (size + 1), size * (size + 1 + width)
    state = State(
        row[:offset].reshape(size, size),
        row[offset:sensitivity],
        row[sensitivity:implicit].reshape(size, width),
    )
    return state, row[implicit:-2]
