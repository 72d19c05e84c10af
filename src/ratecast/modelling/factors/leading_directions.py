"""Along how many directions a model hears, and which: a cover has their square for each id."""

import numpy as np

from ratecast.arrays import F64

MOST_HEARD = 32
MOST_BYTES = 1 << 28


def heard(width: int, rows: int) -> int:
    """How many of `width` factors a rating moves, of so many ids: their covers take 256 MB at most.

    A new user's ratings speak mostly of the leading directions.
    """
    room = int(np.sqrt(MOST_BYTES / (8 * max(rows, 1)))) - 1
    return max(1, min(width, MOST_HEARD, room))


def leading(vectors: F64) -> F64:
    """The directions along which `vectors` (n, d) are heard: (d, k), orthonormal, longest first.

    The identity where all of them are.
    """
    rows, width = vectors.shape
    count = heard(width, rows)
    if count == width:
        return np.eye(width)
    return np.ascontiguousarray(_longest_first(vectors.T @ vectors)[:, :count])


def turned(users: F64, movies: F64) -> tuple[F64, F64]:
    """The same products of factors, (rows, k) each; what is heard comes first, longest first.

    As they are where all of it is heard.
    """
    width = users.shape[1]
    if heard(width, len(users) + len(movies)) == width:
        return users, movies
    both = _longest_first(users.T @ users / len(users) + movies.T @ movies / len(movies))
    return users @ both, movies @ both


def _longest_first(squares: F64) -> F64:
    _, directions = np.linalg.eigh(squares)
    return np.ascontiguousarray(directions[:, ::-1])
