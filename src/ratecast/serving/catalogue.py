"""The movies that a model knows, as facts for people, and how one is found by its title."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from ratecast.ratings import MOVIE

Id = int | str
ALIKE = 75.0
_ARTICLE = re.compile(r"^(.*), (the|a|an|la|le|les|il|el|das|der|die|l')$")


@dataclass(frozen=True, slots=True)
class Movie:
    """What is known of a movie beforehand. seen: how many ratings of it the model learned from."""

    id: Id
    title: str
    year: int | None
    genres: tuple[str, ...]
    seen: int


class Catalogue:
    """Every movie of a model, in the order of its row numbers (line i is row i + 1)."""

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
        """Year of each movie, NaN where it is not known: (m,)."""
        return np.array([np.nan if m.year is None else m.year for m in self.movies], float)

    @cached_property
    def genres(self) -> dict[str, NDArray[np.bool_]]:
        """Of each genre, which movies bear it: (m,)."""
        names = sorted({name for movie in self.movies for name in movie.genres})
        return {name: np.array([name in m.genres for m in self.movies]) for name in names}

    def search(self, text: str, count: int = 10) -> list[Movie]:
        """Movies whose title has `text`, or nearly: whole title, its beginning, words, likeness.

        Among equals, those that more people rated come first.
        """
        asked = plain(text)
        if not asked:
            return []
        words = asked.split()
        ranks = [_rank(title, asked, words) for title in self._plain]
        if all(rank == 3 for rank in ranks):
            near = process.cdist([asked], self._plain, scorer=fuzz.partial_ratio)[0]
            whole = process.cdist([asked], self._plain, scorer=fuzz.ratio)[0]
            found = np.flatnonzero(near >= ALIKE).tolist()
            found.sort(key=lambda line: (-round(near[line] + whole[line]), -self.seen[line]))
        else:
            found = [line for line, rank in enumerate(ranks) if rank < 3]
            found.sort(key=lambda line: (ranks[line], -self.seen[line]))
        return [self.movies[line] for line in found[:count]]

    @cached_property
    def _plain(self) -> list[str]:
        return [plain(movie.title) for movie in self.movies]


def plain(text: str) -> str:
    """Without case, accents and signs; an article that stands behind is put in front again."""
    flat = unicodedata.normalize("NFKD", text.casefold())
    flat = "".join(c for c in flat if not unicodedata.combining(c))
    title, bracket, rest = flat.partition(" (")
    if found := _ARTICLE.match(title.strip()):
        title = f"{found[2]} {found[1]}"
    return " ".join(re.findall(r"\w+", f"{title} {bracket}{rest}"))


def _rank(title: str, asked: str, words: list[str]) -> int:
    if title == asked:
        return 0
    bare = title.removeprefix("the ").removeprefix("a ")
    if title.startswith(asked) or bare.startswith(asked):
        return 1
    parts = title.split()
    return 2 if all(any(part.startswith(word) for part in parts) for word in words) else 3


def _column(table: pl.DataFrame, name: str) -> list[Any]:
    return table[name].to_list() if name in table.columns else [None] * table.height


def _genres(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.replace("|", " ").split())
    return tuple(value) if isinstance(value, list) else ()
