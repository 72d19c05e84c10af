"""The sums over all ratings that learning spends its time on."""

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True, fastmath=True)
def add_movies(edges, ratings, movies, sums):  # type: ignore[no-untyped-def]
    """Add what each user's ratings say to precision (U, F, F) and pulled (U, F): F^2 a rating."""
    row_movie, stars = ratings
    mean, factors, factor_cov, noise = movies
    precision, pulled = sums
    width = precision.shape[1]
    for user in prange(len(edges) - 1):
        p, b = precision[user], pulled[user]
        for i in range(edges[user], edges[user + 1]):
            movie = row_movie[i]
            weight = 1.0 / noise[movie]
            above = (stars[i] - mean[movie]) * weight
            f, c = factors[movie], factor_cov[movie]
            p[0, 0] += weight
            b[0] += above
            for k in range(1, width):
                b[k] += f[k - 1] * above
                p[k, 0] += f[k - 1] * weight
                for m in range(1, k + 1):
                    p[k, m] += weight * (f[k - 1] * f[m - 1] + c[k - 1, m - 1])
        for k in range(width):
            for m in range(k):
                p[m, k] = p[k, m]


@njit(cache=True, parallel=True, fastmath=True)
def add_users(edges, ratings, users, sums):  # type: ignore[no-untyped-def]
    """Add what each movie's ratings say to gram (M, F, F), cross (M, F) and square (M,).

    F^2 operations a rating, on all threads, a movie on one of them.
    """
    row_user, stars = ratings
    mean, taste, taste_cov = users
    gram, cross, square = sums
    width = gram.shape[1]
    for movie in prange(len(edges) - 1):
        g, b = gram[movie], cross[movie]
        for i in range(edges[movie], edges[movie + 1]):
            w, c = taste[row_user[i]], taste_cov[row_user[i]]
            above = stars[i] - mean - w[0]
            square[movie] += above * above + c[0, 0]
            g[0, 0] += 1.0
            b[0] += above
            for k in range(1, width):
                b[k] += above * w[k] - c[k, 0]
                g[k, 0] += w[k]
                for m in range(1, k + 1):
                    g[k, m] += w[k] * w[m] + c[k, m]
        for k in range(width):
            for m in range(k):
                g[m, k] = g[k, m]


@njit(cache=True, parallel=True)
def summed(edges, rows, values):  # type: ignore[no-untyped-def]
    """Sum of the lines `values[rows]` of each group: (groups, columns)."""
    sums = np.zeros((len(edges) - 1, values.shape[1]))
    for group in prange(len(edges) - 1):
        total = sums[group]
        for i in range(edges[group], edges[group + 1]):
            row = rows[i]
            for k in range(len(total)):
                total[k] += values[row, k]
    return sums
