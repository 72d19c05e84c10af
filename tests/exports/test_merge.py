"""Several files of one person: each title once, and nothing lost in silence."""

import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.exports.export import Collector, Entry, Export
from ratecast.exports.merge import merged, read_exports
from ratecast.ratings import Scale


def export(*entries: tuple[str, int | None, float, int | None], source: str = "Site") -> Export:
    collector = Collector(source, Scale(1, 5), "x.csv")
    for number, (title, year, rating, at) in enumerate(entries):
        collector.add(Entry(number, title, rating, at, year))
    return collector.result()


def rows(result: Export) -> list[tuple[object, ...]]:
    return result.frame.select("title", "year", "rating", "at").rows()


def test_the_last_dated_rating_counts_then_the_last_file() -> None:
    one = export(("A", 2000, 1, 10), ("B", 2000, 2, 20), ("C", None, 3, None))
    two = export((" a ", 2000, 4, 5), ("B", 2000, 5, 20), ("C", None, 1, None), ("A", 2001, 2, 1))
    result = merged([("one.csv", one), ("two.csv", two)])
    assert rows(result) == [
        ("A", 2000, 1.0, 10),
        ("B", 2000, 5.0, 20),
        ("C", None, 1.0, None),
        ("A", 2001, 2.0, 1),
    ]
    assert result.notes[0].startswith("one.csv: without a time: 1 of 3")
    assert result.notes[-1].startswith("in several files: 3 titles")


def test_two_films_of_one_name_take_no_rating_of_another_file() -> None:
    one = export(("Twin", 1990, 1, 1), ("Twin", 1990, 2, 1))
    two = export(("Twin", 1990, 5, 9))
    result = merged([("one.csv", one), ("two.csv", two)])
    assert [row[2] for row in rows(result)] == [1.0, 2.0]
    assert "left out: 1 row of a later file" in result.notes[-1]


def test_numbers_of_imdb_come_before_titles() -> None:
    def numbered(title: str, rating: float) -> Export:
        whole = export((title, 2000, rating, None))
        frame = whole.frame.with_columns(imdb=pl.lit("tt0000001"))
        return Export(whole.source, whole.scale, frame)

    result = merged([("a", numbered("Film", 1)), ("b", numbered("Movie", 4))])
    assert [row[2] for row in rows(result)] == [4.0]


def test_one_file_is_left_as_it_is_and_other_sites_are_refused() -> None:
    one = export(("A", 2000, 1, 10))
    assert merged([("one.csv", one)]) is one
    with pytest.raises(InputError, match="Site and Other, whose scales differ"):
        merged([("a", one), ("b", export(("A", 2000, 1, 1), source="Other"))])
    with pytest.raises(InputError, match="no file"):
        read_exports([])
