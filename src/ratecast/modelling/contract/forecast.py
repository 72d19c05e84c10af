"""What a model answers: expected stars, their probabilities, and on what they rest."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Basis(IntEnum):
    """On what a forecast rests: which of the two the model was given ratings of."""

    KNOWN = 0
    NEW_USER = 1
    NEW_MOVIE = 2
    BOTH_NEW = 3

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]

    @classmethod
    def of(cls, users: NDArray[np.int64], movies: NDArray[np.int64]) -> NDArray[np.int8]:
        """From how many ratings there were of each row's user and of its movie: (n,)."""
        new_user, new_movie = (users == 0).view(np.int8), (movies == 0).view(np.int8)
        new: NDArray[np.int8] = new_user + 2 * new_movie
        return new


_WORDS = ("user and movie known", "new user", "new movie", "new user and new movie")


@dataclass(frozen=True)
class Forecast:
    """One answer for each request.

    stars: (n,) expected rating, on the scale. probabilities: (n, S), rows sum to 1.
    history_length: (n,) how many of the
    user's ratings the model had been given. basis: (n,) `Basis` values.
    """

    stars: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    history_length: NDArray[np.int64]
    basis: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.stars)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer]) -> "Forecast":
        """Only these answers: a mask, or row numbers."""
        return Forecast(
            self.stars[rows], self.probabilities[rows], self.history_length[rows], self.basis[rows]
        )

    @classmethod
    def concat(cls, parts: list[Self]) -> Self:
        """The answers of several calls, in order; those of one are not copied."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([p.stars for p in parts]),
            np.concatenate([p.probabilities for p in parts]),
            np.concatenate([p.history_length for p in parts]),
            np.concatenate([p.basis for p in parts]),
        )
