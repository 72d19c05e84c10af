"""Tables that were drawn from a known structure, and the expected rating of each row."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.ratings import Ratings, Scale, checked

SCALE = Scale(0, 10, None)
MINUTES = 600

Drawn = tuple[Ratings, F64]
Numbers = NDArray[np.int64]


def only_biases(random: np.random.Generator, rows: int = 6000) -> Drawn:
    """Users and movies differ by their level alone."""
    user, movie = _pairs(random, (500, 250), rows)
    levels = random.normal(0, 0.6, 500)[user] + random.normal(0, 0.7, 250)[movie]
    return _given(random, user, movie, 5 + levels)


def one_rating_a_user(random: np.random.Generator, rows: int = 6000) -> Drawn:
    """Nobody rates twice; few movies have most of the ratings."""
    user, movie = np.arange(rows), (250 * random.random(rows) ** 2).astype(np.int64)
    return _given(random, user, movie, 5 + random.normal(0, 0.7, 250)[movie])


def strong_factors(random: np.random.Generator, rows: int = 8000) -> Drawn:
    """Two tastes matter far more than levels."""
    user, movie = _pairs(random, (150, 80), rows)
    tastes = random.normal(0, 1, (150, 2))[user] * random.normal(0, 1, (80, 2))[movie]
    return _given(random, user, movie, 5 + tastes.sum(axis=1))


def drifting_users(random: np.random.Generator, rows: int = 9000) -> Drawn:
    """A user's level moves with each rating, and forgets where it was."""
    user, movie = _pairs(random, (120, 150), rows)
    levels, now = np.empty(rows), random.normal(0, 1, 120)
    for row, who in enumerate(user):
        now[who] = 0.98 * now[who] + random.normal(0, 0.2)
        levels[row] = now[who]
    return _given(random, user, movie, 5 + levels + random.normal(0, 0.5, 150)[movie])


def new_movies(random: np.random.Generator, rows: int = 10_000) -> Drawn:
    """A movie comes every 25 ratings, and is rated for a day only."""
    user = random.integers(400, size=rows)
    movie = np.arange(rows) // 25 + (12 * random.random(rows) ** 2).astype(np.int64)
    levels = random.normal(0, 0.6, 400)[user] + random.normal(0, 0.7, movie.max() + 1)[movie]
    return _given(random, user, movie, 5 + levels)


def _pairs(random: np.random.Generator, sizes: tuple[int, int], rows: int) -> list[Numbers]:
    """Users and movies, each pair at most once. sizes: how many users, and movies."""
    return list(np.divmod(random.choice(sizes[0] * sizes[1], rows, replace=False), sizes[1]))


def _given(random: np.random.Generator, user: Numbers, movie: Numbers, expected: F64) -> Drawn:
    """One rating every ten minutes, with noise of deviation 0.8."""
    stars = SCALE.clip(expected + random.normal(0, 0.8, len(user)))
    at = 1_000_000 + MINUTES * np.arange(len(user))
    frame = pl.DataFrame({"user": user, "movie": movie, "rating": stars, "at": at})
    return checked(Ratings(frame, scale=SCALE)), SCALE.clip(expected)
