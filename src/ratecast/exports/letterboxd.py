"""Letterboxd: ratings.csv, diary.csv and reviews.csv, and the ZIP that holds them.

The URI in ratings.csv is the film's, but that in diary.csv and reviews.csv is the entry's. So there
the key of a film is its title and year.
"""

import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable

from ratecast.errors import InputError
from ratecast.exports.export import TITLE, YEAR, Collector, Entry, Export, with_notes
from ratecast.exports.sheet import Row, Sheet, day, year_of
from ratecast.ratings import Scale

SCALE = Scale(0.5, 5, 0.5)
RATINGS_COLUMNS = ("Date", "Name", "Year", "Letterboxd URI", "Rating")
DIARY_COLUMNS = (*RATINGS_COLUMNS, "Rewatch", "Watched Date")
_RATINGS, _DIARY = "ratings.csv", "diary.csv"
_SAME_NAME = "of the diary whose title and year two rated films share"
_SHARED = "title and year are those of more than one film: {} films"
_DAY_ONLY = "times are days, at 0:00 UTC"
# Many times the largest that a person could write.
MOST_BYTES = 64 << 20
# What zipfile raises for a torn archive: a wrong offset is a ValueError, wrong data a zlib.error.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    RuntimeError,
    NotImplementedError,
    EOFError,
    OSError,
)
Key = Callable[[Row], Hashable]


def read_ratings(sheet: Sheet) -> Export:
    """ratings.csv: one row for each film."""
    collector = _collector(sheet.where)
    _add(collector, sheet, _film)
    return _result(collector)


def read_entries(sheet: Sheet) -> Export:
    """diary.csv or reviews.csv: a row for each viewing, with a rating or without one."""
    collector = _collector(sheet.where)
    _add(collector, sheet, _name)
    return _result(collector)


def read_archive(archive: zipfile.ZipFile, where: str) -> Export:
    """The ZIP: ratings.csv at its top and, beside it, diary.csv.

    Folders (deleted, orphaned, likes) have files of the same names, which are not read. Of several
    ratings of one film the last dated counts.
    """
    names = archive.namelist()
    if _RATINGS not in names:
        raise InputError(
            f"{where}: no ratings.csv at the top of the archive; give the ZIP as Letterboxd makes "
            "it, or the ratings file out of the ZIP of another site"
        )
    ratings = Sheet.of(_member(archive, _RATINGS, where), f"{where}, {_RATINGS}")
    _require(ratings, RATINGS_COLUMNS)
    collector = _collector(where)
    films = defaultdict(set)
    for row in ratings.rows():
        films[_name(row)].add(_film(row))
    unique = {name: next(iter(keys)) for name, keys in films.items() if len(keys) == 1}
    if _DIARY in names:
        diary = Sheet.of(_member(archive, _DIARY, where), f"{where}, {_DIARY}")
        _require(diary, DIARY_COLUMNS)
        shared = films.keys() - unique.keys()
        _add(collector, diary, lambda row: unique.get(_name(row), _name(row)), shared)
    # After the diary: of two ratings of one day, that of ratings.csv is the film's.
    _add(collector, ratings, _film)
    others = sum(name.endswith((f"/{_RATINGS}", f"/{_DIARY}")) for name in names)
    if others:
        files = "1 file" if others == 1 else f"{others} files"
        collector.assumed.append(f"not read: {files} of the same names in folders of the archive")
    return _result(collector)


def _collector(where: str) -> Collector:
    return Collector("Letterboxd", SCALE, where)


def _add(collector: Collector, sheet: Sheet, key: Key, shared: Collection[Hashable] = ()) -> None:
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("Rating"), ("0",))
        if rating is None:
            continue
        if _name(row) in shared:
            collector.leave_out(_SAME_NAME)
            continue
        year = year_of(row.text("Year"))
        entry = Entry(key(row), row.text("Name"), rating, day(row.text("Date")), year)
        collector.add(entry)


def _film(row: Row) -> Hashable:
    return row.text("Letterboxd URI") or _name(row)


def _name(row: Row) -> Hashable:
    return row.text("Name"), row.text("Year")


def _result(collector: Collector) -> Export:
    collector.assumed.append(_DAY_ONLY)
    export = collector.result()
    counts = Counter(export.frame.select(TITLE, YEAR).iter_rows())
    shared = sum(count for count in counts.values() if count > 1)
    if not shared:
        return export
    return with_notes(export, _SHARED.format(shared))


def _require(sheet: Sheet, columns: tuple[str, ...]) -> None:
    for name in columns:
        if name not in sheet.columns:
            raise InputError(
                f"{sheet.where}: no column {name!r}, so it is not of Letterboxd; give the ZIP as "
                "Letterboxd makes it"
            )


def _member(archive: zipfile.ZipFile, name: str, where: str) -> bytes:
    try:
        with archive.open(name) as file:
            data = file.read(MOST_BYTES + 1)
    except BROKEN as error:
        raise InputError(f"{where}: {name} cannot be read ({error}); download it again") from None
    if len(data) > MOST_BYTES:
        raise InputError(f"{where}: {name} is over {MOST_BYTES >> 20} MiB; give a file of ratings")
    return data
