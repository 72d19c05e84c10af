"""Several models on the same rows, and where each of them errs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64
from ratecast.errors import InputError
from ratecast.evaluation.intervals import Bootstrap
from ratecast.evaluation.metrics import CALIBRATION_BINS
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.evaluation.score_rows import Mask
from ratecast.modelling.contract.forecast import Forecast
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.splits import Split

# Fewer users say nothing about an interval.
LEAST_USERS = 5
LEAST_FORECASTS = 100
_UNITS = ("1y", "1mo", "1w", "1d")
_ENOUGH_PERIODS = 5
MOVIE_ROWS = (20, 10, 5, 1)


@dataclass(frozen=True)
class ModelComparison:
    """The models of one protocol on the rows of one part, which `name` calls."""

    protocol: Protocol
    name: str
    part: Ratings
    train: Ratings
    forecasts: dict[str, Forecast]

    @property
    def models(self) -> list[str]:
        """Their names, in the order of `forecasts` and of every column below."""
        return list(self.forecasts)

    @cached_property
    def errors(self) -> F64:
        """Forecast minus given stars: (n, M)."""
        stars = np.column_stack([forecast.stars for forecast in self.forecasts.values()])
        errors: F64 = stars - self.part.stars.astype(np.float64)[:, None]
        return errors

    @cached_property
    def users(self) -> NDArray[np.int64]:
        """A number for each row's user: (n,)."""
        return self.part.frame[USER].rank("dense").to_numpy().astype(np.int64)

    @cached_property
    def history_length(self) -> NDArray[np.int64]:
        """How many ratings of the row's user had been heard: (n,); of every model the same."""
        return next(iter(self.forecasts.values())).history_length

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """RMSE, and its samples over users, on all rows."""
        return Bootstrap.of(self.errors, self.users)

    def ranked(self) -> list[str]:
        """The names from the lowest RMSE to the highest."""
        return [self.models[k] for k in np.argsort(self.bootstrap.rmse, kind="stable")]


@dataclass(frozen=True)
class Bin:
    """RMSE of every model on some of the rows. `rmse`: (M,); `interval`: (M, 2), NaN if unsure."""

    label: str
    n: int
    rmse: F64
    interval: F64


def comparisons(trials: Iterable[Trial], part: str) -> list[ModelComparison]:
    """One comparison for each protocol, in the order in which they come."""
    found: dict[Protocol, dict[str, Forecast]] = {}
    split: Split | None = None
    for trial in trials:
        split = trial.split
        if part in trial.forecasts:
            found.setdefault(trial.protocol, {})[trial.model] = trial.forecasts[part]
    if split is None or not found:
        raise InputError(f"report: no trial has a forecast of part {part!r}")
    return [
        ModelComparison(name, part, split.parts[part], split.train, of)
        for name, of in found.items()
    ]


def by_history_length(comparison: ModelComparison) -> list[Bin]:
    """By ratings heard from the user so far: 0, 1, 2 to 3, 4 to 7, ... each twice as wide.

    A label is the least of them. Bins of fewer than `LEAST_USERS` users are left out.
    """
    bins = np.floor(np.log2(np.maximum(comparison.history_length, 0.5))).astype(np.int64) + 1
    return [
        _bin(comparison, f"{2 ** (k - 1)}+" if k > 1 else str(k), mask)
        for k in range(int(bins.max()) + 1)
        if len(np.unique(comparison.users[mask := bins == k])) >= LEAST_USERS
    ]


def by_period(comparison: ModelComparison) -> tuple[str, list[Bin]]:
    """By year, month, week or day, the longest of which the part has five; UTC. The unit too."""
    if not comparison.part.timed:
        return "", []
    moment = pl.from_epoch(comparison.part.frame[AT], time_unit="s")
    for unit in _UNITS:
        period = moment.dt.truncate(unit)
        if period.n_unique() >= _ENOUGH_PERIODS:
            break
    starts = period.unique().sort()
    masks = ((start, (period == start).to_numpy()) for start in starts)
    return unit, [
        _bin(comparison, _named(start, unit), mask) for start, mask in masks if mask.sum() > 1
    ]


def reliability(forecast: Forecast, given: Ratings) -> F64:
    """Mean forecast probability, frequency, and n of each bin that has 100: (bins, 3).

    Every star of every row is one forecast of yes or no; the bins are those of the ECE.
    Reference: DeGroot, Fienberg 1983, "The comparison and evaluation of forecasters".
    """
    shares = forecast.probabilities
    came = given.scale.index(given.stars)[:, None] == np.arange(shares.shape[1])
    bins = np.minimum((shares * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1).ravel()
    n, said, seen = (
        np.bincount(bins, weights, CALIBRATION_BINS)
        for weights in (None, shares.ravel(), came.ravel())
    )
    keep = n >= LEAST_FORECASTS
    return np.column_stack([said[keep] / n[keep], seen[keep] / n[keep], n[keep]])


def by_movie(comparison: ModelComparison, model: str) -> pl.DataFrame:
    """Each movie of the part: movie, title, n, learned (ratings in train), rmse, given, forecast.

    From the lowest RMSE to the highest; only movies with as many rows as the largest of
    `MOVIE_ROWS` that ten movies reach.
    """
    error = pl.Series("error", comparison.errors[:, comparison.models.index(model)])
    frame = comparison.part.frame.with_columns(error, forecast=comparison.forecasts[model].stars)
    movies = frame.group_by(MOVIE).agg(
        pl.len().alias("n"),
        (pl.col("error") ** 2).mean().sqrt().alias("rmse"),
        pl.col("rating").cast(pl.Float64).mean().alias("given"),
        pl.col("forecast").mean(),
    )
    least = next((k for k in MOVIE_ROWS if (movies["n"] >= k).sum() >= 10), 1)
    learned = comparison.train.frame.group_by(MOVIE).agg(pl.len().alias("learned"))
    movies = movies.filter(pl.col("n") >= least).join(learned, on=MOVIE, how="left")
    titled = movies.join(_titles(comparison.part), on=MOVIE, how="left")
    return titled.with_columns(
        pl.col("learned").fill_null(0), pl.col("title").fill_null(pl.col(MOVIE).cast(pl.String))
    ).sort("rmse", MOVIE)


def _titles(part: Ratings) -> pl.DataFrame:
    """Columns movie, title; the title is the id where none is known."""
    known = part.movies
    if "title" not in known.columns:
        return part.frame.select(pl.col(MOVIE).unique()).with_columns(
            title=pl.col(MOVIE).cast(pl.String)
        )
    # A year stands in the title already, or beside it; people know a film by both.
    year = pl.col("year").cast(pl.String) if "year" in known.columns else pl.lit("")
    bare = ~pl.col("title").str.contains(r"\(\d{4}\)\s*$") & (year.fill_null("") != "")
    whole = pl.when(bare).then(pl.format("{} ({})", "title", year)).otherwise(pl.col("title"))
    return known.select(MOVIE, title=whole)


def _named(start: datetime, unit: str) -> str:
    """The period's name, short enough for an axis."""
    if unit == "1y":
        return f"{start:%Y}"
    return f"{start:%Y-%m}" if unit == "1mo" else f"{start.day} {start:%b}"


def _bin(comparison: ModelComparison, label: str, mask: Mask | NDArray[Any]) -> Bin:
    errors, users = comparison.errors[mask], comparison.users[mask]
    sample = Bootstrap.of(errors, users, draws=1000)
    unsure = len(np.unique(users)) < LEAST_USERS
    interval = np.full((errors.shape[1], 2), np.nan) if unsure else sample.intervals()
    return Bin(label, len(errors), sample.rmse, interval)
