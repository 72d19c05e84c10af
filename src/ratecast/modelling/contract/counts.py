"""How many ratings a model was given of each user, of each movie, and with each star."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I32, I64
from ratecast.compiled import MANY_ROWS, njit
from ratecast.modelling.contract.rows import Rows, counted_before, counts, grown
from ratecast.modelling.kernels.loops import on_all_threads
from ratecast.ratings import RATING, Ratings

_PIECES = 8


def of_stars(ratings: Ratings) -> I64:
    """How often each star of the scale was given: (S,)."""
    scale, found = ratings.scale, np.zeros(len(ratings.scale.stars), np.int64)
    if scale.step is not None and len(ratings) >= MANY_ROWS:
        each, steps = np.zeros((_PIECES, len(found)), np.int64), (scale.low, scale.step)
        on_all_threads(_count_stars, np.arange(_PIECES + 1), ratings.stars, steps, each)
        found += each.sum(axis=0)
        return found
    # Distinct ratings are few.
    counted = ratings.frame[RATING].value_counts(name="count")
    # A normal likelihood takes any number, and so do the tests of it.
    stars = scale.index(scale.clip(counted[RATING].to_numpy()))
    np.add.at(found, stars, counted["count"].to_numpy().astype(np.int64))
    return found


@njit(cache=True, nogil=True)
def _count_stars(pieces, stars, steps, found):  # type: ignore[no-untyped-def]
    """See `of_stars`; found: (_PIECES, S), a line for each piece of the ratings."""
    (low, step), last = steps, found.shape[1] - 1
    size = (len(stars) + _PIECES - 1) // _PIECES
    for piece in range(pieces[0], pieces[1]):
        for i in range(piece * size, min(len(stars), (piece + 1) * size)):
            star = np.int64(np.rint((stars[i] - low) / step))
            found[piece, max(0, min(star, last))] += 1


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

    def forget(self, user: int, movies: I32) -> None:
        """Count no rating of a user, by row number; movies: that the user rated, (n,)."""
        self.of_users[user] = 0
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
