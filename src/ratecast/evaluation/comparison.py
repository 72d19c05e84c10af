"""Comparison of several models on the same rows: by history length, period and movie."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I32
from ratecast.errors import InputError
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.evaluation.ranking import UserRankings, bootstraps
from ratecast.evaluation.slice_scores import Mask
from ratecast.metrics.dense_numbers import dense_numbers
from ratecast.metrics.intervals import DRAWS, Bootstrap, Difference
from ratecast.metrics.scores import CALIBRATION_BINS, LEVELS, quantile_shares
from ratecast.modelling.contract.forecast import Forecast
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.splits import Split

# No interval is computed for fewer users.
LEAST_USERS = 5
LEAST_FORECASTS = 100
_UNITS = ("1y", "1mo", "1w", "1d")
_ENOUGH_PERIODS = 5
MOVIE_ROWS = (20, 10, 5, 1)
RMSE = "rmse"


@dataclass(frozen=True)
class ModelComparison:
    """Forecasts of several models by one protocol on the rows of one part. name: of the part."""

    protocol: Protocol
    name: str
    part: Ratings
    train: Ratings
    forecasts: dict[str, Forecast]

    @property
    def models(self) -> list[str]:
        """The models' names, in the order of `forecasts` and of the columns below."""
        return list(self.forecasts)

    @cached_property
    def errors(self) -> F64:
        """Forecast minus given stars: (n, M) for M models."""
        stars = np.column_stack([forecast.stars for forecast in self.forecasts.values()])
        errors: F64 = stars - self.part.stars.astype(np.float64)[:, None]
        return errors

    @cached_property
    def users(self) -> I32:
        """Number of each row's user, in the order of the ids, from 0: (n,)."""
        ids = self.part.frame[USER]
        return Vocabulary(USER, ids.unique().sort().to_frame()).encode(ids) - np.int32(1)

    @cached_property
    def history_length(self) -> NDArray[np.int64]:
        """History length of each row, (n,); it is the same for all models."""
        return next(iter(self.forecasts.values())).history_length

    @cached_property
    def bootstrap(self) -> Bootstrap:
        """RMSE on all rows, and its bootstrap samples over users."""
        return Bootstrap.of(self.errors, self.users)

    def ranked(self) -> list[str]:
        """The models' names, lowest RMSE first."""
        return [self.models[k] for k in np.argsort(self.bootstrap.estimates, kind="stable")]

    @cached_property
    def rankings(self) -> list[UserRankings]:
        """How each model ranks the rated rows of each user."""
        return [UserRankings.of(each, self.part) for each in self.forecasts.values()]

    @cached_property
    def samples(self) -> dict[str, Bootstrap]:
        """Bootstrap samples over users of the RMSE and of each ranking metric, by its name.

        A ranking metric for which no user counts is left out.
        """
        return {RMSE: self.bootstrap} | bootstraps(self.rankings, DRAWS)

    @cached_property
    def tests(self) -> dict[str, list[Difference]]:
        """The paired tests of every pair of models, by the names of `samples`."""
        return {metric: sample.compare() for metric, sample in self.samples.items()}

    @cached_property
    def history_bins(self) -> list["Bin"]:
        """See `by_history_length`."""
        return by_history_length(self)

    @cached_property
    def period_bins(self) -> tuple[str, list["Bin"]]:
        """See `by_period`."""
        return by_period(self)

    def pairs(self, metric: str = RMSE) -> list["Pair"]:
        """Every pair of models, the better one first."""
        return [self._pair(metric, each) for each in self.tests[metric]]

    def _pair(self, metric: str, each: Difference) -> "Pair":
        # Less is better for RMSE alone.
        lower = 1 if metric == RMSE else -1
        sign = 1 if lower * each.estimate <= 0 else -1
        better, worse = (self.models[k] for k in (each.first, each.second)[::sign])
        low, high = sorted((-sign * lower * each.low, -sign * lower * each.high))
        return Pair(metric, better, worse, abs(each.estimate), low, high, each.p, each.adjusted)


class Pair(NamedTuple):
    """Two models on the same rows.

    metric: rmse, or a ranking metric. better_by: by how much it is better for `better`, never below
    0: the RMSE of `worse` minus that of `better`, in stars, or a metric of `better` minus that of
    `worse`. low, high: its 95 % interval. p, p_holm: of the paired test, and after Holm's
    correction over the pairs of the metric.
    """

    metric: str
    better: str
    worse: str
    better_by: float
    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class Bin:
    """RMSE of every model on n of the rows. rmse: (M,). interval: (M, 2), NaN for few users."""

    label: str
    n: int
    rmse: F64
    interval: F64


def comparisons(trials: Iterable[Trial], part: str) -> list[ModelComparison]:
    """One comparison for each protocol, in the order of the trials.

    Raises `InputError` if no trial has the part.
    """
    by_protocol: dict[Protocol, dict[str, Forecast]] = {}
    split: Split | None = None
    for trial in trials:
        split = trial.split
        if part in trial.forecasts:
            by_protocol.setdefault(trial.protocol, {})[trial.model] = trial.forecasts[part]
    if split is None or not by_protocol:
        raise InputError(
            f"report: no trial has a forecast of part {part!r}, which a fold does not have; use "
            "--split auto"
        )
    return [
        ModelComparison(protocol, part, split.parts[part], split.train, forecasts)
        for protocol, forecasts in by_protocol.items()
    ]


def differences(compared: Iterable[ModelComparison]) -> list[dict[str, Any]]:
    """Every pair of models by every protocol and metric: as `Pair`, beside protocol and part."""
    return [
        {"protocol": each.protocol, "part": each.name} | pair._asdict()
        for each in compared
        if len(each.models) > 1
        for metric in each.samples
        for pair in each.pairs(metric)
    ]


def by_history_length(comparison: ModelComparison) -> list[Bin]:
    """RMSE by history length: 0, 1, 2 to 3, 4 to 7, ..., each bin twice as wide as the one before.

    The label is the lower end. Bins of fewer than `LEAST_USERS` users are left out.
    """
    bins = np.floor(np.log2(np.maximum(comparison.history_length, 0.5))).astype(np.int64) + 1
    return [
        _bin(comparison, f"{2 ** (k - 1)}+" if k > 1 else str(k), mask)
        for k in range(int(bins.max()) + 1)
        if dense_numbers(comparison.users[mask := bins == k])[1] >= LEAST_USERS
    ]


def by_period(comparison: ModelComparison) -> tuple[str, list[Bin]]:
    """RMSE by period, and the period's unit: "" without times.

    The unit is the longest of year, month, week and day (UTC) of which the part has five.
    """
    if not comparison.part.timed:
        return "", []
    time = pl.from_epoch(comparison.part.frame[AT], time_unit="s")
    for unit in _UNITS:
        period = time.dt.truncate(unit)
        if period.n_unique() >= _ENOUGH_PERIODS:
            break
    starts = period.unique().sort()
    masks = ((start, (period == start).to_numpy()) for start in starts)
    return unit, [
        _bin(comparison, _named(start, unit), mask) for start, mask in masks if mask.sum() > 1
    ]


def reliability(forecast: Forecast, given: Ratings) -> F64:
    """Reliability diagram: mean forecast probability, frequency and n of each bin: (bins, 3).

    Every star of every row is one binary forecast. The bins are those of the ECE; bins of fewer
    than 100 forecasts are left out. On a continuous scale the level of a quantile is the forecast
    probability that a rating is at or below it, and each of `LEVELS` has a line.
    Reference: DeGroot, Fienberg 1983, "The comparison and evaluation of forecasters".
    """
    shares = forecast.probabilities
    if given.scale.is_continuous:
        below = quantile_shares(shares, given.scale, given.stars.astype(np.float64))
        return np.column_stack([LEVELS, below, np.full(len(LEVELS), len(shares))])
    is_given = given.scale.index(given.stars)[:, None] == np.arange(shares.shape[1])
    bins = np.minimum((shares * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1).ravel()
    n, probability, frequency = (
        np.bincount(bins, weights, CALIBRATION_BINS)
        for weights in (None, shares.ravel(), is_given.ravel())
    )
    large = n >= LEAST_FORECASTS
    return np.column_stack([probability[large] / n[large], frequency[large] / n[large], n[large]])


def by_movie(comparison: ModelComparison, model: str) -> pl.DataFrame:
    """Errors of each movie of the part, lowest RMSE first.

    Columns: movie, title, n, train_ratings, rmse, given and forecast (mean stars). Only movies
    with at least k rows, for the largest k of `MOVIE_ROWS` that ten movies reach.
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
    in_train = comparison.train.frame.group_by(MOVIE).agg(pl.len().alias("train_ratings"))
    movies = movies.filter(pl.col("n") >= least).join(in_train, on=MOVIE, how="left")
    titled = movies.join(_titles(comparison.part), on=MOVIE, how="left")
    return titled.with_columns(
        pl.col("train_ratings").fill_null(0),
        pl.col("title").fill_null(pl.col(MOVIE).cast(pl.String)),
    ).sort("rmse", MOVIE)


def _titles(part: Ratings) -> pl.DataFrame:
    """Columns movie, title; the id replaces an unknown title."""
    movies = part.movies
    if "title" not in movies.columns:
        return part.frame.select(pl.col(MOVIE).unique()).with_columns(
            title=pl.col(MOVIE).cast(pl.String)
        )
    # The year is in the title already, or in its own column.
    year = pl.col("year").cast(pl.String) if "year" in movies.columns else pl.lit("")
    add_year = ~pl.col("title").str.contains(r"\(\d{4}\)\s*$") & (year.fill_null("") != "")
    full = pl.when(add_year).then(pl.format("{} ({})", "title", year)).otherwise(pl.col("title"))
    return movies.select(MOVIE, title=full)


def _named(start: datetime, unit: str) -> str:
    """The period's name for an axis."""
    if unit == "1y":
        return f"{start:%Y}"
    return f"{start:%Y-%m}" if unit == "1mo" else f"{start.day} {start:%b}"


def _bin(comparison: ModelComparison, label: str, mask: Mask | NDArray[Any]) -> Bin:
    errors, users = comparison.errors[mask], comparison.users[mask]
    sample = Bootstrap.of(errors, users, draws=1000)
    few = dense_numbers(users)[1] < LEAST_USERS
    interval = np.full((errors.shape[1], 2), np.nan) if few else sample.intervals()
    return Bin(label, len(errors), sample.estimates, interval)
