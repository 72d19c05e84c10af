"""`ratecast export` of a table: the columns and stars that Letterboxd imports."""

import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.exports.half_stars import half_stars
from ratecast.exports.read import read_export
from ratecast.ratings import Scale

Say = pytest.CaptureFixture[str]
ROWS = """userId,title,rating,timestamp
ann,"American President, The (1995)",3.5,2024-03-01
ann,"Avventura, L' (1960)",0.5,2024-03-02
ann,"City of Lost Children, The (Cité des enfants perdus, La) (1995)",5,2024-03-03
ann,"Babylon, 5",4,2024-03-04
bob,"Emma (1996)",4,2024-03-05
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    movies = [line.rsplit(",", 2)[0].partition(",")[2] for line in ROWS.splitlines()[1:]]
    lines = ROWS.replace("userId,title", "userId,movieId,title").splitlines()
    for number, movie in enumerate(movies, 1):
        lines[number] = lines[number].replace(movie, f"{number},{movie}", 1)
    Path("ratings.csv").write_text("\n".join(lines) + "\n", "utf-8")
    return Path("ratings.csv")


def exported(*words: str) -> list[dict[str, str]]:
    assert main(["export", "--out", "letterboxd.csv", *words]) == 0
    with Path("letterboxd.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_titles_are_written_as_the_site_has_them(table: Path) -> None:
    rows = exported("--user", "ann", "--data", str(table))
    assert [tuple(row.values()) for row in rows] == [
        ("The American President", "1995", "3.5", "2024-03-01"),
        ("L'Avventura", "1960", "0.5", "2024-03-02"),
        ("The City of Lost Children", "1995", "5.0", "2024-03-03"),
        ("Babylon, 5", "", "4.0", "2024-03-04"),
    ]
    assert list(rows[0]) == ["Title", "Year", "Rating", "WatchedDate"]


def test_numbers_and_no_dates(table: Path) -> None:
    Path("links.csv").write_text("movieId,imdbId,tmdbId\n1,0112346,9087\n2,53619,\n")
    words = ("--user", "ann", "--data", str(table), "--links", "links.csv", "--no-time")
    rows = exported(*words)
    assert list(rows[0]) == ["tmdbID", "imdbID", "Title", "Year", "Rating"]
    assert [(row["tmdbID"], row["imdbID"]) for row in rows] == [
        ("9087", "tt0112346"),
        ("", "tt0053619"),
        ("", ""),
        ("", ""),
    ]


@pytest.mark.parametrize("options", [[], ["--links", "links.csv"], ["--no-time"]])
def test_what_is_exported_is_imported_again(table: Path, options: list[str], capsys: Say) -> None:
    Path("links.csv").write_text("movieId,imdbId,tmdbId\n1.0,0112346,9087.0\n2,53619,\n")
    exported("--user", " ann ", "--data", str(table), *options)
    capsys.readouterr()
    export = read_export("letterboxd.csv")
    assert str(export.scale) == "0.5:5:0.5"
    assert export.frame.select("title", "year", "rating").rows() == [
        ("The American President", 1995, 3.5),
        ("L'Avventura", 1960, 0.5),
        ("The City of Lost Children", 1995, 5.0),
        ("Babylon, 5", None, 4.0),
    ]
    assert export.frame["at"].null_count() == (4 if "--no-time" in options else 0)
    numbers = export.frame.select("imdb", "tmdb").rows()
    known = (
        [("tt0112346", 9087), ("tt0053619", None)] if "--links" in options else [(None, None)] * 2
    )
    assert numbers == [*known, (None, None), (None, None)]


@pytest.mark.parametrize(
    ("scale", "given", "written"),
    [
        (Scale(0.5, 5, 0.5), [0.5, 3, 3.5, 5], [0.5, 3, 3.5, 5]),
        (Scale(1, 5), [1, 2, 5], [1, 2, 5]),
        (Scale(1, 10), [1, 2, 7, 10], [0.5, 1, 3.5, 5]),
        (Scale(0, 10), [0, 1, 10], [0.5, 0.5, 5]),
        (Scale(0.25, 5, 0.25), [0.25, 3.25, 4.75], [0.5, 3.5, 5]),
        (Scale(-10, 10), [-10, 0, 10], [0.5, 3, 5]),
        (Scale(0, 100), [55, 100], [3, 5]),
    ],
    ids=str,
)
def test_stars_are_half_stars(scale: Scale, given: list[float], written: list[float]) -> None:
    assert half_stars(given, scale).tolist() == written
    every = half_stars(scale.stars, scale)
    assert set(every.tolist()) <= set(np.arange(0.5, 5.5, 0.5))
    assert (np.diff(every) >= 0).all()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--user", "ann"], "either --data TABLE or --from URL"),
        (["--user", "eve", "--data", "ratings.csv"], "user 'eve': has no ratings in this table"),
        (["--user", "ann", "--data", "bare.csv"], "the table has no titles"),
        (["--user", "ann", "--data", "holes.csv"], "movie 2: has no title"),
        (["--user", "ann", "--data", "ratings.csv", "--out", "x.parquet"], "end the name in .csv"),
        (["--user", "ann", "--data", "ratings.csv", "--token", "t"], "--token is for a service"),
        (["--user", "ann", "--data", "ratings.csv", "--users", "u.csv"], "--users has no effect"),
    ],
)
@pytest.mark.usefixtures("table")
def test_what_cannot_be_exported(words: list[str], message: str, capsys: Say) -> None:
    frame = pl.read_csv("ratings.csv")
    frame.drop("title").write_csv("bare.csv")
    title = pl.when(pl.col("movieId") != 2).then("title")
    frame.with_columns(title=title).write_csv("holes.csv")
    out = [] if "--out" in words else ["--out", "letterboxd.csv"]
    assert main(["export", *words, *out]) == 2
    assert message in capsys.readouterr().err
    assert not Path("letterboxd.csv").exists()
