"""A catalogue of movies, ready for search by number and by title."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from rapidfuzz import fuzz, process

from ratecast.data.titles import TITLE, YEAR
from ratecast.errors import InputError
from ratecast.exports.sheet import number_of
from ratecast.exports.title_forms import Forms, split_title
from ratecast.ids import Id, id_of
from ratecast.ratings import MOVIE

_LINKS = {"movieId": MOVIE, "imdbId": "imdb", "tmdbId": "tmdb"}
# MovieLens 100K has a movie of this title, without a year: a place for what is not known.
_PLACEHOLDER = "unknown"
_MOST = 10  # similar titles of a year that are looked at
# How near two titles are: the same words, or the same but for blanks and the first article.
EXACT, CLOSE = 2, 1


@dataclass(frozen=True)
class Name:
    """One of the names of a movie. line: of the movie in the catalogue."""

    line: int
    forms: Forms


class CatalogueIndex:
    """The movies in lines, and the lines of a number, a title or a year.

    movies: columns movie and title, and year for titles without one. links: columns movie, imdb,
    tmdb, as in links.csv of MovieLens.
    """

    def __init__(self, movies: pl.DataFrame, links: pl.DataFrame | None) -> None:
        _require(movies, (MOVIE, TITLE), "movies")
        self.ids: list[Id] = movies[MOVIE].to_list()
        self.id_type = movies.schema[MOVIE]
        self.titles = [title or "" for title in movies[TITLE].cast(pl.String).to_list()]
        self.years: list[int | None] = []
        self._by_form: dict[str, set[int]] = defaultdict(set)
        self._by_words: dict[str, set[int]] = defaultdict(set)
        self._by_year: dict[int | None, list[Name]] = defaultdict(list)
        self._by_bare: dict[str, list[Name]] = defaultdict(list)
        known = movies[YEAR].to_list() if YEAR in movies.columns else [None] * len(self.ids)
        for line, (title, year) in enumerate(zip(self.titles, known, strict=True)):
            self._add(line, title, year)
        self._starts = sorted(self._by_bare)
        self._ends = sorted(bare[::-1] for bare in self._by_bare)
        self._joined = {y: [n.forms.joined for n in names] for y, names in self._by_year.items()}
        self.by_imdb, self.by_tmdb, self.imdb_of = self._links(links)

    def _add(self, line: int, title: str, known_year: int | None) -> None:
        year, names = split_title(title)
        year = known_year if year is None else year
        self.years.append(year)
        if title.strip() == _PLACEHOLDER:
            return
        for form in names:
            if not form.words:
                continue
            name = Name(line, form)
            self._by_year[year].append(name)
            self._by_words[form.words].add(line)
            self._by_bare[form.bare].append(name)
            for text in (form.bare, form.joined):
                self._by_form[text].add(line)

    def _links(
        self, links: pl.DataFrame | None
    ) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
        """Line of an IMDb number, line of a TMDB number, and IMDb number of a line."""
        if links is None:
            return {}, {}, {}
        links = links.rename({old: new for old, new in _LINKS.items() if old in links.columns})
        _require(links, (MOVIE, "imdb", "tmdb"), "links")
        lines = {str(movie): line for line, movie in enumerate(self.ids)}
        of_imdb: dict[int, int] = {}
        of_tmdb: dict[int, int] = {}
        of_line: dict[int, int] = {}
        for movie, imdb, tmdb in links.select(MOVIE, "imdb", "tmdb").iter_rows():
            line = lines.get(str(id_of(movie, True, MOVIE)))
            if line is None:
                continue
            if (number := id_number(imdb)) is not None:
                of_imdb[number], of_line[line] = line, number
            if (number := id_number(tmdb)) is not None:
                of_tmdb[number] = line
        return of_imdb, of_tmdb, of_line

    def of_title(self, title: Forms) -> dict[int, int]:
        """The lines that have the title, with `EXACT` or `CLOSE`."""
        lines = self._by_form.get(title.bare, set()) | self._by_form.get(title.joined, set())
        exact = self._by_words.get(title.words, set())
        return {line: EXACT if line in exact else CLOSE for line in sorted(lines | exact)}

    def similar(self, title: Forms, year: int | None, least: float) -> Iterator[tuple[Name, float]]:
        """Names near the year that have at least this similarity to the title, with it."""
        near = self._by_year if year is None else (year - 1, year, year + 1, None)
        for other in near:
            found = process.extract(
                title.joined,
                self._joined.get(other, ()),
                scorer=fuzz.ratio,
                score_cutoff=least,
                limit=_MOST,
            )
            for _, score, place in found:
                yield self._by_year[other][place], score

    def longer_or_shorter(self, title: Forms) -> Iterator[Name]:
        """Names that are the title with more words before or after it, or with fewer."""
        words = title.bare.split()
        for count in range(1, len(words)):
            yield from self._by_bare.get(" ".join(words[:count]), ())
            yield from self._by_bare.get(" ".join(words[-count:]), ())
        for bare in _starting(self._starts, f"{title.bare} "):
            yield from self._by_bare[bare]
        for back in _starting(self._ends, f"{title.bare[::-1]} "):
            yield from self._by_bare[back[::-1]]


def _starting(texts: list[str], start: str) -> Iterator[str]:
    """Those of the sorted texts that begin so."""
    place = bisect_left(texts, start)
    while place < len(texts) and texts[place].startswith(start):
        yield texts[place]
        place += 1


def given_title(movie: Id, title: str) -> str | None:
    """The title of a movie in a service; None where its number stands for it, as 300 would match.

    >>> given_title(300, "300"), given_title("Alien (1979)", "Alien (1979)")
    (None, 'Alien (1979)')
    """
    return None if title == str(movie) and title.isdigit() else title


def id_number(value: object) -> int | None:
    """The number in an id of IMDb or TMDB: 114709, 114709.0, "0114709" or "tt0114709"."""
    return number_of(str("" if value is None else value).strip().removeprefix("tt"))


def _require(frame: pl.DataFrame, columns: tuple[str, ...], what: str) -> None:
    for name in columns:
        if name not in frame.columns:
            raise InputError(
                f"{what}: no column {name!r}; columns are {', '.join(frame.columns)}; "
                f"give {', '.join(columns)}"
            )
