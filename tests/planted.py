"""Small tables whose answer is known, because it was planted."""

from dataclasses import replace

import numpy as np
import polars as pl

from ratecast.data.example import example_ratings
from ratecast.modelling.contract.rows import time_groups
from ratecast.ratings import Ratings, Scale, checked


def planted(
    users: int = 60, movies: int = 40, rows: int = 1500, seed: int = 0, half: bool = False
) -> Ratings:
    """Ratings = 3 + bias of the user + bias of the movie + a little noise, on whole or half stars.

    About 7 rows share each moment. Rows are ordered by time.
    """
    scale = Scale(0.5, 5, 0.5) if half else Scale(1, 5)
    return example_ratings(users, movies, rows, seed, scale)


def tastes(users: int = 150, movies: int = 60, seed: int = 0) -> tuple[Ratings, Ratings, float]:
    """Two planted tastes: rating = 3 + product of two factors of user and movie + noise.

    Half of all pairs to learn from, a tenth to ask about, and the RMSE of the noise, the clipping
    and the rounding to half stars.
    """
    random = np.random.default_rng(seed)
    of_user, of_movie = random.normal(0, 1, (users, 2)), random.normal(0, 0.6, (movies, 2))
    user, movie = (grid.ravel() for grid in np.meshgrid(np.arange(users), np.arange(movies)))
    scale = Scale(0, 6, 0.5)
    clean = 3 + (of_user[user] * of_movie[movie]).sum(axis=1)
    given = scale.clip(np.round((clean + random.normal(0, 0.2, len(user))) * 2) / 2)
    part = random.random(len(user))
    whole = checked(
        Ratings(pl.DataFrame({"user": user, "movie": movie, "rating": given}), scale=scale)
    )
    noise = float(np.sqrt(np.mean((given - clean) ** 2)))
    return whole.take(part < 0.5), whole.take(part > 0.9), noise


def turned(stream: Ratings) -> tuple[Ratings, int]:
    """`stream` with every rating from its middle moment on turned round, and that moment's end.

    Rows before the end must be forecast to the same bit: nothing earlier was changed.
    """
    edges = time_groups(stream)
    start, stop = edges[len(edges) // 2], edges[len(edges) // 2 + 1]
    stars = stream.stars.copy()
    stars[start:] = stream.scale.low + stream.scale.high - stars[start:]
    return replace(stream, frame=stream.frame.with_columns(pl.Series("rating", stars))), int(stop)


def with_sides(table: Ratings) -> Ratings:
    """`table` with a column of each kind about its 60 users and 40 movies."""
    users = pl.DataFrame({"user": range(1, 61), "age": [20 + k % 40 for k in range(60)]})
    users = users.with_columns(
        gender=pl.when(pl.col("user") % 2 == 0).then(pl.lit("F")).otherwise(pl.lit("M")),
        zip=pl.col("user").cast(pl.String),
    )
    genres = [["Comedy"], ["Drama", "War"], []]
    movies = pl.DataFrame(
        {
            "movie": range(1, 41),
            "year": [None if k == 3 else 1950 + k for k in range(40)],
            "genres": [genres[k % 3] for k in range(40)],
        }
    )
    return replace(table, users=users, movies=movies)


def rmse(model_stars: np.ndarray, given: np.ndarray) -> float:
    return float(np.sqrt(np.mean((model_stars - given) ** 2)))
