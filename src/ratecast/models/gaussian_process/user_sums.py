"""Kernels of EM: the covariance of one user's ratings, and what the user adds to the sums.

Ratings stand in order of time, so a kernel of time is a band beside the diagonal: same second and
same day are runs of rows, and exp(-gap / scale) of a row is that of the row before times a number.
Only the lower triangle of a symmetric matrix is read and written.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, F64, I32, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import fill

DAY = 86400
# Scales after which exp(-gap / scale) counts as 0: far below what single precision holds beside 1.
_REACH = 25.0


class TimeBands(NamedTuple):
    """Kernels of time of the ratings of all users, each user's in order of time.

    second, day, reach: (n,), (n,) and (scales, n), first row of the same user in the same second,
    on the same day, and at most `_REACH` scales ago. ratios: (scales, n), exp(-gap / scale) of the
    row and the one before, 0 for a user's first. All are empty without times.
    """

    second: I64
    day: I64
    reach: I64
    ratios: F32

    @classmethod
    def of(cls, users: I32, times: I64 | None, scales: list[float]) -> "TimeBands":
        """For rows in order of user and time, (n,) each."""
        if times is None:
            none = np.empty(0, np.int64)
            return cls(none, none, none.reshape(0, 0), np.empty((0, 0), np.float32))
        new = np.diff(users, prepend=-1) != 0
        days, gaps = times // DAY, np.diff(times, prepend=0)
        reach = np.empty((len(scales), len(times)), np.int64)
        ratios = np.zeros((len(scales), len(times)), np.float32)
        edges = [*np.flatnonzero(new).tolist(), len(times)]
        for k, scale in enumerate(scales):
            ratios[k, ~new] = np.exp(-gaps[~new] / scale)
            for start, stop in pairwise(edges):
                own = times[start:stop]
                reach[k, start:stop] = start + np.searchsorted(own, own - _REACH * scale)
        second = _first(new | (np.diff(times, prepend=0) != 0))
        return cls(second, _first(new | (np.diff(days, prepend=0) != 0)), reach, ratios)

    def runs(self) -> tuple[int, int]:
        """How many seconds and how many days the users have ratings in."""
        row = np.arange(len(self.second))
        return int((self.second == row).sum()), int((self.day == row).sum())


class UserRows(NamedTuple):
    """The ratings of all users. movies: (n,). residuals: (n,) float32. bands: their times."""

    movies: I32
    residuals: F32
    bands: TimeBands


class UserSums(NamedTuple):
    """Sums over users in one iteration.

    gradient: (movies, movies) whose sum with its transpose is the sum of aa'/scale - A^-1.
    precision: (movies,) of the diagonal of A^-1 / scale. weight: (movies,) of a / scale.
    variances: of (aa'/scale - A^-1) x kernel, for noise and each time kernel.
    """

    gradient: F32
    precision: F64
    weight: F64
    variances: F64


def _first(new: NDArray[np.bool_]) -> I64:
    """The last row up to each at which a run begins. new: (n,) bool."""
    first: I64 = np.flatnonzero(new)[np.cumsum(new) - 1]
    return first


@njit(cache=True, fastmath=True)
def _decay(ratio, own):  # type: ignore[no-untyped-def]
    """Move a kernel exp(-gap / scale) from one row to the next. own: its row, up to that one."""
    for i in range(len(own) - 1):
        own[i] *= ratio
    own[-1] = 1.0


@njit(cache=True, fastmath=True)
def _add(number, into):  # type: ignore[no-untyped-def]
    for i in range(len(into)):
        into[i] += number


@njit(cache=True, fastmath=True)
def _add_product(number, first, into):  # type: ignore[no-untyped-def]
    for i in range(len(into)):
        into[i] += number * first[i]


@njit(cache=True, fastmath=True)
def _dot(first, second):  # type: ignore[no-untyped-def]
    total = np.float32(0.0)
    for i in range(len(first)):
        total += first[i] * second[i]
    return total


@njit(cache=True, fastmath=True)
def _sum(numbers):  # type: ignore[no-untyped-def]
    total = np.float32(0.0)
    for i in range(len(numbers)):
        total += numbers[i]
    return total


@njit(cache=True, fastmath=True)
def _gather(line, movies, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = line[movies[i]]


@njit(cache=True)
def fill_covariance(part, rows, covariance, variances, out):  # type: ignore[no-untyped-def]
    """Set the lower triangle of `out` (n, n) to A = S of the movies + time kernels + noise I.

    part: first row of the user, and the row after the last. rows: `UserRows`. covariance: S.
    variances: float32, noise, then each time kernel.
    """
    start, own, bands = part[0], rows.movies[part[0] : part[1]], rows.bands
    decays = np.empty((len(bands.ratios), len(own)), np.float32)
    for j in range(len(own)):
        row, line = start + j, out[j, : j + 1]
        _gather(covariance[own[j]], own, line)
        line[j] += variances[0]
        if len(variances) > 1:
            _add(variances[1], line[bands.second[row] - start :])
            _add(variances[2], line[bands.day[row] - start :])
        for k in range(len(decays)):
            near = decays[k, bands.reach[k, row] - start : j + 1]
            _decay(bands.ratios[k, row], near)
            _add_product(variances[3 + k], near, line[bands.reach[k, row] - start :])


@njit(cache=True)
def _times_vector(lower, vector, out):  # type: ignore[no-untyped-def]
    """Set `out` (n,) to a symmetric matrix times a vector; lower: its lower triangle."""
    fill(out, np.float32(0.0))
    for j in range(len(vector)):
        _add_product(vector[j], lower[j, :j], out[:j])
        out[j] += _dot(lower[j, : j + 1], vector[: j + 1])


@njit(cache=True, fastmath=True)
def _gradient_line(weight, weights, line, out):  # type: ignore[no-untyped-def]
    for i in range(len(out)):
        out[i] = weight * weights[i] - line[i]


@njit(cache=True, fastmath=True)
def _scatter(numbers, movies, line):  # type: ignore[no-untyped-def]
    for i in range(len(numbers)):
        line[movies[i]] += numbers[i]


@njit(cache=True)
def add_user(part, rows, inverse, freedom, sums):  # type: ignore[no-untyped-def]
    """Add one user to the sums.

    a = A^-1 r, scale = (freedom + r' a) / (freedom + n)

    part, rows: as in `fill_covariance`. inverse: (n, n), whose lower triangle is that of A^-1.
    freedom: degrees of freedom of the scale. sums: `UserSums`.
    """
    start, own, bands = part[0], rows.movies[part[0] : part[1]], rows.bands
    residual, size = rows.residuals[part[0] : part[1]], part[1] - part[0]
    weights, gradient = np.empty(size, np.float32), np.empty(size, np.float32)
    decays = np.empty((len(bands.ratios), size), np.float32)
    _times_vector(inverse, residual, weights)
    scale = (freedom + _dot(residual, weights)) / (freedom + size)
    for j in range(size):
        row, line, before = start + j, gradient[: j + 1], gradient[:j]
        _gradient_line(np.float32(weights[j] / scale), weights, inverse[j], line)
        _scatter(before, own, sums.gradient[own[j]])
        diagonal = line[j]
        # Half, because the sum is added to its own transpose.
        sums.gradient[own[j], own[j]] += diagonal / 2
        sums.precision[own[j]] += inverse[j, j] / scale
        sums.weight[own[j]] += weights[j] / scale
        sums.variances[0] += diagonal
        if len(sums.variances) > 1:
            sums.variances[1] += diagonal + 2 * _sum(before[bands.second[row] - start :])
            sums.variances[2] += diagonal + 2 * _sum(before[bands.day[row] - start :])
        for k in range(len(decays)):
            first = bands.reach[k, row] - start
            near = decays[k, first : j + 1]
            _decay(bands.ratios[k, row], near)
            sums.variances[3 + k] += diagonal + 2 * _dot(before[first:], near)
