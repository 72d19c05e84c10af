"""Cornac: matrix factorization with biases, Hogwild in Cython; probabilistic MF.

Reference: Salah, Truong, Lauw 2020, "Cornac: a comparative framework for multimodal recommender
systems".
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cornac import models
from cornac.data import Dataset

from benchmarks.peers.table import I64, Predict, columns, threads


def load(path: Path) -> Any:
    """Its data set, from triples of Python objects."""
    users, movies, stars = columns(path)
    triples = list(zip(users.tolist(), movies.tolist(), stars.tolist(), strict=True))
    return Dataset.build(triples, seed=0)


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """For an unknown user it predicts mean and movie; for an unknown movie the mean."""
    return _predictor(_model(settings).fit(data), data)


def epochs(data: Any, settings: dict[str, Any]) -> Iterator[Predict]:
    """One after the other: a second `fit` goes on from the first, and its step is constant."""
    model = _model(settings | {"max_iter": 1})
    while True:
        yield _predictor(model.fit(data), data)


def _model(settings: dict[str, Any]) -> Any:
    """With a seed it trains on one thread, whatever it is given: on more it gets none."""
    chosen = dict(settings)
    kind = chosen.pop("model")
    seed = 0 if kind != "MF" or threads() == 1 else None
    more = {"num_threads": threads()} if kind == "MF" else {}
    return getattr(models, kind)(seed=seed, verbose=False, **more, **chosen)


def _predictor(model: Any, data: Any) -> Predict:
    of_user, of_movie = data.uid_map, data.iid_map

    def predict(users: I64, movies: I64) -> Any:
        pairs = zip(users.tolist(), movies.tolist(), strict=True)
        return np.array(
            [model.rate(of_user.get(u, -1), of_movie.get(i, -1), clipping=False) for u, i in pairs]
        )

    return predict
