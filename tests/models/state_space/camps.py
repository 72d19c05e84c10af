"""A small table of two camps, and a small model for it."""

from dataclasses import replace

import numpy as np
import polars as pl

from ratecast.modelling.contract.forecast import Forecast
from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings, Scale, checked

DAY = 86_400


def camps(half: bool = False, side: bool = True, rows: int = 3000) -> Ratings:
    """Two camps of users, two kinds of movies: each camp gives its own kind 2 stars more."""
    random = np.random.default_rng(1)
    user, movie = np.sort(random.integers(120, size=rows)), random.integers(60, size=rows)
    liked = (user % 2) == (movie % 2)
    stars = 2.2 + 2 * liked + random.normal(0, 0.4, rows)
    scale = Scale(0.5, 5, 0.5) if half else Scale(1, 5)
    frame = pl.DataFrame(
        {
            "user": user,
            "movie": movie,
            "rating": scale.clip(np.round(stars / scale.step) * scale.step),
            "at": 1_000_000 + np.arange(rows) // 3 * 3600,
        }
    )
    table = Ratings(frame, scale=scale)
    return checked(replace(table, movies=kinds(), users=people()) if side else table)


def kinds() -> pl.DataFrame:
    genres = [["Noise"] if movie % 3 else ["Noise", "Children's"] for movie in range(60)]
    return pl.DataFrame({"movie": range(60), "year": [1950 + m for m in range(60)]}).with_columns(
        genres=pl.Series(genres, dtype=pl.List(pl.String))
    )


def people() -> pl.DataFrame:
    users = range(0, 120, 2)
    return pl.DataFrame({"user": users, "age": [20 + u % 40 for u in users]}).with_columns(
        gender=pl.lit("F"), occupation=pl.when(pl.col("user") > 60).then(pl.lit("artist"))
    )


def model(**settings: float) -> StateSpace:
    return StateSpace(factors=4, co_rating_factors=3, **settings)  # type: ignore[arg-type]


def same(one: Forecast, other: Forecast) -> bool:
    return np.array_equal(one.stars, other.stars) and np.array_equal(
        one.probabilities, other.probabilities
    )
