"""Gibbs kernels of the Bayesian factorization machine.

Reference: Rendle 2013, "Scaling factorization machines to relational data". A feature of a user
enters the user's ratings only through two sums for each user, so an iteration costs the ratings
plus the nonzeros of the users' and movies' features, not their product.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from ratecast.arrays import F64, I32
from ratecast.modelling.kernels.loops import fill


class Columns(NamedTuple):
    """Sparse features of the lines of a block, by column: feature f is starts[f]:starts[f + 1]."""

    starts: I32
    lines: I32
    values: F64


class Prior(NamedTuple):
    """Normal priors with mean 0. group: (F,) of each feature. precision: (groups,)."""

    group: I32
    precision: F64


@njit(cache=True)
def seed_kernels(seed):  # type: ignore[no-untyped-def]
    """Seed the generator that the kernels draw from: numba's, which is not numpy's."""
    np.random.seed(seed)  # noqa: NPY002 - compiled code knows no other


@njit(cache=True, fastmath=True)
def line_sums(index, inputs, precision, residual, sums):  # type: ignore[no-untyped-def]
    """For each line of a block, sum(precision x residual) and sum(precision x^2) of its ratings.

    index: (n,) line of each rating. inputs: (n,) x, the factor by which the line's total enters the
    forecast. precision: (n,) of the noise. residual: (n,). sums: (2, lines), overwritten.
    """
    for k in range(len(sums)):
        fill(sums[k], 0.0)
    for r in range(index.size):
        weighted = precision[r] * inputs[r]
        sums[0, index[r]] += weighted * residual[r]
        sums[1, index[r]] += weighted * inputs[r]


@njit(cache=True, fastmath=True)
def draw_coefficients(columns, prior, sums, coefficients, total):  # type: ignore[no-untyped-def]
    """Draw each coefficient from its normal given all others; sums and totals stay current.

    Posterior precision = prior precision + sum(v^2 sums1), mean = (sum(v sums0) + c sum(v^2 sums1))
    / precision, over the lines with the feature, v its value and c the present coefficient.

    columns: `Columns`. prior: `Prior`. sums: of `line_sums`. coefficients: (F,). total: (lines,)
    features x coefficients.
    """
    for f in range(coefficients.size):
        gradient, weight = 0.0, 0.0
        for j in range(columns.starts[f], columns.starts[f + 1]):
            line = columns.lines[j]
            gradient += columns.values[j] * sums[0, line]
            weight += columns.values[j] * columns.values[j] * sums[1, line]
        precision = prior.precision[prior.group[f]] + weight
        mean = (gradient + coefficients[f] * weight) / precision
        drawn = mean + np.random.standard_normal() / math.sqrt(precision)  # noqa: NPY002
        step = drawn - coefficients[f]
        coefficients[f] = drawn
        for j in range(columns.starts[f], columns.starts[f + 1]):
            line = columns.lines[j]
            change = columns.values[j] * step
            sums[0, line] -= change * sums[1, line]
            total[line] += change


@njit(cache=True, fastmath=True)
def update_residuals(index, inputs, step, residual):  # type: ignore[no-untyped-def]
    """Residual -= step of the line's total * x, for each rating, in place."""
    for r in range(index.size):
        residual[r] -= step[index[r]] * inputs[r]
