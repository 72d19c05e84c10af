"""The table that every peer starts from, and the numbers of ids for those that take only these."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
Predict = Callable[[I64, I64], NDArray[np.floating]]

USER, MOVIE, RATING, AT = "user", "movie", "rating", "at"


def threads() -> int:
    """How many threads a package that has a setting for it may take."""
    return int(os.environ["OMP_NUM_THREADS"])


def columns(path: Path) -> tuple[I64, I64, F32]:
    """Users, movies and stars of a Parquet file, each (n,), as raw ids."""
    frame = pl.read_parquet(path, columns=[USER, MOVIE, RATING], glob=False)
    users, movies, stars = (frame.drop_in_place(name).to_numpy() for name in (USER, MOVIE, RATING))
    return users, movies, stars


@dataclass(frozen=True)
class Ids:
    """Raw ids in order; a number is a place among them, and an unknown id gets `len(ids)`."""

    known: I64

    @classmethod
    def of(cls, ids: I64) -> "tuple[Ids, I64]":
        """The distinct ids, and the number of each of `ids`: (n,)."""
        known, numbers = np.unique(ids, return_inverse=True)
        return cls(known), numbers

    def numbers(self, ids: I64) -> I64:
        """Number of each id: (n,)."""
        positions = np.searchsorted(self.known, ids).clip(0, len(self.known) - 1)
        return np.where(self.known[positions] == ids, positions, len(self.known))
