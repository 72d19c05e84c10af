"""Small tables of ratings whose answer is known."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.ratings import Ratings, Scale, checked
from ratecast.splits import Split


@dataclass(frozen=True)
class Planted:
    """truth: (users, movies) expected stars. split: rows drawn from it."""

    truth: NDArray[np.float64]
    split: Split


def planted(seed: int = 0, users: int = 80, movies: int = 50, share: float = 0.6) -> Planted:
    """mean + b_u + b_i + p_u . q_i in half stars, with noise of 0.1 stars; 10 % valid, 10 % test.

    Users are 1000, 1001, ...; movies 0, 1, ...
    """
    random = np.random.default_rng(seed)
    biases = random.normal(0, 0.4, (users, 1)) + random.normal(0, 0.5, movies)
    taste = random.normal(0, 0.8, (users, 2)) @ random.normal(0, 0.8, (2, movies))
    truth = np.clip(5.0 + biases + taste, 0, 10)
    pairs = random.permutation(users * movies)[: int(share * users * movies)]
    noisy = truth.ravel()[pairs] + random.normal(0, 0.1, len(pairs))
    table = _table(1000 + pairs // movies, pairs % movies, np.round(2 * noisy) / 2)
    part = random.permutation(len(pairs)) / len(pairs)
    masks = part < 0.8, (part >= 0.8) & (part < 0.9), part >= 0.9
    train, valid, test = (table.take(mask).sorted() for mask in masks)
    return Planted(truth, Split("planted", train, valid, test))


def _table(
    users: NDArray[np.int64], movies: NDArray[np.int64], stars: NDArray[np.float64]
) -> Ratings:
    columns = {
        "user": users,
        "movie": movies,
        "rating": np.clip(stars, 0, 10),
        "at": np.arange(len(users)),
    }
    return checked(Ratings(pl.DataFrame(columns), scale=Scale(0, 10, 0.5)))


def few(seed: int = 0) -> Split:
    """A split for tests that only need some training to happen."""
    return planted(seed, users=30, movies=20).split


def rmse(answers: NDArray[np.float64], rows: Ratings) -> float:
    """Root mean squared error over all rows."""
    return float(np.sqrt(np.mean((answers - rows.stars) ** 2)))
