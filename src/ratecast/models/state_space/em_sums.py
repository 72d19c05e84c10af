"""The sums over all ratings in which EM spends most of its time.

What a rating adds is the same for all ratings of its user, or of its movie, so it is computed once
for each of these, in one row of numbers; the ratings then only add rows. Matrices are packed
(`symmetric`). Without fastmath, so that each sum has the order that is written here.
"""

from typing import Any, NamedTuple

import numpy as np

from ratecast.arrays import F32, F64, I32, I64
from ratecast.compiled import njit
from ratecast.lanes import prefetch_row
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.loops import add, copy, even_cuts, fill, on_all_threads
from ratecast.models.state_space.symmetric import packed_size

# So many ratings are added at a time, so that the sums are read and written less often; and so many
# ratings before it is needed, a row is asked for.
TOGETHER, AHEAD = 4, 8
# Ratings by user or by movie: borders, rows of the other side, stars.
Groups = tuple[I64, I32, F64]
Terms = F32 | F64


class MovieSums(NamedTuple):
    """Sums over the raters of each movie, with w = (1, p_1..p_K) and y = r - mean - p_0.

    gram: (M, F (F + 1) / 2) Σ E[w w']. cross: (M, F) Σ E[w y]. square: (M,) Σ E[y²].
    vectors: (M, F) Σ E[p].
    """

    gram: F64
    cross: F64
    square: F64
    vectors: F64


def movie_terms(factors: F64, factor_cov: F64, noise_var: F64, number: type[Any]) -> Terms:
    """What a rating adds to the precision of its user: E[h h'] / noise_j, h = (1, q), packed.

    factors: (M, K). factor_cov: (M, K (K + 1) / 2), lower triangles. noise_var: (M,). number: type
    of the terms; single precision halves what is read for each rating.
    """
    terms: Terms = np.empty((len(factors), packed_size(1 + factors.shape[1])), number)
    movies = np.ascontiguousarray(factors), factor_cov, noise_var
    on_all_threads(_fill_terms, even_cuts(len(terms)), movies, terms)
    return terms


@njit(cache=True, nogil=True)
def _fill_terms(run, movies, terms):  # type: ignore[no-untyped-def]
    """See `movie_terms`: the movies from run[0] to run[1] - 1."""
    factors, factor_cov, noise_var = movies
    count = factors.shape[1]
    for movie in range(run[0], run[1]):
        weight, row, f, c = 1.0 / noise_var[movie], terms[movie], factors[movie], factor_cov[movie]
        row[0] = weight
        place = 0
        for k in range(count):
            row[1 + k] = f[k] * weight
            for m in range(k + 1):
                # E[q q'] = q q' + its covariance.
                row[1 + count + place] = weight * (f[k] * f[m] + c[place])
                place += 1


def movie_sums(groups: Groups, mean: float, terms: Terms, scale: F64) -> MovieSums:
    """What the ratings of each movie say about it.

    groups: ratings by movie. terms: (U, F (F + 1) / 2 + F) of each user the packed E[p p'], then
    E[p]. scale: (F,), what p is multiplied by. F² / 2 operations for each rating, on all threads, a
    movie on one of them.
    """
    movies, width = len(groups[0]) - 1, len(scale)
    sums = MovieSums(
        np.empty((movies, packed_size(width))),
        np.empty((movies, width)),
        np.empty(movies),
        np.empty((movies, width)),
    )
    on_all_threads(_sum_movies, pieces(groups[0]), groups, mean, (terms, scale), sums)
    return sums


@njit(cache=True, nogil=True)
def _sum_movies(movies, groups, mean, users, sums):  # type: ignore[no-untyped-def]
    """See `movie_sums`: the movies from movies[0] to movies[1] - 1."""
    (edges, row_user, stars), (terms, scale) = groups, users
    width = len(scale)
    size = terms.shape[1] - width
    total, given = np.empty(size + width), np.empty(width)
    for movie in range(movies[0], movies[1]):
        fill(total, 0.0)
        fill(given, 0.0)
        stars_sum, square = 0.0, 0.0
        start, stop = edges[movie], edges[movie + 1]
        for i in range(start, stop):
            centred = stars[i] - mean
            stars_sum += centred
            square += centred * centred
        i = start
        while i + TOGETHER <= stop:
            ask_ahead(terms, row_user, i)
            a, b, c, d = row_user[i], row_user[i + 1], row_user[i + 2], row_user[i + 3]
            y = stars[i] - mean, stars[i + 1] - mean, stars[i + 2] - mean, stars[i + 3] - mean
            add_four(total, (given, size), (terms[a], terms[b], terms[c], terms[d]), y)
            i += TOGETHER
        while i < stop:
            add_one(total, (given, size), terms[row_user[i]], stars[i] - mean)
            i += 1
        counts = edges[movie + 1] - edges[movie], stars_sum, square
        _fill_sums(movie, (total, given), counts, scale, sums)


@njit(cache=True)
def ask_ahead(terms, rows, start):  # type: ignore[no-untyped-def]
    """Ask for those rows of `terms` that are added a little after rows[start]."""
    for i in range(start + AHEAD, min(start + AHEAD + TOGETHER, len(rows))):
        prefetch_row(terms, rows[i])


@njit(cache=True)
def add_four(total, weighted, rows, weights):  # type: ignore[no-untyped-def]
    """Add four rows to `total`, and those times their weights to another sum.

    weighted: the sum, (F,), and where its numbers begin in a row.
    """
    (given, first), (a, b, c, d), (y_a, y_b, y_c, y_d) = weighted, rows, weights
    for p in range(len(total)):
        total[p] += (a[p] + b[p]) + (c[p] + d[p])
    for k in range(len(given)):
        left, right = (
            y_a * a[first + k] + y_b * b[first + k],
            y_c * c[first + k] + y_d * d[first + k],
        )
        given[k] += left + right


@njit(cache=True)
def add_one(total, weighted, row, weight):  # type: ignore[no-untyped-def]
    """As `add_four`, one row."""
    given, first = weighted
    for p in range(len(total)):
        total[p] += row[p]
    for k in range(len(given)):
        given[k] += weight * row[first + k]


@njit(cache=True)
def _fill_sums(movie, added, counts, scale, all_sums):  # type: ignore[no-untyped-def]
    """From the sums of the raters' E[p p'], E[p] and E[p] (r - mean), and of their stars."""
    (total, given), (count, stars_sum, square) = added, counts
    gram, cross, squares, vectors = all_sums
    width, row = len(scale), gram[movie]
    size = len(row)
    for k in range(width):
        vectors[movie, k] = total[size + k] * scale[k]
        row[k] = vectors[movie, k]
        cross[movie, k] = (given[k] - total[k] * scale[0]) * scale[k]
    row[0] = count
    place = width
    for k in range(1, width):
        for m in range(1, k + 1):
            row[place] = total[place] * (scale[k] * scale[m])
            place += 1
    cross[movie, 0] = stars_sum - vectors[movie, 0]
    squares[movie] = square - 2.0 * scale[0] * given[0] + total[0] * (scale[0] * scale[0])


@njit(cache=True)
def column_sums(rows, counted):  # type: ignore[no-untyped-def]
    """Sum of those `rows` (n, w) that are `counted` (n,), one after another: (w,)."""
    total = np.zeros(rows.shape[1])
    for i in range(len(rows)):
        if counted[i]:
            add(total, rows[i])
    return total


def group_sums(edges: I64, rows: I32, values: F64) -> F64:
    """Sum of the rows `values[rows]` of each group: (groups, columns)."""
    sums: F64 = np.empty((len(edges) - 1, values.shape[1]))
    on_all_threads(_add_rows, pieces(edges), edges, rows, values, sums)
    return sums


@njit(cache=True, nogil=True)
def _add_rows(groups, edges, rows, values, sums):  # type: ignore[no-untyped-def]
    """See `group_sums`: the groups from groups[0] to groups[1] - 1."""
    total = np.empty(sums.shape[1])
    for group in range(groups[0], groups[1]):
        fill(total, 0.0)
        for i in range(edges[group], edges[group + 1]):
            if i + AHEAD < len(rows):
                prefetch_row(values, rows[i + AHEAD])
            add(total, values[rows[i]])
        copy(sums[group], total)
