"""A person's watchlist: which of its films a model or a service has."""

from pathlib import Path
from typing import Any, NamedTuple, Self

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.catalogue_index import CatalogueIndex
from ratecast.exports.export import TITLE, YEAR
from ratecast.exports.match import match_films
from ratecast.exports.matches import MATCHED
from ratecast.exports.watchlist import read_watchlist
from ratecast.importing.report import EXAMPLES, named
from ratecast.ratings import MOVIE
from ratecast.visible_text import counted


class Watchlist(NamedTuple):
    """movies: ids of the films that were found, each once. missing: the names of the others."""

    films: int
    movies: pl.Series
    missing: list[str]

    @classmethod
    def of(cls, path: Path, films: pl.DataFrame, index: CatalogueIndex) -> Self:
        """films: of the file at `path`. Raises `InputError` where none is in the catalogue."""
        if not films.height:
            raise InputError(f"{path}: has no film; add some to the list, and get its file again")
        found = match_films(films, index)
        matched = found.filter(status=MATCHED)
        if not matched.height:
            raise InputError(
                f"{path}: none of {counted(films.height, 'film')} is in the catalogue for certain; "
                "give another list, or another catalogue"
            )
        others = found.filter(pl.col("status") != MATCHED).select(TITLE, YEAR).iter_rows()
        missing = [named(title, year) for title, year in others]
        return cls(
            films.height, matched["candidate"].unique(maintain_order=True).alias(MOVIE), missing
        )

    def facts(self, forecasts: int) -> dict[str, Any]:
        """As plain values. forecasts: of how many movies, as the person has not rated them."""
        matched = len(self.movies)
        counts = {"films": self.films, "matched": matched, "forecasts": forecasts}
        return {**counts, "not_matched": self.missing}

    def line(self, forecasts: int) -> str:
        """The same for people, with a few of the films that were not found."""
        rest = len(self.missing) - EXAMPLES
        more = "; not found for certain: " if self.missing else ""
        more += ", ".join(self.missing[:EXAMPLES]) + (f" and {rest:,} more" if rest > 0 else "")
        return (
            f"watchlist: {counted(self.films, 'film')}, {len(self.movies):,} in the catalogue, "
            f"forecasts for {forecasts:,} that you have not rated{more}"
        )


def read_films(path: Path) -> pl.DataFrame:
    """The films of the watchlist in a file. Raises `InputError`."""
    try:
        data = path.expanduser().read_bytes()
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror or error}; give the watchlist that Letterboxd or IMDb made"
        ) from None
    return read_watchlist(data, str(path))
