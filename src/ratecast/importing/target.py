"""Where a person's ratings go: a model or a service, both used in the same way."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import polars as pl

from ratecast.data.titles import TITLE
from ratecast.errors import InputError
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.ratings import MOVIE, RATING

Id = int | str


class Rated(NamedTuple):
    """What became of the ratings of a user: how many were new, changed, and there before.

    token: of a user who was registered for them, where the service has tokens.
    """

    user: Id
    new: int
    changed: int
    unchanged: int
    token: str | None = None


@dataclass(frozen=True)
class Changes:
    """What a file changes: stars of movies that were not rated, and of those rated otherwise."""

    new: dict[Id, float]
    changed: dict[Id, float]
    unchanged: int

    @property
    def stars(self) -> dict[Id, float]:
        """All that is to be written."""
        return self.new | self.changed


class Target(Protocol):
    """A model or a service, to which a person brings ratings."""

    @property
    def movies(self) -> pl.DataFrame:
        """The catalogue: columns movie and title, and year where it is known."""

    @property
    def stars(self) -> StarDistribution:
        """How often each star of the model's scale is given."""

    def rate(self, ratings: pl.DataFrame) -> Rated:
        """Add or change ratings, columns movie, rating (on the model's scale) and at."""

    def best(self, count: int) -> pl.DataFrame:
        """The best movies that the person has not rated: rank, movie, title, stars, low, high."""

    def forecasts(self) -> pl.DataFrame:
        """The forecasts of all movies that the person has not rated, with star probabilities."""


def changes(ratings: pl.DataFrame, present: dict[Id, float]) -> Changes:
    """What `ratings` (columns movie and rating) change in the present stars of each movie."""
    given: dict[Id, float] = dict(ratings.select(MOVIE, RATING).iter_rows())
    new = {movie: stars for movie, stars in given.items() if movie not in present}
    changed = {
        movie: stars
        for movie, stars in given.items()
        if movie in present and abs(present[movie] - stars) > 1e-6
    }
    return Changes(new, changed, len(given) - len(new) - len(changed))


def require_titles(where: str, columns: Iterable[str]) -> None:
    """Raise `InputError` for a catalogue without titles, to which nothing can be matched."""
    if TITLE not in columns:
        raise InputError(
            f"{where}: its movies have no titles, so no film of the export can be matched; train "
            "on a table with a column title"
        )
