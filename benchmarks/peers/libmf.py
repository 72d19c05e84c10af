"""LIBMF 2.01 through its Python binding: factors without biases, SIMD descent in free blocks.

Reference: Chin, Zhuang, Juan, Lin 2015, "A fast parallel stochastic gradient method for matrix
factorization in shared memory systems".
"""

from pathlib import Path
from typing import Any

import numpy as np
from libmf import mf

from benchmarks.peers.table import I64, Ids, Predict, columns, threads


def load(path: Path) -> Any:
    """(n, 3) of numbers and stars, single precision: the binding takes nothing else."""
    users, movies, stars = columns(path)
    of_user, user_numbers = Ids.of(users)
    of_movie, movie_numbers = Ids.of(movies)
    triples = np.empty((len(stars), 3), np.float32)
    triples[:, 0], triples[:, 1], triples[:, 2] = user_numbers, movie_numbers, stars
    return of_user, of_movie, triples


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """For an unknown number the library predicts the mean."""
    of_user, of_movie, triples = data
    engine = mf.MF(nr_threads=threads(), quiet=True, **settings)
    engine.fit(triples)

    def predict(users: I64, movies: I64) -> Any:
        pairs = np.stack([of_user.numbers(users), of_movie.numbers(movies)]).astype(np.float32)
        # It reads the columns one after the other: an array in the order of C is misread.
        return engine.predict(pairs.T)

    return predict
