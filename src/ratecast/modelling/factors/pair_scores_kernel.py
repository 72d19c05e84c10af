"""Biases and products of factors: of many pairs, and the best movies of many users."""

from numba import njit, prange

_PIECE = 1 << 14


@njit(cache=True, parallel=True)
def pack(weights, stretch, biases, vectors):  # type: ignore[no-untyped-def]
    """Weights (rows, 1 + k) in single precision: biases (rows,) and vectors (rows, k).

    stretch: what biases, and what vectors are multiplied by. Reads 8 k bytes a row and writes 4 k.
    """
    for piece in prange((len(weights) + _PIECE - 1) // _PIECE):
        for row in range(piece * _PIECE, min(len(weights), (piece + 1) * _PIECE)):
            biases[row] = stretch[0] * weights[row, 0]
            for k in range(vectors.shape[1]):
                vectors[row, k] = stretch[1] * weights[row, 1 + k]


@njit(cache=True, parallel=True, fastmath=True)
def scored(pairs, users, movies, level, found):  # type: ignore[no-untyped-def]
    """Fill `found` (n,) with level + biases + product of the factors of each pair.

    pairs: users, movies, (n,) each. users, movies: biases (rows,), vectors (rows, k), float32.
    2 k operations and 8 k bytes a pair: memory is what limits it, unless users come in runs.
    """
    of_users, of_movies = pairs
    (bias, mine), (movie_bias, theirs) = users, movies
    for piece in prange((len(found) + _PIECE - 1) // _PIECE):
        for i in range(piece * _PIECE, min(len(found), (piece + 1) * _PIECE)):
            user, movie = of_users[i], of_movies[i]
            total = bias[user] + movie_bias[movie]
            for k in range(mine.shape[1]):
                total += mine[user, k] * theirs[movie, k]
            found[i] = level + total
