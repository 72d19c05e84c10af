"""Gibbs kernels of the Bayesian factorization machine.

Reference: Rendle 2013, "Scaling factorization machines to relational data". A feature of a user
enters the user's ratings only through two sums for each user, so an iteration costs the ratings
plus the nonzeros of the users' and movies' features, not their product.
"""

import math
from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I32
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import add, fill


class Columns(NamedTuple):
    """Sparse features of the lines of a block, by column: feature f is starts[f]:starts[f + 1]."""

    starts: I32
    lines: I32
    values: F64


class Prior(NamedTuple):
    """Normal priors with mean 0. group: (F,) of each feature. precision: (groups,)."""

    group: I32
    precision: F64


class Side(NamedTuple):
    """A block's features and state.

    group: (F,) of each feature. lines: (n,) line of each rating. precision: (1 + factors, groups).
    coefficients: (1 + factors, F). total: (1 + factors, lines). sums: (2, lines), overwritten.
    """

    columns: Columns
    group: I32
    lines: I32
    precision: F64
    coefficients: F64
    total: F64
    sums: F64


@njit(cache=True)
def seed_kernels(seed):  # type: ignore[no-untyped-def]
    """Seed the generator that the kernels draw from: numba's, which each thread has its own of."""
    np.random.seed(seed)  # noqa: NPY002 - compiled code knows no other


@njit(cache=True, fastmath=True)
def line_sums(index, inputs, precision, residual, sums):  # type: ignore[no-untyped-def]
    """For each line of a block, sum(precision x residual) and sum(precision x^2) of its ratings.

    index: (n,) line of each rating. inputs: (n,) x, the factor by which the line's total enters the
    forecast. precision: (n,) of the noise. residual: (n,). sums: (2, lines), overwritten.
    """
    for k in range(len(sums)):
        fill(sums[k], 0.0)
    if index.size == 0:
        return
    # Ratings of one line follow each other: their sum waits in a register, not in memory.
    line, first, second = index[0], 0.0, 0.0
    for r in range(index.size):
        if index[r] != line:
            sums[0, line] += first
            sums[1, line] += second
            line, first, second = index[r], 0.0, 0.0
        weighted = precision[r] * inputs[r]
        first += weighted * residual[r]
        second += weighted * inputs[r]
    sums[0, line] += first
    sums[1, line] += second


@njit(cache=True, fastmath=True)
def draw_coefficients(columns, prior, sums, coefficients, total):  # type: ignore[no-untyped-def]
    """Draw each coefficient from its normal given all others; sums and totals stay current.

    Posterior precision = prior precision + sum(v^2 sums1), mean = (sum(v sums0) + c sum(v^2 sums1))
    / precision, over the lines with the feature, v its value and c the present coefficient.

    columns: `Columns`. prior: `Prior`. sums: of `line_sums`. coefficients: (F,). total: (lines,)
    features x coefficients.
    """
    residuals, weights = sums[0], sums[1]
    for f in range(coefficients.size):
        start, stop = columns.starts[f], columns.starts[f + 1]
        gradient, weight = 0.0, 0.0
        for j in range(start, stop):
            line, value = columns.lines[j], columns.values[j]
            gradient += value * residuals[line]
            weight += value * value * weights[line]
        precision = prior.precision[prior.group[f]] + weight
        mean = (gradient + coefficients[f] * weight) / precision
        drawn = mean + np.random.standard_normal() / math.sqrt(precision)  # noqa: NPY002
        step = drawn - coefficients[f]
        coefficients[f] = drawn
        for j in range(start, stop):
            line, change = columns.lines[j], columns.values[j] * step
            residuals[line] -= change * weights[line]
            total[line] += change


@njit(cache=True, fastmath=True)
def update_residuals(index, inputs, step, residual):  # type: ignore[no-untyped-def]
    """Residual -= step of the line's total * x, for each rating, in place."""
    for r in range(index.size):
        residual[r] -= step[index[r]] * inputs[r]


@njit(cache=True, nogil=True)
def draw_factor(k, side, inputs, precision, residual):  # type: ignore[no-untyped-def]
    """Draw row `k` of a side's coefficients; the residuals are updated in place.

    side: `Side`. inputs, precision, residual: (n,) as in `line_sums`.
    """
    step = -side.total[k]
    line_sums(side.lines, inputs, precision, residual, side.sums)
    prior = Prior(side.group, side.precision[k])
    draw_coefficients(side.columns, prior, side.sums, side.coefficients[k], side.total[k])
    add(step, side.total[k])
    update_residuals(side.lines, inputs, step, residual)


@njit(cache=True, nogil=True)
def draw_factors(user, movie, precision, residual):  # type: ignore[no-untyped-def]
    """Draw every factor of both sides in turn; the ratings of a user follow each other.

    In one call, and with one loop over the ratings a draw: it takes the last draw out of the
    residuals and sums up for the next. Called factor by factor, a small table takes twice as long.

    user, movie: `Side`. precision, residual: (n,).
    """
    # What the last draw changed: at first nothing.
    step = np.zeros_like(movie.total[0])
    for k in range(1, len(user.total)):
        former = k - 1 if k > 1 else k
        _sum_for_users(user, movie, (step, user.total[former], movie.total[k]), precision, residual)
        step = _draw(k, user)
        former_inputs = movie.total[k]
        _sum_for_movies(user, movie, (step, former_inputs, user.total[k]), precision, residual)
        step = _draw(k, movie)
    last = user.total[len(user.total) - 1]
    for r in range(residual.size):
        residual[r] -= step[movie.lines[r]] * last[user.lines[r]]


@njit(cache=True)
def _draw(k, side):  # type: ignore[no-untyped-def]
    """Draw row `k` of the coefficients from the sums; the change of the total, (lines,)."""
    step = -side.total[k]
    prior = Prior(side.group, side.precision[k])
    draw_coefficients(side.columns, prior, side.sums, side.coefficients[k], side.total[k])
    add(step, side.total[k])
    return step


@njit(cache=True, fastmath=True)
def _sum_for_users(user, movie, factors, precision, residual):  # type: ignore[no-untyped-def]
    """Take the movies' last draw out of the residuals, then do as `line_sums` does for users.

    factors: change of the movies' totals, the users' totals that it was multiplied by, and the
    movies' totals that the users' next ones are multiplied by.
    """
    (step, former, inputs), sums = factors, user.sums
    for k in range(len(sums)):
        fill(sums[k], 0.0)
    if residual.size == 0:
        return
    line, first, second = user.lines[0], 0.0, 0.0
    for r in range(residual.size):
        if user.lines[r] != line:
            sums[0, line] += first
            sums[1, line] += second
            line, first, second = user.lines[r], 0.0, 0.0
        other = movie.lines[r]
        residual[r] -= step[other] * former[line]
        weighted = precision[r] * inputs[other]
        first += weighted * residual[r]
        second += weighted * inputs[other]
    sums[0, line] += first
    sums[1, line] += second


@njit(cache=True, fastmath=True)
def _sum_for_movies(user, movie, factors, precision, residual):  # type: ignore[no-untyped-def]
    """The same for movies, after a draw of users. factors: as above, with the sides changed."""
    (step, former, inputs), sums = factors, movie.sums
    for k in range(len(sums)):
        fill(sums[k], 0.0)
    for r in range(residual.size):
        own, line = user.lines[r], movie.lines[r]
        residual[r] -= step[own] * former[line]
        weighted = precision[r] * inputs[own]
        sums[0, line] += weighted * residual[r]
        sums[1, line] += weighted * inputs[own]


@njit(cache=True)
def group_squares(coefficients, group, squares):  # type: ignore[no-untyped-def]
    """Set squares (1 + factors, groups) to the sum of squares of each group's coefficients."""
    for k in range(len(squares)):
        fill(squares[k], 0.0)
        for f in range(group.size):
            squares[k, group[f]] += coefficients[k, f] * coefficients[k, f]
