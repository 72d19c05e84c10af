"""Summary statistics of a table of ratings."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.data.duplicates import codes
from ratecast.ratings import MOVIE, RATING, USER, Ratings

_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


def describe(ratings: Ratings) -> dict[str, Any]:
    """Sizes, period, stars, density, ties, activity and side information, as plain values."""
    frame = ratings.frame
    of_users, of_movies = row_counts(frame[USER]), row_counts(frame[MOVIE])
    users, movies = len(of_users), len(of_movies)
    return {
        "rows": frame.height,
        "users": users,
        "movies": movies,
        "scale": str(ratings.scale),
        "mean": float(ratings.stars.mean(dtype=np.float64)) if frame.height else None,
        "period": period(ratings),
        "stars": _histogram(ratings),
        "density": frame.height / (users * movies) if frame.height else None,
        "tie_share": tie_share(ratings),
        "ratings_per_user": _activity(of_users),
        "ratings_per_movie": _activity(of_movies),
        "movie_columns": [name for name in ratings.movies.columns if name != MOVIE],
        "user_columns": [name for name in ratings.users.columns if name != USER],
    }


def period(ratings: Ratings) -> dict[str, str] | None:
    """First and last timestamp, ISO 8601 in UTC; None without rows or times."""
    if not (ratings.timed and len(ratings)):
        return None
    at = ratings.at
    return {"from": iso(int(at.min())), "to": iso(int(at.max()))}


def iso(at: int) -> str:
    """UTC seconds as ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def day(at: int) -> str:
    """The day of UTC seconds, as in 1998-04-20."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def tie_share(ratings: Ratings) -> float | None:
    """Share of the rows whose user has another row in the same second; None without times."""
    if not (ratings.timed and len(ratings)):
        return None
    from ratecast.data.ties import tied_rows

    return tied_rows(ratings) / len(ratings)


def row_counts(ids: pl.Series) -> NDArray[np.int64]:
    """Number of rows of each distinct id, in no particular order."""
    counts = np.bincount(codes(ids, len(ids))[0]) if len(ids) else np.zeros(0, np.int64)
    return counts[counts > 0]


def _histogram(ratings: Ratings) -> dict[str, int]:
    counts = ratings.frame[RATING].value_counts()
    at = ratings.scale.index(counts[RATING].to_numpy())
    stars = np.bincount(at, counts["count"].to_numpy(), len(ratings.scale.stars))
    shown = ratings.scale.shown(stars)
    return {label: int(n) for label, n in zip(ratings.scale.labels, shown, strict=True)}


def _activity(counts: NDArray[np.int64]) -> dict[str, float] | None:
    if not len(counts):
        return None
    return {name: float(np.quantile(counts, q)) for name, q in _QUANTILES.items()} | {
        "mean": float(counts.mean())
    }
