"""Goodreads, StoryGraph and MyAnimeList: layouts of the sites with invented values."""

import gzip
from pathlib import Path

import pytest

from ratecast.errors import InputError
from ratecast.exports.read import read_export
from tests.exports import writers as w
from tests.exports.test_films import rows, seconds


def test_goodreads_zero_is_not_rated(tmp_path: Path) -> None:
    book = {"Author": "Ann Invented", "Average Rating": 4.2, "Date Added": "2024/01/05"}
    years = {"Year Published": 2016, "Original Publication Year": 1931}
    books = [
        {**book, "Book Id": 1, "Title": "One, Two", "My Rating": 5, "ISBN": '="0439023483"'},
        {**book, "Book Id": 2, "Title": "Shelf", "My Rating": 0},
        {**book, **years, "Book Id": 3, "Title": "Read", "My Rating": 3, "Date Read": "2024/02/06"},
    ]
    export = read_export(w.goodreads(tmp_path / "x", books))
    assert str(export.scale) == "1:5:1"
    assert rows(export, "title", "author", "year", "rating", "at") == [
        ("One, Two", "Ann Invented", None, 5.0, seconds(2024, 1, 5)),
        ("Read", "Ann Invented", 1931, 3.0, seconds(2024, 2, 6)),
    ]
    assert export.notes[0] == "left out: 1 row without a rating"


def test_storygraph_has_quarter_stars(tmp_path: Path) -> None:
    book = {"Authors": "Ann Invented, Bo Invented", "Date Added": "2024/01/01"}
    books = [
        {**book, "Title": "A", "Star Rating": "4.75", "Last Date Read": "2024/01/15"},
        {**book, "Title": "B", "Star Rating": ""},
        {**book, "Title": "C", "Star Rating": "0.25"},
        {
            **book,
            "Title": "D",
            "Star Rating": "3.0",
            "Dates Read": "2023/01/02-2023/01/09, 2024/01/10-2024/02/11",
        },
    ]
    export = read_export(w.write(tmp_path / "x", w.STORYGRAPH, books))
    assert str(export.scale) == "0.25:5:0.25"
    assert rows(export, "title", "rating", "at") == [
        ("A", 4.75, seconds(2024, 1, 15)),
        ("C", 0.25, seconds(2024, 1, 1)),
        ("D", 3.0, seconds(2024, 2, 11)),
    ]


@pytest.mark.parametrize("name", ["x.xml", "x.xml.gz"])
def test_myanimelist_zero_is_not_rated_and_dates_are_of_watching(tmp_path: Path, name: str) -> None:
    items = (w.anime("Moon & <Sun>", 1, 9), w.anime("Later", 2, 0), w.anime("Ink", 1, 7, "manga"))
    export = read_export(w.myanimelist(tmp_path / name, *items))
    assert rows(export) == [("Moon & <Sun>", None, 9.0, None), ("Ink", None, 7.0, None)]
    assert export.notes == (
        "left out: 1 row without a rating",
        "without a time: 2 of 2 ratings",
    )


@pytest.mark.parametrize(
    "declared",
    [
        '<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE m SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_declarations_are_refused(tmp_path: Path, declared: str) -> None:
    path = w.myanimelist(tmp_path / "x", w.anime("&x;", 1, 9), declared=declared)
    with pytest.raises(InputError, match="declares a document type or entities") as refusal:
        read_export(path)
    assert "\n" not in str(refusal.value)


def test_other_xml_and_broken_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("<html><body/></html>")
    with pytest.raises(InputError, match="not a known export"):
        read_export(path)
    path.write_text("<myanimelist><anime>")
    with pytest.raises(InputError, match="not XML"):
        read_export(path)
    path.write_bytes(gzip.compress(b"<myanimelist/>" * 99)[:-12])
    with pytest.raises(InputError, match="broken gzip"):
        read_export(path)
    with pytest.raises(InputError, match="line 5: rating '11' is not on the scale"):
        read_export(w.myanimelist(path, w.anime("A", 1, 11)))
