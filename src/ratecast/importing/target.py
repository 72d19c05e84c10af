"""Where a person's ratings go: a model or a service, both used in the same way."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import polars as pl

from ratecast.data.titles import TITLE
from ratecast.errors import InputError
from ratecast.exports.star_quantiles import StarDistribution

Id = int | str


class Rated(NamedTuple):
    """What became of the ratings of a user: how many were new, changed, and there before.

    token: of a user who was registered for them, where the service has tokens. others: ratings of
    the user that the files have not. kept: by a service; a model in memory keeps nothing.
    """

    user: Id
    new: int
    changed: int
    unchanged: int
    token: str | None = None
    others: int = 0
    kept: bool = True


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

    def forecasts(self, among: pl.Series | None = None) -> pl.DataFrame:
        """The forecasts of movies that the person has not rated, with star probabilities.

        Best first. among: ids of the only movies; None is the catalogue.
        """


def require_titles(where: str, columns: Iterable[str]) -> None:
    """Raise `InputError` for a catalogue without titles, to which nothing can be matched."""
    if TITLE not in columns:
        raise InputError(
            f"{where}: its movies have no titles, so no film of the export can be matched; train "
            "on a table with a column title"
        )
