"""A person's ratings from one site, and the rules that hold for the export of every site."""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import polars as pl

from ratecast.errors import InputError
from ratecast.exports.rating_text import rating_of
from ratecast.exports.sheet import year_of
from ratecast.ratings import AT, RATING, Scale
from ratecast.visible_text import counted

TITLE, ORIGINAL, YEAR, IMDB, TMDB, AUTHOR = "title", "original", "year", "imdb", "tmdb", "author"
_SCHEMA = {
    TITLE: pl.String(),
    ORIGINAL: pl.String(),
    YEAR: pl.Int32(),
    IMDB: pl.String(),
    TMDB: pl.Int64(),
    RATING: pl.Float64(),
    AT: pl.Int64(),
    AUTHOR: pl.String(),
}
UNRATED = "without a rating"
_RATED_AGAIN = "with another rating of a title, of which the last dated counts"
_NO_TITLE = "without a title"


@dataclass(frozen=True)
class Export:
    """The ratings of one person from one site.

    frame: one row for each title, in the order of the file, with the columns title, original (the
    original title), year, imdb (tt and digits), tmdb, rating, at (UTC seconds) and, of books,
    author; null where the site does not tell. scale: the site's. notes: a line for everything that
    was left out or assumed. in_half_stars: written by `letterboxd_form` from stars of a model.
    """

    source: str
    scale: Scale
    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    in_half_stars: bool = False

    def __len__(self) -> int:
        return self.frame.height


@dataclass(frozen=True)
class Entry:
    """One rating of the export. key: what it has in common with other ratings of its title."""

    key: Hashable
    title: str
    rating: float
    at: int | None = None
    year: int | None = None
    original: str | None = None
    imdb: str | None = None
    tmdb: int | None = None
    author: str | None = None


class Collector:
    """Collects the entries of an export, and counts what is left out.

    where: the file, for messages. times: what the times are, for a note. advice: for who has no
    ratings.
    """

    def __init__(self, source: str, scale: Scale, where: str) -> None:
        self.source, self.scale, self.where = source, scale, where
        self.assumed: list[str] = []
        self.times = ""
        self.advice = "rate titles on the site and export them again, or give a file with ratings"
        self._left: Counter[str] = Counter()
        self._entries: dict[Hashable, Entry] = {}
        self._unread_time = ""
        self._unread_years: list[str] = []

    def leave_out(self, which: str) -> None:
        """Count a row that is left out, for example `without a rating`."""
        self._left[" ".join(which.split())] += 1

    def add(self, entry: Entry) -> None:
        """Add a rating. Of several ratings of a title the last dated counts, then the last row."""
        if not entry.title:
            self.leave_out(_NO_TITLE)
            return
        before = self._entries.get(entry.key)
        if before is not None:
            self.leave_out(_RATED_AGAIN)
            if _time(before) > _time(entry):
                return
        self._entries[entry.key] = entry

    def stars(self, location: str, text: str) -> float | None:
        """The rating in `text`, or None, counted, if it is empty or 0, which no scale here has.

        Raises `InputError` for a rating that is not on the scale of the site.
        """
        rating = rating_of(text, self.scale.high)
        if not text or rating == 0:
            self.leave_out(UNRATED)
            return None
        if not self.scale.holds(pl.Series([rating]))[0]:
            raise InputError(
                f"{location}: rating {text!r} is not on the scale {self.scale} of {self.source}; "
                "correct or remove the row"
            )
        return rating

    def time(self, read: Callable[[str], int | None], *texts: str) -> int | None:
        """The first time that `read` finds in texts, in UTC seconds; others are shown in a note."""
        for text in filter(None, texts):
            at = read(text)
            if at is not None:
                return at
            self._unread_time = self._unread_time or text
        return None

    def year(self, *texts: str) -> int | None:
        """The first year of four digits in texts; another is counted, and shown in a note."""
        year = next((found for found in map(year_of, texts) if found is not None), None)
        unread = next(filter(None, texts), "")
        if year is None and unread:
            self._unread_years.append(unread)
        return year

    def result(self, *, books: bool = False) -> Export:
        """The export. Raises `InputError` if it has no rating."""
        left = [f"left out: {counted(count, 'row')} {which}" for which, count in self._left.items()]
        if not self._entries:
            found = "; ".join(left) or "no rows"
            raise InputError(
                f"{self.where}: {self.source}, but no ratings ({found}); {self.advice}"
            )
        entries = list(self._entries.values())
        undated = sum(entry.at is None for entry in entries)
        if self.times and undated < len(entries):
            self.assumed.append(self.times)
        if undated:
            unread = f"; {self._unread_time!r} is not read as one" if self._unread_time else ""
            self.assumed.append(f"without a time: {undated} of {len(entries)} ratings{unread}")
        if self._unread_years:
            rows = counted(len(self._unread_years), "row")
            self.assumed.append(f"year not read in {rows}, as {self._unread_years[0]!r}")
        schema = {name: type_ for name, type_ in _SCHEMA.items() if books or name != AUTHOR}
        columns = {name: [getattr(entry, name) for entry in entries] for name in schema}
        frame = pl.DataFrame(columns, schema=schema)
        return Export(self.source, self.scale, frame, (*left, *self.assumed))


def with_notes(export: Export, *notes: str) -> Export:
    """The export with more notes."""
    return replace(export, notes=(*export.notes, *notes))


def _time(entry: Entry) -> float:
    return float("-inf") if entry.at is None else entry.at
