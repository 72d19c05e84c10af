"""What an export changes in the ratings that a person has already: it adds and changes only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from ratecast.ratings import MOVIE, RATING

Id = int | str
MOST_ENTRIES = 1000


@dataclass(frozen=True)
class Changes:
    """Stars of movies that were not rated, and of those rated otherwise.

    unchanged: number of ratings that are there already.
    """

    new: dict[Id, float]
    changed: dict[Id, float]
    unchanged: int

    @classmethod
    def of(cls, ratings: pl.DataFrame, present: Mapping[Id, float]) -> "Changes":
        """Of ratings, columns movie and rating, against the present stars of each movie."""
        given: dict[Id, float] = dict(ratings.select(MOVIE, RATING).iter_rows())
        new = {movie: stars for movie, stars in given.items() if movie not in present}
        changed = {
            movie: stars
            for movie, stars in given.items()
            if movie in present and abs(present[movie] - stars) > 1e-6
        }
        return cls(new, changed, len(given) - len(new) - len(changed))

    def parts(self) -> Iterator[dict[Id, float]]:
        """All that is to be written, in parts of as many ratings as a service takes at once."""
        stars = list((self.new | self.changed).items())
        for start in range(0, len(stars), MOST_ENTRIES):
            yield dict(stars[start : start + MOST_ENTRIES])
