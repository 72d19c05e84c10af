"""EM for the covariance of movies, the offsets and the variances of `gaussian_process`."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from ratecast.arrays import F32, F64, I64

DAY = 86400
NOISE_AT_START, TIME_AT_START = 0.6, 0.05
# Prior variance of a movie's offset, and the freedom of a user's scale of deviations.
OFFSET_VARIANCE, SCALE_FREEDOM = 0.4, 5.0
_LEAST = 1e-4


class Settings(Protocol):
    """The settings of `gaussian_process` that learning needs."""

    iterations: int
    step_scale: float
    prior_damping: float
    time_scales: list[float]


@dataclass(frozen=True)
class ByUser:
    """Ratings ordered by user: user and movie rows, stars without their mean, moments: (n,)."""

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    stars: F32
    at: I64 | None

    @classmethod
    def of(
        cls, users: NDArray[np.int32], movies: NDArray[np.int32], stars: F32, at: I64 | None
    ) -> Self:
        """The same ratings, ordered by user."""
        order = np.argsort(users, kind="stable")
        return cls(users[order], movies[order], stars[order], None if at is None else at[order])

    def by_user(self) -> list[slice]:
        """The ratings of each user."""
        borders = [*np.flatnonzero(np.diff(self.users, prepend=-1)), len(self.users)]
        return [slice(a, b) for a, b in pairwise(borders)]


@dataclass
class Learned:
    """What EM learns.

    covariance: (movies, movies). offset: (movies,). variances: noise, then each time kernel.
    weights: (n,) of the history's ratings, A^-1 (stars - offset) with A their covariance.
    """

    history: ByUser
    covariance: F32
    offset: F64
    variances: F64
    weights: F32


@dataclass
class _Sums:
    """What a round gathers over users. shift: (movies, movies) sum of aa'/scale - A^-1."""

    shift: F32
    sharpness: F64
    pull: F64
    slopes: F64
    sizes: F64


def at_times(at: I64, other: I64, fading: list[float]) -> Iterator[F32]:
    """Kernels of time between two lists of moments: same moment, same day, and each fading."""
    gap = np.abs(at[:, None] - other[None, :])
    yield (gap == 0).astype(np.float32)
    yield (at[:, None] // DAY == other[None, :] // DAY).astype(np.float32)
    for seconds in fading:
        yield np.exp(gap.astype(np.float32) / np.float32(-seconds))


def learn(history: ByUser, prior: F32, settings: Settings) -> Learned:
    """Iterations of EM from covariance `prior`, which keeps the weight of `prior_damping` users."""
    kernels = 0 if history.at is None else 2 + len(settings.time_scales)
    variances = np.array([NOISE_AT_START] + [TIME_AT_START] * kernels)
    weights = np.zeros(len(history.users), np.float32)
    state = Learned(history, prior.copy(), np.zeros(len(prior)), variances, weights)
    for _ in range(settings.iterations):
        sums = _gather(state, settings)
        _step(state, sums, prior, settings)
    _gather(state, settings)
    return state


def _step(state: Learned, sums: _Sums, prior: F32, settings: Settings) -> None:
    """Move covariance, variances and offsets, `step_scale` times as far as EM does."""
    users = len(state.history.by_user())
    s, pace = state.covariance, settings.step_scale / (users + settings.prior_damping)
    change = np.float32(settings.prior_damping) * (prior - s) + s @ sums.shift @ s
    state.covariance += np.float32(pace) * change
    rise = settings.step_scale * state.variances**2 * sums.slopes / sums.sizes
    state.variances = np.maximum(state.variances + rise, _LEAST)
    state.offset += (sums.pull - state.offset / OFFSET_VARIANCE) / (
        sums.sharpness + 1 / OFFSET_VARIANCE
    )


def _gather(state: Learned, settings: Settings) -> _Sums:
    count, kinds = len(state.covariance), len(state.variances)
    shift = np.zeros((count, count), np.float32)
    sums = _Sums(shift, np.zeros(count), np.zeros(count), np.zeros(kinds), np.zeros(kinds))
    for part in state.history.by_user():
        _add_user(state, part, sums, settings.time_scales)
    return sums


def _add_user(state: Learned, part: slice, sums: _Sums, fading: list[float]) -> None:
    """Weigh one user's ratings, and add what they say of the parameters."""
    history, size = state.history, part.stop - part.start
    movies = history.movies[part]
    times = [] if history.at is None else list(at_times(history.at[part], history.at[part], fading))
    covariance = state.covariance[np.ix_(movies, movies)]
    covariance.flat[:: size + 1] += np.float32(state.variances[0])
    for value, kernel in zip(state.variances[1:], times, strict=True):
        covariance += np.float32(value) * kernel
    inverse = _inverse(covariance)
    residual = history.stars[part] - state.offset[movies].astype(np.float32)
    weights = inverse @ residual
    state.weights[part] = weights
    scale = (SCALE_FREEDOM + float(residual @ weights)) / (SCALE_FREEDOM + size)
    shift = np.asarray(np.outer(weights, weights) / scale - inverse, np.float32)
    _scatter(sums, movies, (shift, weights / scale, inverse.diagonal() / scale))
    sums.slopes += [shift.trace(), *((shift * kernel).sum() for kernel in times)]
    sums.sizes += _sizes(history, part, len(fading))


def _scatter(
    sums: _Sums, movies: NDArray[np.int32], said: tuple[NDArray[np.floating], ...]
) -> None:
    # A user may have rated a movie twice, so that plain indexing would lose a rating's share.
    shift, pull, sharpness = said
    if len(np.unique(movies)) == len(movies):
        sums.shift[np.ix_(movies, movies)] += shift
    else:
        np.add.at(sums.shift, np.ix_(movies, movies), shift)
    np.add.at(sums.pull, movies, pull)
    np.add.at(sums.sharpness, movies, sharpness)


def _sizes(history: ByUser, part: slice, fadings: int) -> list[int]:
    """How many independent values each kind of variance has drawn for a user."""
    size = part.stop - part.start
    if history.at is None:
        return [size]
    at = history.at[part]
    return [size, len(np.unique(at)), len(np.unique(at // DAY)), *[size] * fadings]


def _inverse(covariance: F32) -> F32:
    factor, failed = lapack.spotrf(covariance, lower=1, overwrite_a=1)
    if failed:
        about = "the covariance of a user's ratings is not positive definite"
        raise FloatingPointError(f"gaussian_process: {about}")
    half, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    lower = np.tril(half)
    whole: F32 = lower + np.tril(half, -1).T
    return whole
