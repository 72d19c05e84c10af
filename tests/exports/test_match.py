"""Films of an export and movies of a catalogue: certain matches, and doubtful ones."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.marks import with_section
from ratecast.errors import InputError
from ratecast.exports.export import Export
from ratecast.exports.match import match
from ratecast.exports.matches import Matches
from ratecast.exports.star_quantiles import StarDistribution
from ratecast.exports.title_forms import forms, numbers, split_title
from ratecast.ratings import Scale
from tests.exports import quality

TITLES = {
    1: "American President, The (1995)",
    2: "Seven (a.k.a. Se7en) (1995)",
    3: "City of Lost Children, The (Cité des enfants perdus, La) (1995)",
    4: "Romeo & Juliet (1968) ",
    5: "WALL·E (2008)",
    6: "Emma (1996)",
    7: "Emma (1996)",
    8: "Babylon 5",
    9: "Die Hard (1988)",
    10: "Sabrina (1954)",
    11: "Sabrina (1995)",
    12: "Star Wars: Episode IV - A New Hope (1977)",
    13: "Friday the 13th Part 3: 3D (1982)",
    14: "(500) Days of Summer (2009)",
    15: "Avventura, L' (1960)",
    16: "unknown",
    17: "Unsinkable Molly Brown, The (1964)",
    18: "Østen for sol (1991)",
    19: "... (1977)",
    20: "Spider-Man (2002)",
    21: "Twelve Monkeys (1995)",
    22: "Professional, The (a.k.a. Leon: The Professional) (1994)",
    23: "William Shakespeare's Romeo and Juliet (1996)",
    24: "Empire Strikes Back, The (1980)",
    25: "Bram Stoker's Dracula (1992)",
    26: "Forty-One (1977)",
}
MOVIES = pl.DataFrame({"movie": list(TITLES), "title": list(TITLES.values())})
LINKS = pl.DataFrame(
    {"movieId": [1, 2, 9], "imdbId": ["0112346", "0114369", "0095016"], "tmdbId": [9087, 807, None]}
)
Given = tuple[str, int | None]


def exported(*films: Given, **columns: list[object]) -> Export:
    size = len(films)
    frame = pl.DataFrame(
        {
            "title": [title for title, _ in films],
            "original": columns.get("original", [None] * size),
            "year": [year for _, year in films],
            "imdb": columns.get("imdb", [None] * size),
            "tmdb": columns.get("tmdb", [None] * size),
            "rating": [3.5] * size,
            "at": [None] * size,
        },
        schema_overrides={
            "original": pl.String,
            "year": pl.Int32,
            "imdb": pl.String,
            "tmdb": pl.Int64,
            "at": pl.Int64,
        },
    )
    return Export("invented", Scale(0.5, 5, 0.5), frame)


def found(*films: Given, **columns: list[object]) -> list[tuple[str, int | None]]:
    return match(exported(*films, **columns), MOVIES).frame.select("status", "movie").rows()


@pytest.mark.parametrize(
    ("title", "year", "movie"),
    [
        ("The American President", 1995, 1),
        ("american president", 1995, 1),
        ("Se7en", 1995, 2),
        ("SEVEN", 1995, 2),
        ("The City of Lost Children", 1995, 3),
        ("La Cite des enfants perdus", 1995, 3),
        ("La cité des enfants perdus", 1995, 3),
        ("Romeo and Juliet", 1968, 4),
        ("Romeo &amp; Juliet ", 1968, 4),
        ("Wall-E", 2008, 5),
        ("Babylon 5", 1994, 8),
        ("Die Hard", 1989, 9),  # a year off by one, but the title is exact and the only one
        ("Sabrina", 1954, 10),
        ("Se7en", 1996, 2),
        ("500 Days of Summer", 2009, 14),
        ("L\u2019Avventura", 1960, 15),
        ("Unsinkable Mollie Brown", 1964, 17),
        ("Osten for sol", 1991, 18),
        ("...", 1977, 19),
        ("Spiderman", 2002, 20),
        ("Die Hard", None, 9),
        ("12 Monkeys", 1995, 21),
        ("Leon: The Professional", 1994, 22),
    ],
)
def test_titles_that_match(title: str, year: int | None, movie: int) -> None:
    assert found((title, year)) == [("matched", movie)]


@pytest.mark.parametrize(
    ("title", "year", "status", "candidate"),
    [
        ("Emma", 1996, "doubtful", 6),  # two movies
        ("Sabrina", 1955, "doubtful", 10),  # a year off by one, and two of this title
        ("Sabrina", None, "doubtful", 10),
        ("Die Hard", 1990, "doubtful", 9),
        ("Die Hard", 2007, "unmatched", None),
        ("Hard", 1988, "unmatched", None),
        ("Friday the 13th Part 2: 3D", 1982, "unmatched", None),
        ("Unknown", 2011, "unmatched", None),
        ("Star Wars: Episode IV", 1977, "doubtful", 12),
        ("Nothing of the Kind", 1999, "unmatched", None),
        ("12 Monkeys", 1996, "doubtful", 21),
        ("Romeo + Juliet", 1996, "doubtful", 23),
        ("Romeo + Juliet", 1998, "unmatched", None),
        ("Star Wars: Episode V - The Empire Strikes Back", 1980, "doubtful", 24),
        ("Dracula", 1992, "doubtful", 25),
        ("Dracula", 1993, "unmatched", None),
        ("41: Part Two", 1977, "unmatched", None),
        ("Die Hard 2", 1988, "unmatched", None),
        ("Die Hard: The Return 2", 1988, "doubtful", 9),
    ],
)
def test_titles_that_do_not(title: str, year: int | None, status: str, candidate: int) -> None:
    frame = match(exported((title, year)), MOVIES).frame
    assert frame.select("status", "movie", "candidate").row(0) == (status, None, candidate)


def test_the_original_title_counts() -> None:
    assert found(("Stirb langsam", 1988), original=["Die Hard"]) == [("matched", 9)]


def test_two_films_never_have_one_movie() -> None:
    near = found(("Die Hard", 1988), ("Die Hard", 1989))
    assert near == [("matched", 9), ("doubtful", None)]
    assert found(("Die Hard", 1988), ("die hard", 1988)) == [("doubtful", None)] * 2


def test_numbers_come_before_titles() -> None:
    films = exported(
        ("Another Name", 2020),
        ("Third Name", None),
        ("Torn", 1995),
        ("Die Hard", 1988),
        imdb=["tt0112346", None, "tt0112346", "tt9999999"],
        tmdb=[None, 807, 807, None],
    )
    frame = match(films, MOVIES, LINKS).frame
    assert frame.select("status", "movie").rows() == [
        ("matched", 1),
        ("matched", 2),
        ("doubtful", None),  # the numbers are of two movies
        ("doubtful", None),  # the title is that of a movie with another number
    ]
    whole = LINKS.with_columns(pl.col("imdbId").cast(pl.Int64), pl.col("tmdbId").cast(pl.Float64))
    assert match(films, MOVIES, whole).frame.equals(frame)


def test_tables_without_the_columns_are_refused() -> None:
    with pytest.raises(InputError, match="movies: no column 'title'; columns are movie"):
        match(exported(("A", 1)), MOVIES.drop("title"))
    with pytest.raises(InputError, match="links: no column 'tmdb'"):
        match(exported(("A", 1)), MOVIES, LINKS.drop("tmdbId"))


def test_forms() -> None:
    assert forms("Fabuleux destin d'Amélie Poulain, Le").words == (
        "le fabuleux destin d amelie poulain"
    )
    assert forms("Schindler's List").words == "schindlers list"
    assert split_title("Ghost (1990\u2013 )").year == 1990
    assert numbers(forms("Rocky Two").bare) == numbers(forms("Rocky II").bare) == ["2"]
    assert forms("Menace II Society 2").bare != forms("Menace II Society").bare
    assert forms("The Forty-Year-Old at Twenty-One II").bare == "40 year old at 21 2"


def doubtful() -> Matches:
    films = (
        ("Emma", 1996),
        ("Sabrina", 1955),
        ("Die Hard", 1988),
        ("=Star Wars: Episode IV", 1977),
    )
    return match(exported(*films), MOVIES)


def settle(path: Path, changes: dict[str, str], separator: str = ",") -> Path:
    """The file with what a person wrote into `movie`, by row."""
    table = pl.read_csv(path, infer_schema=False)
    movie = pl.col("row").replace_strict(changes, default=None, return_dtype=pl.String)
    text = table.with_columns(movie=movie).write_csv(separator=separator)
    path.write_text("\ufeff" + text, "utf-8")
    return path


def test_a_person_settles_what_is_doubtful(tmp_path: Path) -> None:
    matches = doubtful()
    assert matches.counts == {"matched": 1, "doubtful": 3, "unmatched": 0}
    path = tmp_path / "doubtful.csv"
    matches.write_doubtful(path)
    assert matches.read_settled(path).counts == {"matched": 1, "doubtful": 0, "unmatched": 3}
    for separator in (",", ";"):
        matches.write_doubtful(path)
        settled = matches.read_settled(settle(path, {"1": "7", "4": "12"}, separator))
        assert settled.frame["movie"].to_list() == [7, None, 9, 12]
        assert settled.ratings.columns == ["movie", "rating", "at"]
    assert matches.counts["doubtful"] == 3


def test_a_person_settles_what_is_unmatched(tmp_path: Path) -> None:
    matches, path = (
        match(exported(("Emma", 1996), ("1917", 2019), ("Jaws", 1975)), MOVIES),
        tmp_path / "x.csv",
    )
    matches.write_doubtful(path)
    assert pl.read_csv(path)["row"].to_list() == [1, 2, 3]
    settled = matches.read_settled(settle(path, {"2": "17"}))
    assert settled.frame["movie"].to_list() == [None, 17, None]
    text = path.read_text("utf-8")
    path.write_text(text.replace("Jaws", "#NAME?"), "utf-8")  # a row without a choice
    assert matches.read_settled(path).counts == {"matched": 1, "doubtful": 0, "unmatched": 2}
    path.write_text(text.replace("1917", "1918"), "utf-8")
    with pytest.raises(InputError, match="line 3: the title or year is not '1917'"):
        matches.read_settled(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"1": "99"}, "line 2: movie '99' is not in the catalogue"),
        ({"1": "9"}, "line 2: movie 9 is that of a certain match"),
        ({"1": "7", "2": "7"}, "line 3: movie 7 is that of line 2"),
    ],
)
def test_a_wrong_movie_is_refused(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    matches = doubtful()
    matches.write_doubtful(tmp_path / "x.csv")
    with pytest.raises(InputError, match=message):
        matches.read_settled(settle(tmp_path / "x.csv", changes))


def test_a_file_of_another_export_is_refused(tmp_path: Path) -> None:
    matches, path = doubtful(), tmp_path / "x.csv"
    matches.write_doubtful(path)
    text = path.read_text("utf-8")
    lines = text.splitlines()
    for changed, message in (
        (text.replace("1,Emma", "3,Emma"), "row '3' is not one to be settled"),
        (text.replace("1,Emma", "-1,Emma"), "row '-1' is not one to be settled"),
        (text.replace("1,Emma,1996,3.5,6", "1,Anna,1996,3.5,7"), "line 2: the title or year is"),
        (text.replace("1,Emma,1996", "1,Emma,1997"), "line 2: the title or year is not 'Emma'"),
        ("\n".join([*lines, lines[1]]), "line 5: row 1 stands here twice"),
        (text.replace("movie", "film"), "no column 'movie'"),
    ):
        path.write_text(changed, "utf-8")
        with pytest.raises(InputError, match=message):
            matches.read_settled(path)
    with pytest.raises(InputError, match="give the settled file"):
        matches.read_settled(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("save", "encoding"),
    [
        ({}, "utf-8-sig"),
        ({"separator": ";"}, "utf-8-sig"),
        ({"separator": "\t"}, "utf-16"),
        ({"separator": ";", "quote_style": "always", "line_terminator": "\r\n"}, "cp1252"),
    ],
)
def test_spreadsheets_may_save_it(tmp_path: Path, save: dict[str, Any], encoding: str) -> None:
    """Whole numbers as 7.0, titles changed to dates and marks, blank lines at the end."""
    films = [("Emma", 1996), ("Sabrina", 1955), ("=Star Wars: Episode IV", 1977)]
    matches, path = match(exported(*films), MOVIES), tmp_path / "x.csv"
    matches.write_doubtful(path)
    table = pl.read_csv(path, infer_schema=False)
    filled = table.with_columns(
        row=pl.col("row") + ".0",
        year=pl.col("year") + ".0",
        candidate=pl.col("candidate") + ".0",
        title=pl.Series(["\u00c9mma", "03.10.2026", "#NAME?"]),
        movie=pl.Series([" 7.0", '="11"', "12.00"]),
    )
    blank = pl.DataFrame({name: [""] for name in filled.columns})
    text = pl.concat([filled, blank]).write_csv(**save)
    path.write_bytes(text.encode(encoding))
    assert matches.read_settled(path).frame["movie"].to_list() == [7, 11, 12]


def test_ids_may_be_text(tmp_path: Path) -> None:
    movies = MOVIES.with_columns(movie="m" + pl.col("movie").cast(pl.String))
    matches = match(exported(("Emma", 1996), ("Wall-E", 2008)), movies)
    assert matches.ratings["movie"].to_list() == ["m5"]
    matches.write_doubtful(tmp_path / "x.csv")
    settled = matches.read_settled(settle(tmp_path / "x.csv", {"1": "m6"}))
    assert settled.ratings["movie"].to_list() == ["m6", "m5"]


def test_the_figures_of_the_page_are_those_of_the_file() -> None:
    results = json.loads(quality.RESULTS.read_text("utf-8"))
    page = quality.PAGE.read_text("utf-8")
    assert with_section(page, quality.MARKS, quality.section(results)) == page
    assert len(results["rows"]) == quality.SEEDS
    assert all(row["matched"] >= 0.95 and row["wrong"] <= 0.005 for row in results["rows"])


def test_the_year_may_stand_beside_the_title() -> None:
    movies = pl.DataFrame({"movie": [1, 2], "title": ["Emma", "Emma"], "year": [1932, 1996]})
    frame = match(exported(("Emma", 1996)), movies).frame
    assert frame.select("status", "movie").row(0) == ("matched", 2)


def test_ids_in_links_may_be_those_of_a_spreadsheet() -> None:
    links = pl.DataFrame(
        {"movieId": ["1.0", " 2"], "imdbId": ["112346.0", "tt0114369"], "tmdbId": ["9087.0", None]}
    )
    films = exported(("X", 1900), ("Y", 1901), ("Z", 1902), imdb=["tt0112346", "tt0114369", None])
    frame = match(films, MOVIES, links).frame
    assert frame["movie"].to_list() == [1, 2, None]


def test_two_titles_cannot_be_settled_as_one_movie() -> None:
    matches = doubtful()
    settled = matches.settled({0: 7})
    assert settled.counts == {"matched": 2, "doubtful": 0, "unmatched": 2}
    for chosen in ({0: 7, 1: 7}, {0: 9}):
        with pytest.raises(InputError, match="Emma: two titles would have its movie"):
            matches.settled(chosen)


def test_what_is_settled_later_does_not_change_the_other_stars() -> None:
    films = [*((f"Film {k}", 1990) for k in range(11)), ("Emma", 1996)]
    titles = [f"Film {k} (1990)" for k in range(11)]
    more = pl.DataFrame({"movie": range(30, 41), "title": titles})
    movies = pl.concat([MOVIES, more])
    export = exported(*films)
    ratings = pl.Series("rating", [0.5 + 0.5 * (k % 9) for k in range(11)] + [5.0])
    export = replace(export, frame=export.frame.with_columns(ratings))
    stars = StarDistribution(Scale(1, 5), np.array([1.0, 2, 4, 3, 1]))
    matches = match(export, movies)
    before = dict(matches.scaled(stars).select("movie", "rating").iter_rows())
    after = dict(matches.settled({11: 7}).scaled(stars).select("movie", "rating").iter_rows())
    assert len(before) == 11
    assert after == before | {7: 5.0}


def test_an_invented_list_is_matched_rightly() -> None:
    words = ("Red", "Lamp", "Night", "Über", "Café", "River", "House", "Song", "Glass", "Winter")
    titles = [
        f"{one} {two} {three}{article} ({1950 + (7 * n) % 60})"
        for n, (one, two, three, article) in enumerate(
            (one, two, three, article)
            for one in words[:8]
            for two in ("of", "and", "&")
            for three in words
            for article in ((", The",) if len(one) % 2 else ("",))
        )
    ]
    movies = pl.DataFrame({"movie": range(len(titles)), "title": titles})
    found = quality.measure(movies)
    assert found.matched > 0.9, found
    assert found.wrong < 0.01, found.errors
