"""What a table of ratings looks like, as plain facts."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings

_QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


def describe(ratings: Ratings) -> dict[str, Any]:
    """Sizes, period, stars, density, ties, activity and side information; fit for JSON."""
    frame = ratings.frame
    users, movies = frame[USER].n_unique(), frame[MOVIE].n_unique()
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
        "ratings_per_user": _activity(frame[USER]),
        "ratings_per_movie": _activity(frame[MOVIE]),
        "movie_columns": [name for name in ratings.movies.columns if name != MOVIE],
        "user_columns": [name for name in ratings.users.columns if name != USER],
    }


def period(ratings: Ratings) -> dict[str, str] | None:
    """First and last moment, ISO 8601 in UTC; None without rows or times."""
    if not (ratings.timed and len(ratings)):
        return None
    at = ratings.at
    return {"from": iso(int(at.min())), "to": iso(int(at.max()))}


def iso(at: int) -> str:
    """UTC seconds as ISO 8601."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def tie_share(ratings: Ratings) -> float | None:
    """Share of the rows whose user has another row at the same second; None without times."""
    if not (ratings.timed and len(ratings)):
        return None
    counts = ratings.frame.group_by(USER, AT).len()["len"]
    return float(counts.filter(counts > 1).sum()) / len(ratings)


def _histogram(ratings: Ratings) -> dict[str, int]:
    counts = ratings.frame[RATING].value_counts()
    at = ratings.scale.index(counts[RATING].to_numpy())
    stars = np.bincount(at, counts["count"].to_numpy(), len(ratings.scale.stars))
    return {f"{star:g}": int(n) for star, n in zip(ratings.scale.stars, stars, strict=True)}


def _activity(ids: pl.Series) -> dict[str, float] | None:
    if not len(ids):
        return None
    counts = ids.value_counts()["count"].to_numpy()
    return {name: float(np.quantile(counts, q)) for name, q in _QUANTILES.items()} | {
        "mean": float(counts.mean())
    }
