"""As-of forecasts of a model that learns one rating after the other."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.peers.table import MOVIE, RATING, USER

Forecast = Callable[[int, int], float]
Learn = Callable[[int, int, float], object]


def walked(
    forecast: Forecast, learn: Learn, train: Path, parts: list[Path]
) -> list[NDArray[np.float64]]:
    """Stars of the rows of each part: learns train, then predicts and learns the tie groups."""
    for _, user, movie, stars in _rows(train):
        learn(user, movie, stars)
    return [np.array(list(_walked(forecast, learn, part))) for part in parts]


def _walked(forecast: Forecast, learn: Learn, part: Path) -> Iterator[float]:
    for _, together in groupby(_rows(part), key=lambda row: row[0]):
        rows = list(together)
        yield from [forecast(user, movie) for _, user, movie, _ in rows]
        for _, user, movie, stars in rows:
            learn(user, movie, stars)


def _rows(path: Path) -> list[tuple[int, int, int, float]]:
    return pl.read_parquet(path, glob=False).select("at", USER, MOVIE, RATING).rows()
