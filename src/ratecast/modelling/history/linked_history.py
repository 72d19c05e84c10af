"""All ratings of each user as a linked list, from the latest to the first, for compiled loops."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I32, I64
from ratecast.compiled import njit
from ratecast.modelling.contract.model import Arrays
from ratecast.modelling.contract.rows import grown

NONE = -1


class Chains(NamedTuple):
    """The arrays of a `LinkedHistory`, as kernels read and write them."""

    movies: I32
    stars: NDArray[np.float32]
    before: I64
    last: I64


@dataclass(eq=False)
class LinkedHistory:
    """One linked list of ratings for each user, in shared arrays.

    movies, stars, before: (capacity,), of which the first `size` are in use. last: (users,).
    `last` is the position of each user's latest rating, `before` that of the rating before it; -1
    ends the list. The capacity doubles when it is used up, so that adding a rating takes constant
    time on average.
    """

    movies: I32
    stars: NDArray[np.float32]
    before: I64
    last: I64
    size: int = 0

    @classmethod
    def empty(cls, users: int) -> Self:
        """No rating of any of `users` rows."""
        movies, stars, before = (
            np.zeros(0, np.int32),
            np.zeros(0, np.float32),
            np.zeros(0, np.int64),
        )
        return cls(movies, stars, before, np.full(users, NONE, np.int64))

    def add(self, rows: int) -> int:
        """Reserve `rows` more positions, for a kernel to fill by `link`; returns the first."""
        first, self.size = self.size, self.size + rows
        if self.size > len(self.movies):
            capacity = max(self.size, 2 * len(self.movies))
            more = capacity - len(self.movies)
            self.movies = np.pad(self.movies, (0, more))
            self.stars = np.pad(self.stars, (0, more))
            self.before = np.pad(self.before, (0, more))
        return first

    def grow(self, users: int) -> None:
        """Add rows for new users, without ratings as the unknown user's row is."""
        self.last = grown(self.last, users)

    def forget(self, user: int) -> None:
        """Delete all ratings of a user; their places stay empty."""
        places = places_of(user, self.last, self.before)
        self.movies[places], self.stars[places], self.before[places] = 0, 0, NONE
        self.last[user] = NONE

    @property
    def chains(self) -> Chains:
        """The arrays for kernels."""
        return Chains(self.movies, self.stars, self.before, self.last)

    def arrays(self) -> Arrays:
        """All ratings, for an artifact."""
        names = "movies", "stars", "before"
        used: Arrays = {f"history.{name}": getattr(self, name)[: self.size] for name in names}
        return used | {"history.last": self.last}

    @classmethod
    def of(cls, arrays: Arrays) -> Self:
        """The history that `arrays` wrote."""
        movies, stars, before, last = (
            arrays[f"history.{name}"] for name in ("movies", "stars", "before", "last")
        )
        return cls(movies, stars, before, last, len(movies))


def places_of(user: int, last: I64, before: I64) -> list[int]:
    """Positions of a user's ratings in a linked list, the latest first. before: of any capacity."""
    places, at = [], int(last[user])
    while at != NONE:
        places.append(at)
        at = int(before[at])
    return places


@njit(cache=True)
def link(chains, position, user, movie, star):  # type: ignore[no-untyped-def]
    """Write one rating to `position`, as the latest of its user."""
    chains.movies[position], chains.stars[position] = movie, star
    chains.before[position] = chains.last[user]
    chains.last[user] = position
