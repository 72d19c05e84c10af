"""The movies that a model knows: their records, and search by title."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

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
        self.ids: list[Id] = table[MOVIE].to_list()
        self.seen = seen
        titles = _column(table, "title")
        genres = _column(table, "genres")
        self.movies = [
            Movie(movie, str(title or movie), year, _genres(own), int(count))
            for movie, title, year, own, count in zip(
                self.ids, titles, _column(table, "year"), genres, seen, strict=True
            )
        ]
        self.line = {movie: line for line, movie in enumerate(self.ids)}

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def years(self) -> NDArray[np.float64]:
        """Year of each movie, NaN where unknown: (m,)."""
        return np.array([np.nan if m.year is None else m.year for m in self.movies], float)

    @cached_property
    def genres(self) -> dict[str, NDArray[np.bool_]]:
        """Genre to a mask of its movies: (m,)."""
        names = sorted({name for movie in self.movies for name in movie.genres})
        return {name: np.array([name in m.genres for m in self.movies]) for name in names}

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
