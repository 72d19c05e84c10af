"""The movies that a model knows: their records, and search by title."""

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from ratecast.data.titles import TITLE, YEAR
from ratecast.exports.catalogue_index import CatalogueIndex, given_title
from ratecast.ids import Id
from ratecast.ratings import MOVIE

MIN_SIMILARITY = 75.0  # of two titles, 0 to 100
_ARTICLE = re.compile(r"^(.*), (the|a|an|la|le|les|il|el|das|der|die|l')$")


@dataclass(frozen=True, slots=True)
class Movie:
    """A movie of the catalogue. seen: number of its ratings that the model was trained on."""

    id: Id
    title: str
    year: int | None
    genres: tuple[str, ...]
    seen: int


class Catalogue:
    """All movies of a model, in row order (line i is row i + 1).

    Args:
        table: the movie ids, with the columns title, year and genres if known.
        seen: number of training ratings of each movie, (m,).
    """

    def __init__(self, table: pl.DataFrame, seen: NDArray[np.int64]) -> None:
        self.ids: list[Id] = []
        self.movies: list[Movie] = []
        self.line: dict[Id, int] = {}
        self.seen = seen[:0]
        self.add(table, seen)

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, table: pl.DataFrame, seen: NDArray[np.int64]) -> None:
        """Add movies behind those that are there; table, seen: as for a new catalogue."""
        ids, titles = table[MOVIE].to_list(), _column(table, "title")
        self.line |= {movie: line for line, movie in enumerate(ids, len(self.ids))}
        # New lists, since a thread that matches titles may hold the former ones.
        self.ids, self.seen = [*self.ids, *ids], np.concatenate([self.seen, seen])
        rows = zip(ids, titles, _column(table, "year"), _column(table, "genres"), seen, strict=True)
        self.movies = [
            *self.movies,
            *(
                Movie(movie, str(title or movie), year, _genres(own), int(count))
                for movie, title, year, own, count in rows
            ),
        ]
        for computed in ("years", "genres", "titles", "index", "order", "_plain"):
            self.__dict__.pop(computed, None)

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """Year of each movie, NaN where unknown: (m,)."""
        return np.array([np.nan if m.year is None else m.year for m in self.movies], float)

    @cached_property
    def genres(self) -> dict[str, NDArray[np.bool_]]:
        """Genre to a mask of its movies: (m,)."""
        names = sorted({name for movie in self.movies for name in movie.genres})
        return {name: np.array([name in m.genres for m in self.movies]) for name in names}

    @cached_property
    def titles(self) -> pl.DataFrame:
        """Columns movie, title and year, to which films are matched; no title is null."""
        movies = self.movies
        titles = [given_title(movie.id, movie.title) for movie in movies]
        return pl.DataFrame(
            {
                MOVIE: [movie.id for movie in movies],
                TITLE: pl.Series(titles, dtype=pl.String),
                YEAR: pl.Series([movie.year for movie in movies], dtype=pl.Int32),
            }
        )

    @cached_property
    def index(self) -> CatalogueIndex:
        """The titles, ready to be searched for those of films; takes seconds if there are many."""
        return CatalogueIndex(self.titles, None)

    @cached_property
    def order(self) -> list[Id]:
        """The ids in ascending order."""
        return sorted(self.ids)

    def after(
        self, movie: Id | None, count: int, allowed: NDArray[np.bool_]
    ) -> tuple[list[Movie], Id | None]:
        """The next `count` movies in the order of their ids, and the id to go on after, or None.

        movie: the id after which they begin, known or not; None: from the first. allowed: (m,).
        """
        start = 0 if movie is None else bisect_right(self.order, movie)
        lines = (self.line[each] for each in self.order[start:])
        found = list(islice((line for line in lines if allowed[line]), count + 1))
        page = [self.movies[line] for line in found[:count]]
        return page, page[-1].id if len(found) > count else None

    def search(self, text: str, count: int = 10) -> list[Movie]:
        """Movies by title: exact match, then prefix, then words; if there is none, approximate.

        Ties are ordered by the number of ratings, highest first.
        """
        query = plain(text)
        if not query:
            return []
        words = query.split()
        ranks = [_rank(title, query, words) for title in self._plain]
        if all(rank == 3 for rank in ranks):
            partial = process.cdist([query], self._plain, scorer=fuzz.partial_ratio)[0]
            whole = process.cdist([query], self._plain, scorer=fuzz.ratio)[0]
            lines = np.flatnonzero(partial >= MIN_SIMILARITY).tolist()
            lines.sort(key=lambda line: (-round(partial[line] + whole[line]), -self.seen[line]))
        else:
            lines = [line for line, rank in enumerate(ranks) if rank < 3]
            lines.sort(key=lambda line: (ranks[line], -self.seen[line]))
        return [self.movies[line] for line in lines[:count]]

    @cached_property
    def _plain(self) -> list[str]:
        return [plain(movie.title) for movie in self.movies]


def plain(text: str) -> str:
    """A title without case, accents and punctuation; a trailing article moves to the front."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    flat = "".join(c for c in flat if not unicodedata.combining(c))
    title, bracket, rest = flat.partition(" (")
    if match := _ARTICLE.match(title.strip()):
        title = f"{match[2]} {match[1]}"
    return " ".join(re.findall(r"\w+", f"{title} {bracket}{rest}"))


def _rank(title: str, query: str, words: list[str]) -> int:
    """0: exact match. 1: prefix. 2: each word is a prefix of a word of the title. 3: no match."""
    if title == query:
        return 0
    bare = title.removeprefix("the ").removeprefix("a ")
    if title.startswith(query) or bare.startswith(query):
        return 1
    parts = title.split()
    return 2 if all(any(part.startswith(word) for part in parts) for word in words) else 3


def _column(table: pl.DataFrame, name: str) -> list[Any]:
    return table[name].to_list() if name in table.columns else [None] * table.height


def _genres(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace("|", " ").split())
    return tuple(value) if isinstance(value, list) else ()
