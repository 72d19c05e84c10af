"""Every rating heard, as one chain for each user: what a model needs that looks back at them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import grown

NONE = -1
Chains = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


@dataclass(eq=False)
class History:
    """movies, stars, before: (room,), of which the first `size` are used; last: (users,).

    `last` is the place of each user's latest rating, `before` that of the one before it; -1 ends
    the chain. Room is doubled when it is short, so that one rating more costs a constant.
    """

    movies: NDArray[np.int32]
    stars: NDArray[np.float32]
    before: NDArray[np.int64]
    last: NDArray[np.int64]
    size: int = 0

    @classmethod
    def empty(cls, users: int) -> Self:
        """Nothing heard of `users` rows."""
        movies, stars, before = (
            np.zeros(0, np.int32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
        )
        return cls(movies, stars, before, np.full(users, NONE, np.int64))

    def add(self, rows: int) -> int:
        """Take `rows` more places, for a kernel to fill by `link`; the first of them."""
        first, self.size = self.size, self.size + rows
        if self.size > len(self.movies):
            room = max(self.size, 2 * len(self.movies))
            more = room - len(self.movies)
            self.movies = np.pad(self.movies, (0, more))
            self.stars = np.pad(self.stars, (0, more))
            self.before = np.pad(self.before, (0, more))
        return first

    def grow(self, users: int) -> None:
        """Make room for new users; the unknown, whom they are like, has heard nothing."""
        self.last = grown(self.last, users)

    @property
    def chains(self) -> Chains:
        """What the kernels read and write."""
        return self.movies, self.stars, self.before, self.last

    def arrays(self) -> Arrays:
        """Everything heard, for an artifact."""
        names = "movies", "stars", "before"
        used: Arrays = {f"history.{name}": getattr(self, name)[: self.size] for name in names}
        return used | {"history.last": self.last}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """From what `arrays` gave."""
        movies, stars, before, last = (
            arrays[f"history.{name}"] for name in ("movies", "stars", "before", "last")
        )
        return cls(movies, stars, before, last, len(movies))


@njit(cache=True)
def link(chains, place, user, movie, star):  # type: ignore[no-untyped-def]
    """Write one rating into `place`, as the latest of its user."""
    movies, stars, before, last = chains
    movies[place], stars[place], before[place] = movie, star, last[user]
    last[user] = place
