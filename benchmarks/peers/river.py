"""River: factors and biases that learn from one rating after the other.

Reference: Montiel et al. 2021, "River: machine learning for streaming data in Python".
"""

from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from river import optim, reco

from benchmarks.peers.table import MOVIE, RATING, USER


def walk(train: Path, parts: list[Path], settings: dict[str, Any]) -> list[Any]:
    """As-of stars of the rows of each part: learns train, then walks one tie group at a time."""
    model = _model(settings)
    for _, user, movie, stars in _rows(train):
        model.learn_one(user, movie, stars)
    return [np.array(list(_walked(model, part))) for part in parts]


def _walked(model: Any, part: Path) -> Any:
    for _, together in groupby(_rows(part), key=lambda row: row[0]):
        rows = list(together)
        yield from [model.predict_one(user, movie) for _, user, movie, _ in rows]
        for _, user, movie, stars in rows:
            model.learn_one(user, movie, stars)


def _rows(path: Path) -> list[tuple[int, int, int, float]]:
    return pl.read_parquet(path, glob=False).select("at", USER, MOVIE, RATING).rows()


def _model(settings: dict[str, Any]) -> Any:
    """With its own settings where none are given."""
    chosen = dict(settings)
    kind = chosen.pop("model")
    rate, l2 = chosen.pop("rate", None), chosen.pop("l2", None)
    if kind == "Baseline":
        more = {} if rate is None else {"optimizer": optim.SGD(rate), "l2": l2}
        return reco.Baseline(seed=0, **more)
    more = {} if rate is None else {
        "bias_optimizer": optim.SGD(rate), "latent_optimizer": optim.SGD(rate),
        "l2_bias": l2, "l2_latent": l2,
    }  # fmt: skip
    return reco.BiasedMF(seed=0, **more, **chosen)
