"""As-of forecasts of a model that learns one rating after the other."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.peers import learned
from benchmarks.peers.table import AT, I64, MOVIE, RATING, USER

Forecast = Callable[[int, int], float]
Learn = Callable[[int, int, float], object]


def walked(
    forecast: Forecast, learn: Learn, train: Path, parts: list[Path]
) -> list[NDArray[np.float64]]:
    """Stars of the rows of each part, in the order of its file.

    Learns train; then, one time after the other, predicts all rows of that time and learns them: a
    forecast knows strictly earlier ratings only.
    """
    for _, _, user, movie, stars in _rows(train):
        learn(user, movie, stars)

    def predict(users: I64, movies: I64) -> NDArray[np.float64]:
        return np.array(
            [forecast(*pair) for pair in zip(users.tolist(), movies.tolist(), strict=True)]
        )

    learned.check(predict, learned.sample(train))
    return [_in_order(list(_walked(forecast, learn, part))) for part in parts]


def _walked(forecast: Forecast, learn: Learn, part: Path) -> Iterator[tuple[int, float]]:
    for _, together in groupby(_rows(part), key=lambda row: row[0]):
        rows = list(together)
        yield from [(line, forecast(user, movie)) for _, line, user, movie, _ in rows]
        for _, _, user, movie, stars in rows:
            learn(user, movie, stars)


def _in_order(forecasts: list[tuple[int, float]]) -> NDArray[np.float64]:
    return np.array([stars for _, stars in sorted(forecasts)])


def _rows(path: Path) -> list[tuple[int, int, int, int, float]]:
    """By time; line, the place in the file, parts equal times."""
    frame = pl.read_parquet(path, glob=False).with_row_index("line")
    return frame.select(AT, "line", USER, MOVIE, RATING).sort(AT, "line").rows()
