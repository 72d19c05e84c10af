"""EM for the movies' covariance, the movies' offsets and the variances of `gaussian_process`.

A = S of the user's movies + time kernels + noise is the covariance of one user's ratings, r their
residuals. With a = A^-1 r, EM moves S by S (sum over users of aa'/scale - A^-1) S / users; scale
is the user's own, as in a Student-t process.
Reference: Schwaighofer, Tresp, Yu 2005, "Learning Gaussian process kernels via hierarchical Bayes".
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from scipy.linalg import lapack

from ratecast.arrays import F32, F64, I32, I64

DAY = 86400
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
    """Ratings ordered by user, (n,) each.

    users, movies: numbers, 0 the first movie. stars: centred. times: UTC seconds, None without.
    """

    users: I32
    movies: I32
    stars: F32
    times: I64 | None

    @classmethod
    def of(cls, users: I32, movies: I32, stars: F32, times: I64 | None) -> Self:
        """From ratings in any order; those of a user keep their order."""
        order = np.argsort(users, kind="stable")
        return cls(
            users[order], movies[order], stars[order], None if times is None else times[order]
        )

    def by_user(self) -> list[slice]:
        """The rows of each user."""
        borders = [*np.flatnonzero(np.diff(self.users, prepend=-1)), len(self.users)]
        return [slice(a, b) for a, b in pairwise(borders)]


@dataclass
class EMState:
    """What EM learns.

    covariance: (movies, movies), S. offset: (movies,) stars. variances: noise, then each time
    kernel, stars². weights: (n,) of the ratings, a = A^-1 (stars - offset).
    """

    ratings: RatingsByUser
    covariance: F32
    offset: F64
    variances: F64
    weights: F32


@dataclass
class _Sums:
    """Sums over users in one iteration.

    gradient: (movies, movies) of aa'/scale - A^-1. precision: (movies,) of the diagonal of
    A^-1 / scale. weight: (movies,) of a / scale. variance_gradient: of noise and each time kernel.
    counts: how many independent values each of these variances has.
    """

    gradient: F32
    precision: F64
    weight: F64
    variance_gradient: F64
    counts: F64


def time_kernels(times: I64, others: I64, scales: list[float]) -> Iterator[F32]:
    """Kernels (n, m) between times: same second, same day, exp(-gap / scale) for each scale."""
    gap = np.abs(times[:, None] - others[None, :])
    yield (gap == 0).astype(np.float32)
    yield (times[:, None] // DAY == others[None, :] // DAY).astype(np.float32)
    for seconds in scales:
        yield np.exp(gap.astype(np.float32) / np.float32(-seconds))


def fit_em(ratings: RatingsByUser, prior: F32, settings: Settings) -> EMState:
    """Run EM from the covariance `prior`, which keeps the weight of `prior_damping` users."""
    kernels = 0 if ratings.times is None else 2 + len(settings.time_scales)
    variances = np.array([NOISE_AT_START] + [TIME_AT_START] * kernels)
    weights = np.zeros(len(ratings.users), np.float32)
    state = EMState(ratings, prior, np.zeros(len(prior)), variances, weights)
    sums, scale = _expectation(state, settings), settings.step_scale
    for _ in range(settings.iterations):
        state, sums, scale = _next(state, sums, prior, settings, scale)
    return state


def _next(
    state: EMState, sums: _Sums, prior: F32, settings: Settings, scale: float
) -> tuple[EMState, _Sums, float]:
    """One iteration, and the sums after it; with half of the step where it went too far.

    EM's own step keeps a covariance positive definite, a longer one may not.
    """
    while True:
        moved = _maximization(state, sums, prior, settings, scale)
        try:
            return moved, _expectation(moved, settings), scale
        except FloatingPointError:
            if scale < _SHORTEST:
                raise
            scale /= 2


def _maximization(
    state: EMState, sums: _Sums, prior: F32, settings: Settings, scale: float
) -> EMState:
    """Covariance and variances moved `scale` times as far as EM does, and the fitted offsets."""
    users = len(state.ratings.by_user())
    s, step = state.covariance, scale / (users + settings.prior_damping)
    covariance = s.copy()
    covariance += np.float32(step) * (
        np.float32(settings.prior_damping) * (prior - s) + s @ sums.gradient @ s
    )
    rise = scale * state.variances**2 * sums.variance_gradient / sums.counts
    offset = (sums.weight - state.offset / OFFSET_VARIANCE) / (sums.precision + 1 / OFFSET_VARIANCE)
    return replace(
        state,
        covariance=covariance,
        variances=np.maximum(state.variances + rise, _MIN_VARIANCE),
        offset=state.offset + offset,
        weights=np.zeros_like(state.weights),
    )


def _expectation(state: EMState, settings: Settings) -> _Sums:
    count, kinds = len(state.covariance), len(state.variances)
    gradient = np.zeros((count, count), np.float32)
    sums = _Sums(gradient, np.zeros(count), np.zeros(count), np.zeros(kinds), np.zeros(kinds))
    for part in state.ratings.by_user():
        _add_user(state, part, sums, settings.time_scales)
    return sums


def _add_user(state: EMState, part: slice, sums: _Sums, scales: list[float]) -> None:
    """Compute the weights of one user's ratings, and add the user to the sums."""
    ratings, size = state.ratings, part.stop - part.start
    movies = ratings.movies[part]
    kernels: list[F32] = []
    if ratings.times is not None:
        kernels = list(time_kernels(ratings.times[part], ratings.times[part], scales))
    # A = S + noise I + time kernels
    covariance = state.covariance[np.ix_(movies, movies)]
    covariance.flat[:: size + 1] += np.float32(state.variances[0])
    for value, kernel in zip(state.variances[1:], kernels, strict=True):
        covariance += np.float32(value) * kernel
    inverse = _inverse(covariance)
    # a = A^-1 r, scale = (freedom + r' A^-1 r) / (freedom + n)
    residual = ratings.stars[part] - state.offset[movies].astype(np.float32)
    weights = inverse @ residual
    state.weights[part] = weights
    scale = (SCALE_FREEDOM + float(residual @ weights)) / (SCALE_FREEDOM + size)
    gradient = np.asarray(np.outer(weights, weights) / scale - inverse, np.float32)
    _scatter(sums, movies, gradient, weights / scale, inverse.diagonal() / scale)
    sums.variance_gradient += [
        gradient.trace(),
        *((gradient * kernel).sum() for kernel in kernels),
    ]
    sums.counts += _variance_counts(ratings, part, len(scales))


def _scatter(sums: _Sums, movies: I32, gradient: F32, weight: F32, precision: F32) -> None:
    # A user may have rated a movie twice; plain indexing would then lose one rating's part.
    if len(np.unique(movies)) == len(movies):
        sums.gradient[np.ix_(movies, movies)] += gradient
    else:
        np.add.at(sums.gradient, np.ix_(movies, movies), gradient)
    np.add.at(sums.weight, movies, weight)
    np.add.at(sums.precision, movies, precision)


def _variance_counts(ratings: RatingsByUser, part: slice, scales: int) -> list[int]:
    """How many independent values of one user each variance has: noise, then time kernels."""
    size = part.stop - part.start
    if ratings.times is None:
        return [size]
    times = ratings.times[part]
    return [size, len(np.unique(times)), len(np.unique(times // DAY)), *[size] * scales]


def _inverse(covariance: F32) -> F32:
    factor, failed = lapack.spotrf(covariance, lower=1, overwrite_a=1)
    if failed:
        about = "the covariance of a user's ratings is not positive definite"
        raise FloatingPointError(f"gaussian_process: {about}")
    half, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(half)
    whole: F32 = lower + np.tril(half, -1).T
    return whole
