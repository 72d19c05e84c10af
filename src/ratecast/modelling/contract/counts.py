"""How many ratings a model was given of each user, of each movie, and with each star."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I32, I64
from ratecast.modelling.contract.rows import Rows, counted_before, counts, grown


@dataclass
class Counts:
    """Ratings given of each row number; row 0, the unknown, has none.

    of_users, of_movies: (rows,), one number for each line of the vocabularies. of_stars: how often
    train has each star of the scale, (S,); None in an artifact from before they were counted. What
    is observed later does not change it.
    """

    of_users: I64
    of_movies: I64
    of_stars: I64 | None = None

    @classmethod
    def of(cls, rows: Rows, users: int, movies: int) -> Self:
        """Of the ratings in `rows`; users, movies: lines of the vocabularies."""
        return cls(counts(rows.users, users), counts(rows.movies, movies))

    @classmethod
    def of_arrays(cls, arrays: dict[str, NDArray[Any]]) -> Self:
        """What `arrays` gave, taken out of these."""
        users, movies = arrays.pop("counts.users"), arrays.pop("counts.movies")
        return cls(users, movies, arrays.pop("counts.stars", None))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All, by the names that an artifact gives them."""
        stars = {} if self.of_stars is None else {"counts.stars": self.of_stars}
        return {"counts.users": self.of_users, "counts.movies": self.of_movies} | stars

    def grow(self, users: int, movies: int) -> None:
        """Add lines for new ids, which have no rating yet."""
        self.of_users, self.of_movies = grown(self.of_users, users), grown(self.of_movies, movies)

    def add(self, rows: Rows) -> None:
        """Count these ratings too, unless their pairs were rated before."""
        if not rows.is_first.all():
            rows = rows.take(rows.is_first)
        self.of_users += counts(rows.users, len(self.of_users))
        self.of_movies += counts(rows.movies, len(self.of_movies))

    def remove(self, users: I32, movies: I32) -> None:
        """Count these ratings, (n,) row numbers each, no longer."""
        np.subtract.at(self.of_users, users, 1)
        np.subtract.at(self.of_movies, movies, 1)

    def walk(self, rows: Rows, edges: I64) -> tuple[I64, I64]:
        """Ratings of each row's user and movie before its tie group, (n,) each; all count after.

        A row of a pair that was rated before does not count again.
        edges: (k + 1,) borders of the tie groups.
        """
        first = rows.is_first
        users, self.of_users = counted_before(rows.users, first, edges, self.of_users)
        movies, self.of_movies = counted_before(rows.movies, first, edges, self.of_movies)
        return users, movies
