"""LensKit: damped biases, and biased matrix factorization by exact alternating least squares.

Reference: Ekstrand 2020, "LensKit for Python: next-generation software for recommender systems".
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.basic import BiasScorer
from lenskit.data import ItemList, from_interactions_df
from lenskit.diagnostics import DataError
from lenskit.pipeline import predict_pipeline
from lenskit.training import TrainingOptions

from benchmarks.peers.table import I64, Predict, columns


def load(path: Path) -> Any:
    """Its data set, through a pandas table."""
    users, movies, stars = columns(path)
    frame = pd.DataFrame({"user_id": users, "item_id": movies, "rating": stars})
    try:
        return from_interactions_df(frame)
    except DataError:
        # It takes no pair twice, which a movie that MovieLens lists twice may be: their mean.
        means = frame.groupby(["user_id", "item_id"], as_index=False)["rating"].mean()
        return from_interactions_df(means)


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """Its pipeline for predictions: where ALS knows nothing, its biases predict."""
    chosen = dict(settings)
    if chosen.pop("model") == "Bias":
        scorer: Any = BiasScorer(**chosen)
    else:
        # The vectors of the fit, instead of solving for a user again at each question.
        scorer = BiasedMFScorer(user_embeddings="prefer", **chosen)
    pipeline = predict_pipeline(scorer)
    pipeline.train(data, TrainingOptions(rng=0))

    def predict(users: I64, movies: I64) -> Any:
        return _by_user(pipeline, users, movies)

    return predict


def _by_user(pipeline: Any, users: I64, movies: I64) -> Any:
    """One question a user, as the pipeline takes them."""
    order = np.argsort(users, kind="stable")
    predicted = np.empty(len(users))
    _, starts = np.unique(users[order], return_index=True)
    for rows in np.split(order, starts[1:]):
        # A list of it holds no movie twice.
        distinct, back = np.unique(movies[rows], return_inverse=True)
        result = pipeline.run(query=int(users[rows[0]]), items=ItemList(item_ids=distinct))
        predicted[rows] = result.scores()[back]
    return predicted
