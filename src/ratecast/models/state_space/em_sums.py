"""The sums over all ratings in which EM spends most of its time.

Without fastmath, so that each sum has the order that is written here.
"""

import numpy as np

from ratecast.arrays import F64, I32, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.csr import pieces
from ratecast.modelling.kernels.loops import on_all_threads

# Ratings by user or by movie: borders, rows of the other side, stars.
Groups = tuple[I64, I32, F64]


def add_movies(groups: Groups, movies: tuple[F64, F64, F64, F64], sums: tuple[F64, F64]) -> None:
    """Add each user's ratings to the precision (U, F, F) and the right side (U, F) of its vector.

    groups: ratings by user. movies: mean (M,), factors, their covariance, noise variance.
    With h = (1, q) of the rated movie: precision += E[h h'] / noise_j, and
    right side += E[h] (r - m_j) / noise_j.
    F^2 operations for each rating, on all threads.
    """
    on_all_threads(_add_movies, pieces(groups[0]), groups, movies, sums)


@njit(cache=True, nogil=True)
def _add_movies(users, groups, movies, sums):  # type: ignore[no-untyped-def]
    """See `add_movies`: the users from users[0] to users[1] - 1."""
    edges, row_movie, stars = groups
    mean, factors, factor_cov, noise_var = movies
    precision, right = sums
    width = precision.shape[1]
    for user in range(users[0], users[1]):
        p, b = precision[user], right[user]
        for i in range(edges[user], edges[user + 1]):
            movie = row_movie[i]
            weight = 1.0 / noise_var[movie]
            centred = (stars[i] - mean[movie]) * weight
            f, c = factors[movie], factor_cov[movie]
            p[0, 0] += weight
            b[0] += centred
            for k in range(1, width):
                b[k] += f[k - 1] * centred
                p[k, 0] += f[k - 1] * weight
                # E[q q'] = q q' + its covariance; the lower triangle only.
                for m in range(1, k + 1):
                    p[k, m] += weight * (f[k - 1] * f[m - 1] + c[k - 1, m - 1])
        for k in range(width):
            for m in range(k):
                p[m, k] = p[k, m]


def add_users(
    groups: Groups, mean: float, users: tuple[F64, F64], sums: tuple[F64, F64, F64]
) -> None:
    """Add each movie's ratings to gram (M, F, F), cross (M, F) and square (M,).

    groups: ratings by movie. users: vectors (U, F), bias then factors, and covariances (U, F, F).
    With w = (1, p_1..p_K) and y = r - mean - p_0: gram += E[w w'], cross += E[w y], square +=
    E[y²]. F^2 operations for each rating, on all threads, a movie on one of them.
    """
    on_all_threads(_add_users, pieces(groups[0]), groups, mean, users, sums)


@njit(cache=True, nogil=True)
def _add_users(movies, groups, mean, users, sums):  # type: ignore[no-untyped-def]
    """See `add_users`: the movies from movies[0] to movies[1] - 1."""
    edges, row_user, stars = groups
    vectors, vector_cov = users
    gram, cross, square = sums
    width = gram.shape[1]
    for movie in range(movies[0], movies[1]):
        g, b = gram[movie], cross[movie]
        for i in range(edges[movie], edges[movie + 1]):
            w, c = vectors[row_user[i]], vector_cov[row_user[i]]
            centred = stars[i] - mean - w[0]
            square[movie] += centred * centred + c[0, 0]
            g[0, 0] += 1.0
            b[0] += centred
            for k in range(1, width):
                b[k] += centred * w[k] - c[k, 0]
                g[k, 0] += w[k]
                for m in range(1, k + 1):
                    g[k, m] += w[k] * w[m] + c[k, m]
        for k in range(width):
            for m in range(k):
                g[m, k] = g[k, m]


def group_sums(edges: I64, rows: I32, values: F64) -> F64:
    """Sum of the rows `values[rows]` of each group: (groups, columns)."""
    sums = np.zeros((len(edges) - 1, values.shape[1]))
    on_all_threads(_add_rows, pieces(edges), edges, rows, values, sums)
    return sums


@njit(cache=True, nogil=True)
def _add_rows(groups, edges, rows, values, sums):  # type: ignore[no-untyped-def]
    """See `group_sums`: the groups from groups[0] to groups[1] - 1."""
    for group in range(groups[0], groups[1]):
        for i in range(edges[group], edges[group + 1]):
            row = rows[i]
            for k in range(sums.shape[1]):
                sums[group, k] += values[row, k]
