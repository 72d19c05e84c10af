"""Surprise: baselines, SVD, SVD++ and neighbours, in Cython.

Reference: Hug 2020, "Surprise: a Python library for recommender systems".
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import surprise
from surprise import Dataset, Reader

from benchmarks.peers.table import I64, MOVIE, RATING, USER, Predict, columns


def load(path: Path) -> Any:
    """Its train set, through a pandas table."""
    frame = pd.DataFrame(dict(zip((USER, MOVIE, RATING), columns(path), strict=True)))
    scale = frame[RATING].min(), frame[RATING].max()
    return Dataset.load_from_df(frame, Reader(rating_scale=scale)).build_full_trainset()


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """One thread: it has no more. For unknown ids it predicts the rest of the sum."""
    chosen = dict(settings)
    kind = chosen.pop("model")
    if kind in ("SVD", "SVDpp"):
        chosen |= {"random_state": 0}
    if kind in ("BaselineOnly", "KNNBaseline"):
        chosen |= {"verbose": False}
    model = getattr(surprise, kind)(**chosen).fit(data)

    def predict(users: I64, movies: I64) -> Any:
        pairs = zip(users.tolist(), movies.tolist(), strict=True)
        return np.array([model.predict(u, i).est for u, i in pairs])

    return predict
