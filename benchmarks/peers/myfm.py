"""myFM: factorization machines of ids by Gibbs sampling.

Reference: Rendle 2012, "Factorization machines with libFM"; Freudenthaler et al. 2011, "Bayesian
factorization machines".
"""

from pathlib import Path
from typing import Any

import numpy as np
from myfm import MyFMRegressor
from scipy.sparse import csr_matrix

from benchmarks.peers.table import I64, Ids, Predict, columns

DRAWS = 200


def load(path: Path) -> Any:
    """Numbers of ids, and stars."""
    users, movies, stars = columns(path)
    return Ids.of(users)[0], Ids.of(movies)[0], users, movies, stars


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """One draw after the other, on one thread; an unknown id has no column, so only its prior."""
    of_user, of_movie, users, movies, stars = data
    width = len(of_user.known) + len(of_movie.known)

    def columns_of(users: I64, movies: I64) -> Any:
        place = np.stack([of_user.numbers(users), of_movie.numbers(movies)], axis=1)
        known = place < [len(of_user.known), len(of_movie.known)]
        rows = np.repeat(np.arange(len(users)), 2).reshape(-1, 2)[known]
        at = (place + np.array([0, len(of_user.known)]))[known]
        return csr_matrix((np.ones(len(at)), (rows, at)), shape=(len(users), width))

    model = MyFMRegressor(random_seed=0, **settings)
    blocks = [len(of_user.known), len(of_movie.known)]
    model.fit(
        columns_of(users, movies), stars, n_iter=DRAWS, n_kept_samples=DRAWS // 2,
        group_shapes=blocks,
    )  # fmt: skip
    return lambda users, movies: model.predict(columns_of(users, movies))
