"""Recent forecasts that were drawn, not made by a model."""

from dataclasses import replace

import numpy as np
import polars as pl

from ratecast.arrays import F64
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import MOVIE, RATING, USER, Ratings, Scale, checked
from ratecast.serving.quality.recent import RecentForecasts, RecentRows


def drawn(random: np.random.Generator, n: int, wrong: float = 0.0, first: int = 1) -> RecentRows:
    """Forecasts whose probabilities are those of the stars.

    wrong: share of the stars that are drawn without them. first: sequence number of the first row.
    """
    shares = random.dirichlet(np.ones(5), size=n)
    star = (shares.cumsum(axis=1) < random.random(n)[:, None]).sum(axis=1).clip(0, 4)
    star = np.where(random.random(n) < wrong, random.integers(0, 5, n), star)
    frame = pl.DataFrame(
        {
            USER: random.integers(0, 100, n),
            MOVIE: np.arange(first, first + n),
            RATING: (star + 1).astype(np.float32),
        }
    )
    given = checked(Ratings(frame, scale=Scale(1, 5)))
    mean = shares @ np.arange(1.0, 6.0)
    forecast = Forecast(mean, shares, random.integers(0, 40, n), np.zeros(n, np.int8))
    return RecentRows(np.arange(first, first + n), given, forecast)


def kept(rows: RecentRows) -> RecentForecasts:
    """The rows as those that a model keeps."""
    recent = RecentForecasts()
    recent.add(rows, np.ones(len(rows), bool))
    return recent


def by_user(rows: RecentRows, noise: float, random: np.random.Generator) -> F64:
    """Forecasts like those of `rows`, with an error that all rows of a user share."""
    users = rows.given.frame[USER].to_numpy()
    return np.asarray(rows.forecast.stars + noise * random.standard_normal(100)[users])


def worse(rows: RecentRows, by: float) -> RecentRows:
    """The same rows with forecasts that are off by so many stars more."""
    stars = np.clip(rows.forecast.stars + by, 1, 5)
    return replace(rows, forecast=replace(rows.forecast, stars=stars))
