"""Stochastic gradient descent of SVD++, user by user.

Reference: Koren 2008, "Factorization meets the neighborhood", section 5.
Differs: the implicit factors take one step per user and epoch, not one per rating.
"""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit


class Weights(NamedTuple):
    """users, movies: (rows, 1 + k), the bias first. implicit: (movies, k), y_j of the paper."""

    users: F64
    movies: F64
    implicit: F64


class StepSizes(NamedTuple):
    """Of one epoch: learning rate, and L2 penalties of the biases and of all factors."""

    learning_rate: float
    l2_biases: float
    l2_factors: float


@njit(cache=True)
def run_epoch(rows, edges, order, weights, sizes):  # type: ignore[no-untyped-def]
    """One pass of gradient descent over all users, in `order`; about 12 k operations a rating.

    score = b_u + b_i + q_i · (p_u + z_u), z_u = |N(u)|^(-1/2) Σ_{j in N(u)} y_j

    rows: (movies, centred stars), each (n,), by user. edges: (users + 1,) borders of the users.
    weights: changed in place.
    """
    movies, centred = rows
    rate, l2_biases, l2_factors = sizes
    for user in order:
        start, stop = edges[user], edges[user + 1]
        scale = 1 / np.sqrt(max(stop - start, 1))
        implicit_part = np.zeros(weights.implicit.shape[1])
        gradient = np.zeros(weights.implicit.shape[1])
        # z_u
        for i in range(start, stop):
            implicit_part += weights.implicit[movies[i]] * scale
        p = weights.users[user]
        for i in range(start, stop):
            q = weights.movies[movies[i]]
            error = centred[i] - p[0] - q[0]
            for k in range(len(implicit_part)):
                error -= q[1 + k] * (p[1 + k] + implicit_part[k])
            # b <- b + rate (error - l2_biases b)
            p[0] += rate * (error - l2_biases * p[0])
            q[0] += rate * (error - l2_biases * q[0])
            for k in range(len(implicit_part)):
                p_k, q_k = p[1 + k], q[1 + k]
                # p <- p + rate (error q - l2 p);  q <- q + rate (error (p + z) - l2 q)
                p[1 + k] += rate * (error * q_k - l2_factors * p_k)
                q[1 + k] += rate * (error * (p_k + implicit_part[k]) - l2_factors * q_k)
                gradient[k] += error * q_k
        # y_j <- y_j + rate (|N(u)|^(-1/2) Σ error q - l2 y_j)
        for i in range(start, stop):
            y = weights.implicit[movies[i]]
            for k in range(len(gradient)):
                y[k] += rate * (scale * gradient[k] - l2_factors * y[k])
