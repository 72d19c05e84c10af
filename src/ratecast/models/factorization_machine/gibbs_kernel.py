"""Gibbs kernels of the Bayesian factorization machine: four chains side by side, each a lane.

The chains have the same ratings and features, so one look at an index serves all of them. Tables
are (rows, 4), see `lanes`; a chain that is not there has zeros.
Reference: Rendle 2013, "Scaling factorization machines to relational data". A feature of a user
enters the user's ratings only through two sums for each user, so an iteration costs the ratings
plus the nonzeros of the users' and movies' features, not their product.
"""

from typing import NamedTuple

from ratecast.arrays import F64, I32
from ratecast.compiled import njit
from ratecast.lanes import divide, load_four, plus, repeated_four, root, store, times, times_plus


class Columns(NamedTuple):
    """Sparse features of the lines of a block, by column: feature f is starts[f]:starts[f + 1]."""

    starts: I32
    lines: I32
    values: F64


class Side(NamedTuple):
    """A block's features and state.

    group: (F,) of each feature. lines: (n,) line of each rating. precision: (1 + factors, groups,
    4) of the priors, whose means are 0. coefficients: (1 + factors, F, 4). total: (1 + factors,
    lines, 4), features x coefficients. sums: (lines, 8), for each line sum(precision x residual)
    and sum(precision x^2) of its ratings, overwritten, where x is the factor by which the line's
    total enters the forecast. step: (lines, 4), what the last draw took from the total. normals:
    (F, 4), standard normal, for one draw.
    """

    columns: Columns
    group: I32
    lines: I32
    precision: F64
    coefficients: F64
    total: F64
    sums: F64
    step: F64
    normals: F64


class Ratings(NamedTuple):
    """Noise precision and residual of each rating: (n, 4) each."""

    precision: F64
    residual: F64


@njit(cache=True)
def clear(table):  # type: ignore[no-untyped-def]
    """Set a table, of any width that four divides, to 0."""
    for row in range(len(table)):
        for k in range(0, table.shape[1], 4):
            store(table, row, k, repeated_four(0.0))


@njit(cache=True)
def _add_to(sums, line, weighted, residual, inputs):  # type: ignore[no-untyped-def]
    """Add a rating's, or a line's part, to the sums of a line."""
    store(sums, line, 0, times_plus(weighted, residual, load_four(sums, line, 0)))
    store(sums, line, 4, times_plus(weighted, inputs, load_four(sums, line, 4)))


@njit(cache=True)
def draw_coefficients(k, side):  # type: ignore[no-untyped-def]
    """Draw row `k` of the coefficients from `sums`, each given all others; totals stay current.

    Posterior precision = prior precision + sum(v^2 sums1), mean = (sum(v sums0) + c sum(v^2 sums1))
    / precision, over the lines with the feature, v its value and c the present coefficient.
    """
    (starts, lines, values), sums = side.columns, side.sums
    coefficients, total, priors = side.coefficients[k], side.total[k], side.precision[k]
    one, minus = repeated_four(1.0), repeated_four(-1.0)
    for line in range(len(total)):
        store(side.step, line, 0, load_four(total, line, 0))
    for f in range(len(coefficients)):
        start, stop = starts[f], starts[f + 1]
        gradient, weight = repeated_four(0.0), load_four(priors, side.group[f], 0)
        prior = weight
        for j in range(start, stop):
            line, value = lines[j], repeated_four(values[j])
            gradient = times_plus(value, load_four(sums, line, 0), gradient)
            weight = times_plus(times(value, value), load_four(sums, line, 4), weight)
        # drawn - c = (gradient - c prior) / precision + normal / sqrt(precision)
        present = load_four(coefficients, f, 0)
        random = divide(load_four(side.normals, f, 0), root(weight))
        slope = times_plus(times(minus, present), prior, gradient)
        step = times_plus(slope, divide(one, weight), random)
        store(coefficients, f, 0, plus(present, step))
        for j in range(start, stop):
            line, change = lines[j], times(step, repeated_four(values[j]))
            store(total, line, 0, plus(load_four(total, line, 0), change))
            weighted = times(change, load_four(sums, line, 4))
            store(sums, line, 0, times_plus(weighted, minus, load_four(sums, line, 0)))
    for line in range(len(total)):
        now = load_four(total, line, 0)
        store(side.step, line, 0, times_plus(now, minus, load_four(side.step, line, 0)))


@njit(cache=True, nogil=True)
def draw_linear(side, ratings):  # type: ignore[no-untyped-def]
    """Draw row 0 of a side's coefficients, the linear terms; the residuals are updated in place."""
    (precision, residual), lines, one = ratings, side.lines, repeated_four(1.0)
    clear(side.sums)
    first = 0
    while first < len(lines):
        # Ratings of one line mostly follow each other: their sum waits in a register.
        r, line = first, lines[first]
        gradient, weight = repeated_four(0.0), repeated_four(0.0)
        while r < len(lines) and lines[r] == line:
            weighted = load_four(precision, r, 0)
            gradient = times_plus(weighted, load_four(residual, r, 0), gradient)
            weight = plus(weight, weighted)
            r += 1
        _add_to(side.sums, line, one, gradient, weight)
        first = r
    draw_coefficients(0, side)
    for r in range(len(lines)):
        step = load_four(side.step, lines[r], 0)
        store(residual, r, 0, plus(load_four(residual, r, 0), step))


@njit(cache=True, nogil=True)
def draw_runs(side, ratings):  # type: ignore[no-untyped-def]
    """As `draw_linear`, where each line is a feature, and its ratings follow each other, in order.

    One loop over the ratings, of which those of one line are still in the nearest cache.
    """
    (precision, residual), lines, first = ratings, side.lines, 0
    coefficients, priors = side.coefficients[0], side.precision[0]
    one, minus = repeated_four(1.0), repeated_four(-1.0)
    while first < len(lines):
        r, f = first, lines[first]
        gradient, prior = repeated_four(0.0), load_four(priors, side.group[f], 0)
        weight = prior
        while r < len(lines) and lines[r] == f:
            now = load_four(precision, r, 0)
            gradient = times_plus(now, load_four(residual, r, 0), gradient)
            weight = plus(weight, now)
            r += 1
        present = load_four(coefficients, f, 0)
        random = divide(load_four(side.normals, f, 0), root(weight))
        slope = times_plus(times(minus, present), prior, gradient)
        step = times_plus(slope, divide(one, weight), random)
        store(coefficients, f, 0, plus(present, step))
        store(side.total[0], f, 0, plus(present, step))
        for i in range(first, r):
            store(residual, i, 0, times_plus(step, minus, load_four(residual, i, 0)))
        first = r


@njit(cache=True, nogil=True)
def draw_for_users(k, user, movie, ratings):  # type: ignore[no-untyped-def]
    """Draw factor `k` of the users; the ratings of a user follow each other.

    One loop over the ratings takes the movies' last draw, of factor k - 1, out of the residuals and
    sums up for this one.
    """
    (precision, residual), one = ratings, repeated_four(1.0)
    before, inputs = user.total[max(k - 1, 1)], movie.total[k]
    clear(user.sums)
    first = 0
    while first < len(residual):
        r, line = first, user.lines[first]
        gradient, weight = repeated_four(0.0), repeated_four(0.0)
        former = load_four(before, line, 0)
        while r < len(residual) and user.lines[r] == line:
            other = movie.lines[r]
            now = times_plus(load_four(movie.step, other, 0), former, load_four(residual, r, 0))
            store(residual, r, 0, now)
            factor = load_four(inputs, other, 0)
            weighted = times(load_four(precision, r, 0), factor)
            gradient = times_plus(weighted, now, gradient)
            weight = times_plus(weighted, factor, weight)
            r += 1
        _add_to(user.sums, line, one, gradient, weight)
        first = r
    draw_coefficients(k, user)


@njit(cache=True, nogil=True)
def draw_for_movies(k, user, movie, ratings):  # type: ignore[no-untyped-def]
    """Draw factor `k` of the movies; the users' last draw, of the same, leaves the residuals."""
    precision, residual = ratings
    inputs, former = user.total[k], movie.total[k]
    clear(movie.sums)
    for r in range(len(residual)):
        own, line = user.lines[r], movie.lines[r]
        step = load_four(user.step, own, 0)
        now = times_plus(step, load_four(former, line, 0), load_four(residual, r, 0))
        store(residual, r, 0, now)
        factor = load_four(inputs, own, 0)
        weighted = times(load_four(precision, r, 0), factor)
        _add_to(movie.sums, line, weighted, now, factor)
    draw_coefficients(k, movie)


@njit(cache=True, nogil=True)
def take_out(user, movie, residual):  # type: ignore[no-untyped-def]
    """Take the movies' last draw, of the last factor, out of the residuals."""
    inputs = user.total[len(user.total) - 1]
    for r in range(len(residual)):
        step = load_four(movie.step, movie.lines[r], 0)
        factor = load_four(inputs, user.lines[r], 0)
        store(residual, r, 0, times_plus(step, factor, load_four(residual, r, 0)))


@njit(cache=True, nogil=True)
def group_squares(coefficients, group, squares):  # type: ignore[no-untyped-def]
    """Set squares (1 + factors, groups, 4) to the sums of squares of each group's coefficients."""
    for k in range(len(squares)):
        clear(squares[k])
        first = 0
        while first < len(group):
            f, own, found = first, group[first], load_four(squares[k], group[first], 0)
            while f < len(group) and group[f] == own:
                number = load_four(coefficients[k], f, 0)
                found = times_plus(number, number, found)
                f += 1
            store(squares[k], own, 0, found)
            first = f


@njit(cache=True, nogil=True)
def noise_sums(lines, others, factors, residual, sums):  # type: ignore[no-untyped-def]
    """Set sums (lines, 4) to the sum of the other side's noise factor x residual^2 of each line."""
    clear(sums)
    for r in range(len(lines)):
        now = load_four(residual, r, 0)
        square = times(times(now, now), load_four(factors, others[r], 0))
        store(sums, lines[r], 0, plus(load_four(sums, lines[r], 0), square))


@njit(cache=True, nogil=True)
def set_precision(lines, factors, ratings, sums):  # type: ignore[no-untyped-def]
    """Set each rating's precision to the product of its user's and its movie's noise factors.

    lines, factors: of users, and of movies. sums: (1, 8), set to the sums of precision x residual,
    and of the precision.
    """
    (precision, residual), (user, movie) = ratings, factors
    gradient, weight = repeated_four(0.0), repeated_four(0.0)
    for r in range(len(residual)):
        now = times(load_four(user, lines[0][r], 0), load_four(movie, lines[1][r], 0))
        store(precision, r, 0, now)
        gradient = times_plus(now, load_four(residual, r, 0), gradient)
        weight = plus(weight, now)
    store(sums, 0, 0, gradient)
    store(sums, 0, 4, weight)
