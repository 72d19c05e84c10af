"""EM for the movies' covariance, the movies' offsets and the variances of `gaussian_process`.

A = S of the user's movies + time kernels + noise is the covariance of one user's ratings, r their
residuals. With a = A^-1 r, EM moves S by S (sum over users of aa'/scale - A^-1) S / users; scale
is the user's own, as in a Student-t process.
Reference: Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process kernels via hierarchical Bayes".
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from scipy.linalg import lapack

from ratecast.arrays import F32, F64, I32, I64
from ratecast.models.gaussian_process.user_sums import (
    TimeBands,
    UserRows,
    UserSums,
    add_user,
    fill_covariance,
)

NOISE_AT_START, TIME_AT_START = 0.6, 0.05
# Prior variance of a movie's offset, and degrees of freedom of a user's scale.
OFFSET_VARIANCE, SCALE_FREEDOM = 0.4, 5.0
_MIN_VARIANCE = 1e-4
# Shorter steps are no remedy.
_SHORTEST = 0.1


class Settings(Protocol):
    """The settings of `gaussian_process` that EM needs."""

    iterations: int
    step_scale: float
    prior_damping: float
    time_scales: list[float]


@dataclass(frozen=True)
class RatingsByUser:
    """Ratings ordered by user and, where times are known, by time: (n,) each.

    users, movies: numbers, 0 the first movie. stars: centred. times: UTC seconds, None without.
    """

    users: I32
    movies: I32
    stars: F32
    times: I64 | None

    @classmethod
    def of(cls, users: I32, movies: I32, stars: F32, times: I64 | None) -> Self:
        """From ratings in any order; those of a user in one second keep their order."""
        order = np.argsort(users, kind="stable") if times is None else np.lexsort((times, users))
        return cls(
            users[order], movies[order], stars[order], None if times is None else times[order]
        )

    def by_user(self) -> list[slice]:
        """The rows of each user."""
        borders = [*np.flatnonzero(np.diff(self.users, prepend=-1)), len(self.users)]
        return [slice(int(a), int(b)) for a, b in pairwise(borders)]


@dataclass
class EMState:
    """What EM learns.

    covariance: (movies, movies), S. offset: (movies,) stars. variances: noise, then each time
    kernel, stars².
    """

    covariance: F32
    offset: F64
    variances: F64


@dataclass(frozen=True)
class _Problem:
    """What does not change in EM.

    parts: rows of each user. counts: how many independent values each variance has. room: for the
    covariance of any user's ratings.
    """

    ratings: RatingsByUser
    prior: F32
    settings: Settings
    parts: list[slice]
    bands: TimeBands
    counts: F64
    room: F32

    @classmethod
    def of(cls, ratings: RatingsByUser, prior: F32, settings: Settings) -> Self:
        parts = ratings.by_user()
        bands = TimeBands.of(ratings.users, ratings.times, settings.time_scales)
        rows, counts = len(ratings.users), [len(ratings.users)]
        if ratings.times is not None:
            counts += [*bands.runs(), *[rows] * len(settings.time_scales)]
        longest = max((part.stop - part.start for part in parts), default=0)
        room = np.empty(longest**2, np.float32)
        return cls(ratings, prior, settings, parts, bands, np.array(counts, np.float64), room)


def fit_em(ratings: RatingsByUser, prior: F32, settings: Settings) -> EMState:
    """Run EM from the covariance `prior`, which keeps the weight of `prior_damping` users."""
    problem = _Problem.of(ratings, prior, settings)
    variances = np.full(len(problem.counts), TIME_AT_START)
    variances[0] = NOISE_AT_START
    state = EMState(prior, np.zeros(len(prior)), variances)
    if not settings.iterations:
        return state
    sums, scale = _expectation(problem, state), settings.step_scale
    for left in reversed(range(settings.iterations)):
        state, sums, scale = _next(problem, state, sums, scale, is_last=not left)
    return state


def _next(
    problem: _Problem, state: EMState, sums: UserSums, scale: float, *, is_last: bool
) -> tuple[EMState, UserSums, float]:
    """One iteration, and the sums after it; with half of the step where it went too far.

    EM's own step keeps a covariance positive definite, a longer one may not. is_last: the sums are
    not needed.
    """
    while True:
        moved = _maximization(problem, state, sums, scale)
        try:
            if is_last:
                _check(problem, moved)
                return moved, sums, scale
            return moved, _expectation(problem, moved), scale
        except FloatingPointError:
            if scale < _SHORTEST:
                raise
            scale /= 2


def _maximization(problem: _Problem, state: EMState, sums: UserSums, scale: float) -> EMState:
    """Covariance and variances moved `scale` times as far as EM does, and the fitted offsets."""
    damping, s = problem.settings.prior_damping, state.covariance
    step = scale / (len(problem.parts) + damping)
    # S + step (damping (prior - S) + S G S), in place: the matrices are the largest there are.
    covariance = s @ (sums.gradient + sums.gradient.T) @ s
    covariance *= np.float32(step)
    covariance += np.float32(1 - step * damping) * s
    covariance += np.float32(step * damping) * problem.prior
    rise = scale * state.variances**2 * sums.variances / problem.counts
    offset = (sums.weight - state.offset / OFFSET_VARIANCE) / (sums.precision + 1 / OFFSET_VARIANCE)
    variances = np.maximum(state.variances + rise, _MIN_VARIANCE)
    return EMState(covariance, state.offset + offset, variances)


def _expectation(problem: _Problem, state: EMState) -> UserSums:
    """The sums over all users."""
    count, ratings = len(state.covariance), problem.ratings
    zeros = np.zeros(count), np.zeros(count), np.zeros(len(state.variances))
    sums = UserSums(np.zeros((count, count), np.float32), *zeros)
    residuals = ratings.stars - state.offset[ratings.movies].astype(np.float32)
    rows = UserRows(ratings.movies, residuals, problem.bands)
    for part in problem.parts:
        factor = _factor(problem, rows, state, part)
        # LAPACK reads by column, so its upper triangle is the lower one here.
        inverse = lapack.spotri(factor.T, lower=0, overwrite_c=1)[0].T
        add_user((part.start, part.stop), rows, inverse, SCALE_FREEDOM, sums)
    return sums


def _check(problem: _Problem, state: EMState) -> None:
    """Raise `FloatingPointError` where a user's covariance is not positive definite."""
    rows = UserRows(problem.ratings.movies, problem.ratings.stars, problem.bands)
    for part in problem.parts:
        _factor(problem, rows, state, part)


def _factor(problem: _Problem, rows: UserRows, state: EMState, part: slice) -> F32:
    """The Cholesky factor of the covariance of one user's ratings, in the lower triangle."""
    size = part.stop - part.start
    covariance = problem.room[: size * size].reshape(size, size)
    edges, variances = (part.start, part.stop), state.variances.astype(np.float32)
    fill_covariance(edges, rows, state.covariance, variances, covariance)
    factor, failed = lapack.spotrf(covariance.T, lower=0, clean=0, overwrite_a=1)
    if failed:
        about = "the covariance of a user's ratings is not positive definite"
        raise FloatingPointError(f"gaussian_process: {about}")
    lower: F32 = factor.T
    return lower
