"""cmfrec: collective matrix factorization by alternating least squares, in C.

Reference: Cortes 2018, "Cold-start recommendations in collective matrix factorization".
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from cmfrec import CMF

from benchmarks.peers.table import I64, MOVIE, USER, Predict, columns, threads


def load(path: Path) -> Any:
    """Its table of pandas, and the folder where side information lies."""
    users, movies, stars = columns(path)
    return pd.DataFrame({"UserId": users, "ItemId": movies, "Rating": stars}), path.parent


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """Steps of conjugate gradients, as it does by itself. What it does not know is the mean."""
    ratings, folder = data
    chosen = dict(settings)
    side_information = _sides(folder) if chosen.pop("sides", False) else {}
    model = CMF(nthreads=threads(), verbose=False, random_state=1, **chosen)
    model.fit(X=ratings, **side_information)

    def predict(users: I64, movies: I64) -> Any:
        predicted = model.predict(user=users, item=movies)
        return np.where(np.isfinite(predicted), predicted, model.glob_mean_)

    return predict


def _sides(folder: Path) -> dict[str, Any]:
    """Age, gender and occupation of users, genres of movies, as columns of numbers."""
    users = pd.read_parquet(folder / "users.parquet")
    about = pd.get_dummies(users[["gender", "occupation"]]).astype(float)
    about["age"] = users["age"] / users["age"].std()
    about.insert(0, "UserId", users[USER])
    movies = pd.read_parquet(folder / "movies.parquet")
    genres = movies["genres"].explode()
    kinds = pd.crosstab(genres.index, genres).reindex(movies.index, fill_value=0).astype(float)
    kinds.insert(0, "ItemId", movies[MOVIE])
    return {"U": about, "I": kinds}
