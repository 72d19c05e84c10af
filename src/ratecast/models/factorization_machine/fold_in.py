"""Online update of the users' vectors in every posterior sample, exact for each new rating.

Given a sample's movie vectors, noise and prior, a user's own vector has a normal posterior: a ridge
regression around the sum of the user's labels and of the set of rated movies, which grows.
Reference: Salakhutdinov, Mnih 2008, "Bayesian probabilistic matrix factorization", eq. 11.
Differs: the user's vector is not drawn, its posterior mean and covariance are used. The effects of
the present time bins, one of each width, stand beside it. A bin that is over is dropped, which is
exact, since time only goes forward.
"""

import numpy as np

from ratecast.aligned import DOUBLES, cache_aligned, padded
from ratecast.arrays import F32, F64
from ratecast.models.factorization_machine.fold_in_columns import (
    BatchColumns,
    Forecasts,
    LearnedUser,
    Likelihood,
    MovieSide,
    State,
    Tables,
    TimeBins,
    UserSide,
    Walk,
)
from ratecast.models.factorization_machine.fold_in_kernel import walk_blocks


def walk_users(
    batches: BatchColumns,
    bins: TimeBins,
    users: UserSide,
    movies: MovieSide,
    likelihood: Likelihood,
    *,
    learned: LearnedUser | None = None,
) -> tuple[F64, F64, F64]:
    """Forecast each row of each user from the user's rows of earlier time groups.

    learned: of the only user, see `LearnedUser`; the rows are requests without times then, after
    the user's ratings where it is not known yet.
    Returns mean and variance without noise, (n,) each, and the probabilities of the stars by the
    cuts, (n, S). About 4 s d^2 multiplications for each rating; d + b in place of d once a bin of
    unknown effect was learned.
    """
    n, (count, width) = len(batches.movies), users.mean_set.shape
    tables = Tables(
        _in_lanes(users.labels),
        _in_lanes(users.mean_set[None]),
        _in_lanes(users.precision[None], fill=1.0),
        _in_lanes(movies.vectors),
        _in_lanes(movies.in_set),
        _in_lanes(likelihood.level[None, :, None]),
    )
    size = width + len(bins.variances)
    tall = size, size * (size + 1) // 2, size, size, width, width
    mean, covariance, x, gain, set_sum, set_mean = (
        cache_aligned(rows, DOUBLES, np.float64) for rows in tall
    )
    current = np.empty(size - width, np.int64)
    state = State(mean, covariance, x, gain, set_sum, set_mean, current)
    stars = likelihood.cuts.shape[1] + 1
    found = Forecasts(np.zeros(n), np.zeros(n), np.zeros((n, stars)))
    walk = Walk(batches, bins, tables, likelihood.cuts, learned or _no_user())
    walk_blocks(walk, state, found)
    return found.mean, found.square / count, found.probabilities / count


def to_learn(samples: int, width: int) -> LearnedUser:
    """Room for one user's posterior in so many samples, for `walk_users` to set."""
    blocks = padded(samples, DOUBLES) // DOUBLES
    sizes = width, width * (width + 1) // 2
    mean, covariance = (
        cache_aligned(blocks * rows, DOUBLES, np.float64).reshape(blocks, rows, DOUBLES)
        for rows in sizes
    )
    return LearnedUser(mean, covariance)


def _no_user() -> LearnedUser:
    return LearnedUser(np.empty((0, 0, DOUBLES)), np.empty((0, 0, DOUBLES)))


def _in_lanes(vectors: F32 | F64, fill: float = 0.0) -> F64:
    """Vectors (rows, samples, d) as `Tables` have them: (blocks, rows x d, 8), the rest `fill`."""
    rows, samples, width = vectors.shape
    blocks, full = padded(samples, DOUBLES) // DOUBLES, samples // DOUBLES
    table = cache_aligned(blocks * rows * width, DOUBLES, np.float64)
    lanes = table.reshape(blocks, rows, width, DOUBLES)
    whole = vectors[:, : full * DOUBLES].reshape(rows, full, DOUBLES, width)
    lanes[:full] = whole.transpose(1, 0, 3, 2)
    if full < blocks:
        lanes[full] = fill
        lanes[full, ..., : samples % DOUBLES] = vectors[:, full * DOUBLES :].transpose(0, 2, 1)
    return table.reshape(blocks, rows * width, DOUBLES)
