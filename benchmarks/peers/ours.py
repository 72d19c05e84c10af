"""ratecast, as anybody would use it on a table of one's own."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.table import I64, MOVIE, RATING, USER, Predict
from ratecast import data
from ratecast.modelling.contract.model import Model
from ratecast.modelling.factors.pair_scores import expected_stars
from ratecast.models import model_class
from ratecast.ratings import Ratings, Requests, Scale
from ratecast.training import make_model

Settings = dict[str, Any]
# Enough for the kernels that go to all threads.
FEW = 6_000


def warm(settings: Settings) -> None:
    """Import, and load from disk what was compiled, as a peer is loaded before the clock starts."""
    if "trainer" in settings:
        _model(settings)
        return
    random = np.random.default_rng(0)
    ids = {name: random.integers(0, 500, FEW) for name in (USER, MOVIE)}
    frame = pl.DataFrame(ids | {RATING: random.integers(1, 6, FEW).astype(np.float32)})
    table = Ratings(frame.unique((USER, MOVIE)), scale=Scale(1, 5))
    fit(table, settings)(ids[USER], ids[MOVIE])


def load(path: Path) -> Ratings:
    """Read and check."""
    return data.load(path, notify=lambda _: None)


def fit(train: Ratings, settings: Settings) -> Predict:
    """Any model; the threads are those that the process was started with."""
    return predictor(_model(settings).fit(train))


def predictor(model: Model) -> Predict:
    """Expected stars alone, as peers predict, in raw ids."""

    def predict(users: I64, movies: I64) -> Any:
        return expected_stars(model, Requests(pl.DataFrame({USER: users, MOVIE: movies})))

    return predict


def _model(settings: Settings) -> Model:
    """Without a trainer, and what that imports, where none is needed."""
    chosen = dict(settings)
    name = chosen.pop("model")
    if "trainer" in chosen:
        return make_model(name, **chosen)
    return model_class(name)(**chosen)
