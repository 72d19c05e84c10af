"""Letterboxd: ratings.csv, diary.csv, reviews.csv, the ZIP that holds them, and what it imports.

The URI in ratings.csv is the film's, but that in diary.csv and reviews.csv is the entry's. So there
the key of a film is its title and year.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import replace

from ratecast.exports.export import TITLE, YEAR, Collector, Entry, Export, with_notes
from ratecast.exports.sheet import Row, Sheet, day, imdb_of, number_of, unguarded
from ratecast.ratings import Scale

SCALE = Scale(0.5, 5, 0.5)
RATINGS, DIARY, REVIEWS = "ratings.csv", "diary.csv", "reviews.csv"
# Folders of the ZIP with files of the same names, which do not count.
ASIDE = ("deleted", "orphaned", "likes")
_SAME_NAME = "of the diary or reviews whose title and year two rated films share"
_SHARED = "title and year are those of more than one film: {} films"
_DAY_ONLY = "times are days, at 0:00 UTC"
Key = Callable[[Row], Hashable]


def read_ratings(sheet: Sheet) -> Export:
    """ratings.csv: one row for each film."""
    collector = _collector(sheet.where)
    _add(collector, sheet, _film)
    return _result(collector)


def read_entries(*sheets: Sheet) -> Export:
    """diary.csv, reviews.csv or both: a row for each viewing, with a rating or without one."""
    collector = _collector(sheets[0].where)
    for sheet in sheets:
        _add(collector, sheet, _name)
    return _result(collector)


def read_import_form(sheet: Sheet) -> Export:
    """The form that Letterboxd imports, as `ratecast export` writes it: a row for each viewing."""
    collector = _collector(sheet.where)
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("Rating"))
        if rating is None:
            continue
        title, year = unguarded(row.text("Title")), row.text("Year")
        imdb, tmdb = imdb_of(row.text("imdbID")), number_of(row.text("tmdbID"))
        at = collector.time(day, row.text("WatchedDate"))
        key = imdb or tmdb or (title, year)
        collector.add(Entry(key, title, rating, at, collector.year(year), imdb=imdb, tmdb=tmdb))
    return replace(_result(collector), in_half_stars=True)


def read_folder(sheets: Sequence[Sheet], where: str) -> Export:
    """ratings.csv and, beside it, diary.csv and reviews.csv.

    Of several ratings of one film the last dated counts.
    """
    ratings, *entries = sheets
    collector = _collector(where)
    films = defaultdict(set)
    for row in ratings.rows():
        films[_name(row)].add(_film(row))
    unique = {name: next(iter(keys)) for name, keys in films.items() if len(keys) == 1}
    for sheet in entries:
        shared = films.keys() - unique.keys()
        _add(collector, sheet, lambda row: unique.get(_name(row), _name(row)), shared)
    # After the others: of two ratings of one day, that of ratings.csv is the film's.
    _add(collector, ratings, _film)
    return _result(collector)


def _collector(where: str) -> Collector:
    collector = Collector("Letterboxd", SCALE, where)
    collector.times = _DAY_ONLY
    return collector


def _add(collector: Collector, sheet: Sheet, key: Key, shared: Collection[Hashable] = ()) -> None:
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("Rating"))
        if rating is None:
            continue
        if _name(row) in shared:
            collector.leave_out(_SAME_NAME)
            continue
        year = collector.year(row.text("Year"))
        at = collector.time(day, row.text("Date"))
        entry = Entry(key(row), row.text("Name"), rating, at, year)
        collector.add(entry)


def _film(row: Row) -> Hashable:
    return row.text("Letterboxd URI") or _name(row)


def _name(row: Row) -> Hashable:
    return row.text("Name"), row.text("Year")


def _result(collector: Collector) -> Export:
    export = collector.result()
    counts = Counter(export.frame.select(TITLE, YEAR).iter_rows())
    shared = sum(count for count in counts.values() if count > 1)
    if not shared:
        return export
    return with_notes(export, _SHARED.format(shared))
