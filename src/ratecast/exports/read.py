"""Reads the export of a rating site, which is recognised by content and not by name."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ratecast.errors import InputError
from ratecast.exports import books, imdb, letterboxd, myanimelist, netflix, trakt
from ratecast.exports.export import Export, with_notes
from ratecast.exports.letterboxd import BROKEN, MOST_BYTES
from ratecast.exports.sheet import Sheet

KNOWN = (
    "Letterboxd ZIP, ratings.csv, diary.csv or reviews.csv; IMDb ratings or list CSV; Goodreads or "
    "StoryGraph CSV; MyAnimeList XML or .xml.gz; Trakt ratings-movies.json or CSV; Netflix "
    "Ratings.csv"
)
_WINDOWS = "lines that are not UTF-8 were read in the Windows encoding (1252)"


class Layout(NamedTuple):
    """A CSV layout: the columns by which it is recognised, and its reader."""

    columns: tuple[str, ...]
    read: Callable[[Sheet], Export]


# Of sites that are read, but without ratings: columns, and the file to give instead.
WITHOUT_RATINGS = (
    (("Date", "Name", "Year", "Letterboxd URI"), "Letterboxd", "give the ZIP or ratings.csv"),
    (("Position", "Const", "Created"), "IMDb", "export the page of your ratings"),
    (("Title", "Date"), "Netflix viewing history", "give Ratings.csv of the account export"),
)


def read_export(path: Path | str, profile: str | None = None) -> Export:
    """The ratings in a file that a rating site made for a person.

    profile: of a Netflix export with several. Raises `InputError` for a file of another layout, a
    rating off the scale of the site, or a file without ratings.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(f"{path}: {reason}; give the file that the site made") from None
    return read_bytes(_limited(data, str(path)), str(path), profile)


def read_bytes(data: bytes, where: str, profile: str | None = None) -> Export:
    """The ratings in the bytes of a file, as `read_export`. where: the file, for messages."""
    if data.startswith(b"PK\x03\x04"):
        return _read_zip(data, where)
    if data.startswith(b"\x1f\x8b"):
        data = _gunzipped(data, where)
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        export = myanimelist.read(data, where)
    elif start in (b"[", b"{"):
        export = trakt.read_json(data, where)
    else:
        return _read_sheet(Sheet.of(data, where), profile)
    if export is None:
        raise InputError(_unknown(where, "its content"))
    return export


def _read_sheet(sheet: Sheet, profile: str | None) -> Export:
    columns = set(sheet.columns)
    for layout in _layouts(profile):
        if columns.issuperset(layout.columns):
            export = layout.read(sheet)
            return with_notes(export, _WINDOWS) if sheet.windows else export
    for names, source, advice in WITHOUT_RATINGS:
        if sheet.columns[: len(names)] == names:
            raise InputError(f"{sheet.where}: a file of {source} without ratings; {advice}")
    shown = " ".join(", ".join(sheet.columns).split())[:120]
    raise InputError(
        _unknown(sheet.where, f"its first line ({shown})" if shown else "its empty first line")
    )


def _layouts(profile: str | None) -> tuple[Layout, ...]:
    """The CSV layouts; those with more columns stand before those with fewer of them."""
    return (
        Layout(letterboxd.DIARY_COLUMNS, letterboxd.read_entries),
        Layout(letterboxd.RATINGS_COLUMNS, letterboxd.read_ratings),
        Layout(imdb.RATINGS_COLUMNS, imdb.read_ratings),
        Layout(imdb.OLD_COLUMNS, imdb.read_old),
        Layout(books.GOODREADS_COLUMNS, books.read_goodreads),
        Layout(books.STORYGRAPH_COLUMNS, books.read_storygraph),
        Layout(trakt.CSV_COLUMNS, trakt.read_csv),
        Layout(netflix.COLUMNS, partial(netflix.read, profile=profile)),
    )


def _unknown(where: str, fault: str) -> str:
    return (
        f"{where}: not a known export, by {fault}; looked for {KNOWN}; give one as the site made it"
    )


def _read_zip(data: bytes, where: str) -> Export:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return letterboxd.read_archive(archive, where)
    except BROKEN as error:
        raise InputError(f"{where}: broken ZIP ({error}); download it again") from None


def _gunzipped(data: bytes, where: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _limited(file.read(MOST_BYTES + 1), where)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{where}: broken gzip ({error}); download it again") from None


def _limited(data: bytes, where: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise InputError(f"{where}: over {MOST_BYTES >> 20} MiB; give the file of one person")
    return data
