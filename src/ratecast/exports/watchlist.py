"""A watchlist, which is films without ratings, of Letterboxd or of IMDb."""

import io
import zipfile
from collections.abc import Iterable, Iterator

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.archive import BROKEN, ZIP, Archive
from ratecast.exports.encoding import to_utf8
from ratecast.exports.export import IMDB
from ratecast.exports.imdb import is_film
from ratecast.exports.match import films
from ratecast.exports.sheet import Sheet, imdb_of, year_of

NAME = "watchlist.csv"
COLUMNS = ("Date", "Name", "Year", "Letterboxd URI")
OF_IMDB = ("Const", "Title", "Title Type", "Year", "Your Rating")
MOST_FILMS = 20_000


def is_watchlist(data: bytes, where: str) -> bool:
    """Whether these are the bytes of a watchlist, and not of ratings or of something else.

    Of IMDb it has the columns of ratings; then no film in it has one.
    """
    try:
        if data.startswith(ZIP):
            return False
        sheet = Sheet.of(to_utf8(data, where), where)
        rated = _has(sheet, OF_IMDB) and any(row.text("Your Rating") for row in sheet.rows())
        return not rated and _is_list(sheet)
    except InputError:
        return False


def read_watchlist(data: bytes, where: str) -> pl.DataFrame:
    """The films of a watchlist, as `films` gives them, in its order.

    data: of watchlist.csv or the ZIP of Letterboxd, or of the CSV of IMDb. Raises `InputError` for
    another file.
    """
    if data.startswith(ZIP):
        data, where = _unpacked(data, where)
    sheet = Sheet.of(to_utf8(data, where), where)
    if not _is_list(sheet):
        shown = " ".join(", ".join(sheet.columns).split())[:120]
        line = f"first line ({shown})" if shown else "empty first line"
        raise InputError(
            f"{where}: not a watchlist of Letterboxd or IMDb, by its {line}; give "
            f"{NAME}, whose columns are {', '.join(COLUMNS)}, or the CSV of IMDb's watchlist"
        )
    rows = [*dict.fromkeys(row for row in _rows(sheet) if row[0])]
    if len(rows) > MOST_FILMS:
        raise InputError(f"{where}: over {MOST_FILMS:,} films; give a part of the list")
    numbers = pl.Series(IMDB, [number for *_, number in rows], dtype=pl.String)
    return films([row[0] for row in rows], [row[1] for row in rows]).with_columns(numbers)


def _rows(sheet: Sheet) -> Iterator[tuple[str, int | None, str | None]]:
    """Title, year and number of IMDb of each film."""
    if not _has(sheet, OF_IMDB):
        yield from ((row.text("Name"), year_of(row.text("Year")), None) for row in sheet.rows())
        return
    for row in sheet.rows():
        if is_film(row.text("Title Type")):
            yield row.text("Title"), year_of(row.text("Year")), imdb_of(row.text("Const"))


def _is_list(sheet: Sheet) -> bool:
    return _has(sheet, OF_IMDB) or (_has(sheet, COLUMNS) and "Rating" not in sheet.columns)


def _has(sheet: Sheet, columns: Iterable[str]) -> bool:
    return set(sheet.columns).issuperset(columns)


def _unpacked(data: bytes, where: str) -> tuple[bytes, str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            archive = Archive(file, where)
            named = [n for n in archive.names() if n.replace("\\", "/").split("/")[-1] == NAME]
            if not named:
                raise InputError(f"{where}: a ZIP without {NAME}; give the ZIP of Letterboxd")
            return archive.read(named[0]), archive.location(named[0])
    except BROKEN as error:
        raise InputError(f"{where}: broken ZIP ({error}); download it again") from None
