"""Vowpal Wabbit on a whole table: one pass over a file of text, in the order of the rows.

Reference: Langford, Li, Strehl 2007, "Vowpal Wabbit online learning project".
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from vowpalwabbit import Workspace

from benchmarks.peers.table import I64, MOVIE, RATING, USER, Predict
from benchmarks.peers.vw import features, options


def load(path: Path) -> Any:
    """Its own text, one line a rating, in a folder that goes with the process."""
    folder = TemporaryDirectory()
    line = pl.format("{} |u u{} |i i{}", RATING, USER, MOVIE)
    text = pl.scan_parquet(path, glob=False).select(line)
    text.sink_csv(Path(folder.name) / "train", include_header=False, quote_style="never")
    return folder


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """It parses on one thread and learns on another."""
    model = Workspace(f"{options(settings)} --no_stdin -d {data.name}/train")

    def predict(users: I64, movies: I64) -> Any:
        pairs = zip(users.tolist(), movies.tolist(), strict=True)
        return np.array([model.predict(features(user, movie)) for user, movie in pairs])

    return predict
