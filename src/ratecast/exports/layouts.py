"""The layouts of the CSV files of rating sites, by which they are recognised."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from ratecast.data import site_exports
from ratecast.data.column_roles import NAMES, normalized
from ratecast.errors import InputError
from ratecast.exports import books, imdb, letterboxd, netflix, trakt
from ratecast.exports.export import Export, with_notes
from ratecast.exports.sheet import Sheet
from ratecast.ratings import USER

KNOWN = (
    "Letterboxd ZIP, ratings.csv, diary.csv, reviews.csv or the form that it imports; IMDb ratings "
    "or list CSV; Goodreads or StoryGraph CSV; MyAnimeList XML or .xml.gz; Trakt JSON or CSV; "
    "Netflix Ratings.csv"
)
_WINDOWS = "lines that are not UTF-8 were read in the Windows encoding (1252)"


class Layout(NamedTuple):
    """A CSV layout: the columns by which it is recognised, and its reader."""

    columns: tuple[str, ...]
    read: Callable[[Sheet], Export]


# Those with more columns stand before those with fewer of them.
_LAYOUTS = (
    Layout(site_exports.LETTERBOXD_DIARY, letterboxd.read_entries),
    Layout(site_exports.LETTERBOXD, letterboxd.read_ratings),
    Layout(site_exports.IMDB, imdb.read_ratings),
    Layout(site_exports.IMDB_OLD, imdb.read_old),
    Layout(site_exports.GOODREADS, books.read_goodreads),
    Layout(site_exports.STORYGRAPH, books.read_storygraph),
    Layout(site_exports.TRAKT_CSV, trakt.read_csv),
    Layout(site_exports.NETFLIX, partial(netflix.read, profile=None)),
    Layout(site_exports.LETTERBOXD_FORM, letterboxd.read_import_form),
)
# Of sites that are read, but without ratings: columns, and the file to give instead.
WITHOUT_RATINGS = (
    (("Date", "Name", "Year", "Letterboxd URI"), "Letterboxd", "give the ZIP or ratings.csv"),
    (("Position", "Const", "Created"), "IMDb", "export the page of your ratings"),
    (("Title", "Date"), "Netflix viewing history", "give Ratings.csv of the account export"),
)


def layout_of(columns: tuple[str, ...]) -> Layout | None:
    """The layout of a CSV file with these columns, or None."""
    names = set(columns)
    return next((layout for layout in _LAYOUTS if names.issuperset(layout.columns)), None)


def without_ratings(columns: tuple[str, ...]) -> tuple[str, str] | None:
    """Of a file without ratings, by its columns: its site, and what to give instead."""
    found = (rest for names, *rest in WITHOUT_RATINGS if columns[: len(names)] == names)
    return next(((source, advice) for source, advice in found), None)


def read_sheet(sheet: Sheet, profile: str | None) -> Export:
    """The ratings in a CSV file. Raises `InputError` for one of no known layout."""
    layout = layout_of(sheet.columns)
    if layout is None:
        raise InputError(_unknown_columns(sheet))
    if layout.columns == site_exports.NETFLIX:
        export = netflix.read(sheet, profile)
    else:
        export = layout.read(sheet)
    return with_notes(export, _WINDOWS) if sheet.windows else export


def unknown(where: str, fault: str) -> str:
    """The message for a file of no known layout."""
    return (
        f"{where}: not a known export, by {fault}; looked for {KNOWN}; give one as the site made it"
    )


def _unknown_columns(sheet: Sheet) -> str:
    if found := without_ratings(sheet.columns):
        source, advice = found
        return f"{sheet.where}: a file of {source} without ratings; {advice}"
    if {normalized(name) for name in sheet.columns}.intersection(NAMES[USER]):
        return (
            f"{sheet.where}: a table of several users' ratings, no export of one person's; "
            "every other command takes it as its table, such as ratecast evaluate --data "
            f"{sheet.where}"
        )
    shown = " ".join(", ".join(sheet.columns).split())[:120]
    return unknown(sheet.where, f"its first line ({shown})" if shown else "its empty first line")
