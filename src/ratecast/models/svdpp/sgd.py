"""The gradient descent of SVD++, user by user.

Reference: Koren 2008, "Factorization meets the neighborhood", section 5.
Differs: the implicit factors take one step a user and epoch, not one a rating.
"""

import numpy as np
from numba import njit


@njit(cache=True)
def epoch(rows, edges, order, weights, steps):  # type: ignore[no-untyped-def]
    """One pass of gradient descent, user by user in `order`.

    rows: (movies, stars above the mean), each (n,), by user. edges: (users + 1,) borders of the
    users. weights: of users and of movies, (rows, 1 + k), and the implicit ones of movies,
    (rows, k), changed in place. steps: rate, bias penalty, penalty. About 12 k steps a rating.
    """
    movies, above = rows
    of_users, of_movies, implicit = weights
    rate, l2_biases, penalty = steps
    for user in order:
        start, stop = edges[user], edges[user + 1]
        scale = 1 / np.sqrt(max(stop - start, 1))
        implied, pull = np.zeros(implicit.shape[1]), np.zeros(implicit.shape[1])
        for i in range(start, stop):
            implied += implicit[movies[i]] * scale
        mine = of_users[user]
        for i in range(start, stop):
            theirs = of_movies[movies[i]]
            error = above[i] - mine[0] - theirs[0]
            for k in range(len(implied)):
                error -= theirs[1 + k] * (mine[1 + k] + implied[k])
            mine[0] += rate * (error - l2_biases * mine[0])
            theirs[0] += rate * (error - l2_biases * theirs[0])
            for k in range(len(implied)):
                own, other = mine[1 + k], theirs[1 + k]
                mine[1 + k] += rate * (error * other - penalty * own)
                theirs[1 + k] += rate * (error * (own + implied[k]) - penalty * other)
                pull[k] += error * other
        for i in range(start, stop):
            mine_too = implicit[movies[i]]
            for k in range(len(pull)):
                mine_too[k] += rate * (scale * pull[k] - penalty * mine_too[k])
