"""ratecast, as anybody would use it on a table of one's own."""

from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.peers.table import I64, MOVIE, USER, Predict
from ratecast import data
from ratecast.models import model_class
from ratecast.models.base import Model
from ratecast.ratings import Ratings, Requests
from ratecast.training import make_model

Settings = dict[str, Any]


def warm(settings: Settings) -> None:
    """Import what the model needs, as a peer is imported before the clock starts."""
    _model(settings)


def load(path: Path) -> Ratings:
    """Read and check."""
    return data.load(path, say=lambda _: None)


def fit(train: Ratings, settings: Settings) -> Predict:
    """Any model; the threads are those that the process was started with."""
    return asked(_model(settings).fit(train))


def asked(model: Model) -> Predict:
    """A question in raw ids, of a fitted model."""

    def predict(users: I64, movies: I64) -> Any:
        return model.predict(Requests(pl.DataFrame({USER: users, MOVIE: movies}))).stars

    return predict


def _model(settings: Settings) -> Model:
    """Without a trainer, and what that imports, where none is needed."""
    chosen = dict(settings)
    name = chosen.pop("model")
    if "trainer" in chosen:
        return make_model(name, **chosen)
    return model_class(name)(**chosen)
