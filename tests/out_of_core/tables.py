"""Tables in parts, and what is fitted on them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from ratecast.modelling.contract.model import Model
from ratecast.models.als.model import ALS
from ratecast.models.bias import Bias
from ratecast.models.mf_bias.model import BiasedMatrixFactorization
from ratecast.models.mf_bias.sgd_epochs import DescentSettings
from ratecast.ratings import AT, MOVIE, RATING, USER

ROWS, SHARE = 3_000, 0.1


def ratings(seed: int = 0, text: bool = False) -> pl.DataFrame:
    """Ratings in time order, of 120 users and 80 movies, no pair twice."""
    random = np.random.default_rng(seed)
    pairs = random.choice(120 * 80, ROWS, replace=False)
    users, movies = pairs // 80, pairs % 80
    tastes = random.normal(size=(120, 2)), random.normal(size=(80, 2))
    above = (tastes[0][users] * tastes[1][movies]).sum(1) + random.normal(size=ROWS)
    stars = np.clip(np.rint(2 * (3 + above)) / 2, 0.5, 5.0).astype(np.float32)
    ids = pl.Series(USER, [f"u{user}" for user in users]) if text else pl.Series(USER, users)
    movie = pl.Series(MOVIE, 3 * movies + 7)
    at = pl.Series(AT, np.sort(random.integers(0, 10**6, ROWS)))
    return pl.DataFrame([ids, movie, pl.Series(RATING, stars), at])


def write_parts(folder: Path, table: pl.DataFrame, parts: int = 3) -> Path:
    """The table in Parquet parts."""
    folder.mkdir()
    step = -(-len(table) // parts)
    for k in range(parts):
        table[k * step : (k + 1) * step].write_parquet(folder / f"part-{k}.parquet")
    return folder


def mf_bias(epochs: int = 4) -> BiasedMatrixFactorization:
    """A small one."""
    # At a small rate the order of the ratings matters little.
    descent = DescentSettings(epochs=epochs, learning_rate=0.02)
    return BiasedMatrixFactorization(factors=4, solver="kernel", descent=descent)


MODELS: dict[str, Callable[[], Model]] = {
    "mf_bias": mf_bias,
    "als": lambda: ALS(factors=4, solver="gradients", iterations=3),
    "bias": Bias,
    "damped bias": lambda: Bias(user_damping=5.0, movie_damping=3.0, iterations=3),
}
