"""Damped biases in ten lines, in the order item, user: what every package has to beat.

Reference: Koren, Bell 2011, "Advances in collaborative filtering", eq. 5.2 and 5.3.
"""

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.table import F32, I64, Ids, Predict, columns


def load(path: Path) -> Any:
    """Numbers of ids, and stars."""
    users, movies, stars = columns(path)
    return *Ids.of(users), *Ids.of(movies), stars


def fit(data: Any, settings: dict[str, Any]) -> Predict:
    """Bias = sum of residuals / (count + damping); of an unknown id it is 0."""
    of_user, users, of_movie, movies, stars = data
    mean = stars.mean(dtype=np.float64)
    item = _biases(movies, stars - mean, settings["item"])
    user = _biases(users, stars - mean - item[movies], settings["user"])
    return lambda u, i: mean + user[of_user.numbers(u)] + item[of_movie.numbers(i)]


def _biases(ids: I64, residuals: F32, damping: float) -> Any:
    """One more than there are ids: the last is of an unknown one."""
    sums, counts = np.bincount(ids, residuals), np.bincount(ids)
    return np.append(sums / (counts + damping), 0.0)
