"""The watchlist of Letterboxd: films without ratings, in watchlist.csv or in the ZIP with it."""

import io
import zipfile

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.archive import BROKEN, ZIP, Archive
from ratecast.exports.encoding import to_utf8
from ratecast.exports.match import films
from ratecast.exports.sheet import Sheet, year_of

NAME = "watchlist.csv"
COLUMNS = ("Date", "Name", "Year", "Letterboxd URI")
MOST_FILMS = 20_000


def is_watchlist(data: bytes, where: str) -> bool:
    """Whether these are the bytes of a watchlist, and not of ratings or of something else."""
    try:
        return not data.startswith(ZIP) and _is_list(Sheet.of(to_utf8(data, where), where))
    except InputError:
        return False


def read_watchlist(data: bytes, where: str) -> pl.DataFrame:
    """The films of a watchlist, as `films` gives them, in its order.

    data: of watchlist.csv, or of the ZIP of Letterboxd. Raises `InputError` for another file.
    """
    if data.startswith(ZIP):
        data, where = _unpacked(data, where)
    sheet = Sheet.of(to_utf8(data, where), where)
    if not _is_list(sheet):
        shown = " ".join(", ".join(sheet.columns).split())[:120]
        raise InputError(
            f"{where}: not a watchlist of Letterboxd, by its first line ({shown}); give "
            f"{NAME}, whose columns are {', '.join(COLUMNS)}"
        )
    rows = [(row.text("Name"), year_of(row.text("Year"))) for row in sheet.rows()]
    rows = [(title, year) for title, year in dict.fromkeys(rows) if title]
    if len(rows) > MOST_FILMS:
        raise InputError(f"{where}: over {MOST_FILMS:,} films; give a part of the list")
    return films([title for title, _ in rows], [year for _, year in rows])


def _is_list(sheet: Sheet) -> bool:
    return set(sheet.columns).issuperset(COLUMNS) and "Rating" not in sheet.columns


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
