"""LensKit: damped biases, and biased matrix factorization by exact alternating least squares.

Reference: Ekstrand 2020, "LensKit for Python: next-generation software for recommender systems".
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.basic import BiasScorer
from lenskit.data import ItemList, from_interactions_df
from lenskit.pipeline import predict_pipeline
from lenskit.training import TrainingOptions

from benchmarks.peers.table import I64, Predict, columns


def load(path: Path) -> Any:
    """Its data set, through a pandas table; it refuses a pair that stands twice."""
    users, movies, stars = columns(path)
    return from_interactions_df(
        pd.DataFrame({"user_id": users, "item_id": movies, "rating": stars})
    )


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """Its pipeline for predictions: where ALS knows nothing, biases predict.

    Those that the pipeline has by itself are not damped; these are, as the biases of ALS are.
    """
    scorer = _scorer(settings)
    # `Bias` forecasts every pair: a fallback would only be fitted.
    alone = isinstance(scorer, BiasScorer)
    fallback = False if alone else BiasScorer(damping=scorer.config.damping)
    pipeline = predict_pipeline(scorer, fallback=fallback)
    pipeline.train(data, TrainingOptions(rng=0))
    return partial(_by_user, pipeline)


def epochs(data: Any, settings: dict[str, Any]) -> Iterator[Predict]:
    """One after the other, by its trainer; forecasts from its arrays, which is not timed."""
    scorer = _scorer(settings)
    trainer = scorer.create_trainer(data, TrainingOptions(rng=0))
    while True:
        trainer.train_epoch()
        yield partial(_from_arrays, scorer)


def _scorer(settings: dict[str, Any]) -> Any:
    chosen = dict(settings)
    if chosen.pop("model") == "Bias":
        return BiasScorer(**chosen)
    # The vectors of the fit, instead of solving for a user again at each question.
    return BiasedMFScorer(user_embeddings="prefer", **chosen)


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


def _from_arrays(scorer: Any, users: I64, movies: I64) -> Any:
    """Mean, biases and product of vectors; of an unknown id the rest of the sum, as its biases."""
    bias = scorer.bias
    user = scorer.users.numbers(users, missing="negative")
    movie = scorer.items.numbers(movies, missing="negative")
    vectors = (scorer.user_embeddings[user] * scorer.item_embeddings[movie]).sum(axis=1)
    return (
        bias.global_bias
        + np.where(user < 0, 0, bias.user_biases[user])
        + np.where(movie < 0, 0, bias.item_biases[movie])
        + np.where((user < 0) | (movie < 0), 0, vectors)
    )
