"""IMDb: the ratings page, lists and the watchlist, and the layout to 2017.

The column "IMDb Rating" is the mean of everyone, never the person's rating.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Sheet, c_time, day, imdb_of
from ratecast.ratings import Scale

SCALE = Scale(1, 10)
# Types as codes (tvSeries), in English and in the languages of the site, without accents.
_NO_FILM = re.compile(r"serie|episod|folge|podcast|game|spiel|videojuego|videogioco|jeu ")
_MINI = re.compile(r"\bmini")
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def read_ratings(sheet: Sheet) -> Export:
    """The ratings page, a list or the watchlist; in the last two a rating is often empty."""
    return _read(sheet, _Columns("Const", "Your Rating", "Date Rated"), day)


def read_old(sheet: Sheet) -> Export:
    """The layout to 2017: a lower-case header, and times such as `Sat Dec 31 00:00:00 2016`."""
    return _read(sheet, _Columns("const", "You rated", "created"), _created)


class _Columns(NamedTuple):
    """Of a layout: the number of the title, the person's rating, and its day."""

    const: str
    rating: str
    at: str


def _created(text: str) -> int | None:
    at = c_time(text)
    return day(text) if at is None else at


def _read(sheet: Sheet, columns: _Columns, time: Callable[[str], int | None]) -> Export:
    collector = Collector("IMDb", SCALE, sheet.where)
    for row in sheet.rows():
        kind = row.text("Title Type") or row.text("Title type")
        if not is_film(kind):
            collector.leave_out(f"of the type {kind}")
            continue
        stars = collector.stars(row.location, row.text(columns.rating))
        if stars is None:
            continue
        title, year, imdb = row.text("Title"), row.text("Year"), imdb_of(row.text(columns.const))
        entry = Entry(
            imdb or (title, year),
            title,
            stars,
            collector.time(time, row.text(columns.at)),
            collector.year(year),
            original=row.text("Original Title") or None,
            imdb=imdb,
        )
        collector.add(entry)
    return collector.result()


def is_film(kind: str) -> bool:
    """Whether a title type may be a film's; mini series may, catalogues of films hold some.

    A type that is not known counts as a film, because it may be in any language.
    """
    spaced = unicodedata.normalize("NFKD", _WORDS.sub(" ", kind))
    plain = "".join(letter for letter in spaced if not unicodedata.combining(letter)).lower()
    return not _NO_FILM.search(plain) or (bool(_MINI.search(plain)) and "episod" not in plain)
