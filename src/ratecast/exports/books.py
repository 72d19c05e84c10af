"""Goodreads and StoryGraph: ratings of books. Neither has the day on which a book was rated."""

from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.sheet import Row, Sheet, day
from ratecast.ratings import Scale

_TIMES = "times are the day on which a book was read, else that on which it was added"


def read_goodreads(sheet: Sheet) -> Export:
    """Goodreads: the rating 0 means that the book is not rated."""
    collector = Collector("Goodreads", Scale(1, 5), sheet.where)
    collector.times = _TIMES
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("My Rating"))
        if rating is None:
            continue
        year = collector.year(row.text("Original Publication Year"), row.text("Year Published"))
        at = collector.time(day, row.text("Date Read"), row.text("Date Added"))
        title, author = row.text("Title"), row.text("Author") or None
        collector.add(Entry(row.text("Book Id"), title, rating, at, year, author=author))
    return collector.result(books=True)


def read_storygraph(sheet: Sheet) -> Export:
    """StoryGraph: quarter stars; an empty rating, or 0, means that the book is not rated."""
    collector = Collector("StoryGraph", Scale(0.25, 5, 0.25), sheet.where)
    collector.times = _TIMES
    for row in sheet.rows():
        rating = collector.stars(row.location, row.text("Star Rating"))
        if rating is None:
            continue
        title, author = row.text("Title"), row.text("Authors") or None
        key = (title, author, row.text("ISBN/UID"))
        at = collector.time(day, *_days(row))
        collector.add(Entry(key, title, rating, at, author=author))
    return collector.result(books=True)


def _days(row: Row) -> tuple[str, ...]:
    """The last day of reading, alone or in ranges as 2024/01/01-2024/01/15, 2025/03/02; the first.

    The last in the order is the day on which the book was added.
    """
    last = row.text("Dates Read").split(",")[-1].strip()[-10:]
    return row.text("Last Date Read"), last, row.text("Date Added")
