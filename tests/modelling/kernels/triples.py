"""A small random table of user, movie and residual."""

import numpy as np

USERS, MOVIES, ROWS, WIDTH = 40, 60, 900, 5


def triples(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ratings of each pair at most once, users and movies from row 1 on."""
    draw = np.random.default_rng(seed)
    pairs = draw.choice((USERS - 1) * (MOVIES - 1), ROWS, replace=False)
    users, movies = 1 + pairs // (MOVIES - 1), 1 + pairs % (MOVIES - 1)
    above = draw.normal(size=ROWS)
    return users.astype(np.int32), movies.astype(np.int32), above.astype(np.float32)
