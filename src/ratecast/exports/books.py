"""Goodreads and StoryGraph: ratings of books. Neither has the day on which a book was rated."""

from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Row, Sheet, day, year_of
from ratecast.ratings import Scale

GOODREADS_COLUMNS = ("Book Id", "Title", "Author", "My Rating", "Date Read", "Date Added")
STORYGRAPH_COLUMNS = ("Title", "Authors", "ISBN/UID", "Star Rating")
_TIMES = "times are the day on which a book was read, else that on which it was added"


def read_goodreads(sheet: Sheet) -> Export:
    """Goodreads: the rating 0 means that the book is not rated."""
    collector = Collector("Goodreads", Scale(1, 5), sheet.where)
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("My Rating"), ("0",))
        if rating is None:
            continue
        year = year_of(row.text("Original Publication Year")) or year_of(row.text("Year Published"))
        at = day(row.text("Date Read")) or day(row.text("Date Added"))
        title, author = row.text("Title"), row.text("Author") or None
        collector.add(Entry(row.text("Book Id"), title, rating, at, year, author=author))
    collector.assumed.append(_TIMES)
    return collector.result(books=True)


def read_storygraph(sheet: Sheet) -> Export:
    """StoryGraph: quarter stars; an empty rating, or 0, means that the book is not rated."""
    collector = Collector("StoryGraph", Scale(0.25, 5, 0.25), sheet.where)
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("Star Rating"), ("0", "0.0"))
        if rating is None:
            continue
        title, author = row.text("Title"), row.text("Authors") or None
        key = (title, author, row.text("ISBN/UID"))
        collector.add(Entry(key, title, rating, _last_read(row), author=author))
    collector.assumed.append(_TIMES)
    return collector.result(books=True)


def _last_read(row: Row) -> int | None:
    """The last day of the ranges such as 2024/01/01-2024/01/15, 2025/03/02."""
    ranges = row.text("Dates Read").split(",")
    last = ranges[-1].strip()[-10:]
    return day(row.text("Last Date Read")) or day(last) or day(row.text("Date Added"))
