"""Cornac: matrix factorization with biases, Hogwild in Cython; probabilistic MF.

Reference: Salah, Truong, Lauw 2020, "Cornac: a comparative framework for multimodal recommender
systems".
"""

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
    chosen = dict(settings)
    kind = chosen.pop("model")
    more = {"num_threads": threads()} if kind == "MF" else {}
    model = getattr(models, kind)(seed=0, verbose=False, **more, **chosen)
    model.fit(data)
    of_user, of_movie = data.uid_map, data.iid_map

    def predict(users: I64, movies: I64) -> Any:
        pairs = zip(users.tolist(), movies.tolist(), strict=True)
        return np.array(
            [model.rate(of_user.get(u, -1), of_movie.get(i, -1), clipping=False) for u, i in pairs]
        )

    return predict
