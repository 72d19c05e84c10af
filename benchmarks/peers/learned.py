"""Whether an adapter works: what it forecasts for rows that its model learned from."""

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.peers.table import F32, I64, MOVIE, RATING, USER, Predict

SLICES, ROWS = 20, 100

Rows = tuple[I64, I64, F32]


class NotLearnedError(ValueError):
    """The forecasts of learned rows are no better than their mean."""


def sample(train: Path) -> Rows:
    """Users, movies and stars of rows from all over the file; the rest of it is not read."""
    lazy = pl.scan_parquet(train, glob=False).select(USER, MOVIE, RATING)
    rows = lazy.select(pl.len()).collect().item()
    starts = np.linspace(0, max(rows - ROWS, 0), SLICES).astype(int).tolist()
    frame = pl.concat([lazy.slice(start, ROWS) for start in starts]).collect()
    users, movies, stars = (frame[name].to_numpy() for name in (USER, MOVIE, RATING))
    return users, movies, stars


def check(predict: Predict, rows: Rows, ranks_only: bool = False) -> None:
    """Raise `NotLearnedError` where the RMSE is not below that of the mean of these rows.

    ranks_only: the forecasts are no stars; then those of the rows must be above those of the same
    users and movies, paired at random.
    """
    users, movies, stars = rows
    predicted = np.asarray(predict(users, movies), np.float64)
    if ranks_only:
        paired = np.random.default_rng(0).permutation(movies)
        others = float(np.mean(predict(users, paired)))
        if not predicted.mean() > others:
            raise NotLearnedError(
                f"preference {predicted.mean():.4f} of learned pairs, {others:.4f} of others"
            )
        return
    rmse = float(np.sqrt(np.mean((predicted - stars) ** 2)))
    mean = float(stars.std(dtype=np.float64))
    # Of equal stars the mean has no error, and nothing is seen.
    if mean and not rmse < mean:
        raise NotLearnedError(
            f"RMSE {rmse:.4f} on rows that it learned from, {mean:.4f} by their mean"
        )
