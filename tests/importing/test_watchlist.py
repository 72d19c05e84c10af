"""`ratecast import --watchlist`: which film of a list to see next."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.exports.watchlist import is_watchlist
from tests.exports import writers as w
from tests.importing import catalogue

Say = pytest.CaptureFixture[str]
# Two are rated, one the catalogue has not, and one is listed twice.
FILMS = [*catalogue.FILMS[18:25], ("Nowhere To Be Found", 2020), catalogue.FILMS[24]]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue.saved(tmp_path_factory.mktemp("artifact") / "half")


def imdb(folder: Path, rating: object = "") -> Path:
    rows: list[w.Row] = [
        {"Const": f"tt{1 + FILMS.index(film):07}", "Title": film[0], "Year": film[1]}
        for film in FILMS
    ]
    series: w.Row = {
        "Const": "tt0000099",
        "Title": catalogue.FILMS[25][0],
        "Title Type": "TV Series",
    }
    rated = [{"Title Type": "Movie", **row, "Your Rating": rating} for row in [*rows, series]]
    return w.write(folder / "imdb.csv", w.IMDB_LIST, rated)


def listed(folder: Path, form: str) -> Path:
    text = catalogue.watchlist(FILMS)
    if form == "imdb":
        return imdb(folder)
    if form == "zip":
        return w.archive(folder / "list.zip", {"ratings.csv": "", "watchlist.csv": text})
    (folder / "watchlist.csv").write_text(text, "utf-8")
    return folder / "watchlist.csv"


def facts(capsys: Say, *words: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["import", *map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("form", ["csv", "zip", "imdb"])
def test_only_the_films_of_the_list_are_forecast(
    form: str, artifact: Path, tmp_path: Path, capsys: Say
) -> None:
    path, out = catalogue.person(tmp_path), tmp_path / "all.csv"
    every = facts(capsys, path, "--artifact", artifact, "--n", 40)["forecasts"]
    words = ("--artifact", artifact, "--watchlist", listed(tmp_path, form))
    found = facts(capsys, path, *words, "--n", 3, "--out", out)
    assert found["watchlist"]["matched"] == 7
    assert found["watchlist"]["forecasts"] == 5
    missing = [name for name in found["watchlist"]["not_matched"] if "Nowhere" in name]
    assert missing == ["Nowhere To Be Found (2020)"]
    best = [each for each in every if each["movie"] in range(21, 26)]
    assert [each["movie"] for each in found["forecasts"]] == [each["movie"] for each in best[:3]]
    assert [each["stars"] for each in found["forecasts"]] == [each["stars"] for each in best[:3]]
    assert [each["rank"] for each in found["forecasts"]] == [1, 2, 3]
    table = pl.read_csv(out)
    assert table["movie"].to_list() == [each["movie"] for each in best]
    assert "p_5" in table.columns


def test_it_is_said_what_was_found(artifact: Path, tmp_path: Path, capsys: Say) -> None:
    words = ["--artifact", str(artifact), "--watchlist", str(listed(tmp_path, "csv"))]
    assert main(["import", str(catalogue.person(tmp_path)), *words]) == 0
    assert (
        "watchlist: 8 films, 7 in the catalogue, forecasts for 5 that you have not rated; not "
        "found for certain: Nowhere To Be Found (2020)"
    ) in capsys.readouterr().out


def test_a_list_that_cannot_be_used_is_refused(artifact: Path, tmp_path: Path, capsys: Say) -> None:
    path = catalogue.person(tmp_path)
    none = tmp_path / "none.csv"
    none.write_text(catalogue.watchlist([("Nowhere To Be Found", 2020)]), "utf-8")
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(catalogue.letterboxd(catalogue.FILMS[:2], catalogue.of_even), "utf-8")
    for file, message in (
        (none, "none of 1 film is in the catalogue for certain"),
        (ratings, "not a watchlist of Letterboxd or IMDb"),
        (path, "a ZIP without watchlist.csv"),
        (tmp_path / "nowhere.csv", "No such file"),
    ):
        words = ["--artifact", str(artifact), "--watchlist", str(file)]
        assert main(["import", str(path), *words]) == 2
        out, err = capsys.readouterr()
        assert not out
        assert message in err
        assert err.count("\n") == 1
    assert main(["import", str(path), "--watchlist", str(none)]) == 2
    assert "--watchlist needs a catalogue" in capsys.readouterr().err


def test_a_list_of_imdb_with_ratings_is_no_watchlist(tmp_path: Path) -> None:
    assert is_watchlist(imdb(tmp_path).read_bytes(), "imdb.csv")
    assert not is_watchlist(imdb(tmp_path, 8).read_bytes(), "imdb.csv")


def test_two_titles_of_one_movie_are_one_film(artifact: Path, tmp_path: Path, capsys: Say) -> None:
    title, year = catalogue.FILMS[24]
    path = tmp_path / "watchlist.csv"
    path.write_text(catalogue.watchlist([(title, year), (title.upper(), year)]), "utf-8")
    words = [catalogue.person(tmp_path), "--artifact", artifact, "--watchlist", path]
    found = facts(capsys, *words)["watchlist"]
    assert (found["films"], found["matched"], found["not_matched"]) == (2, 1, [])


@pytest.mark.parametrize(
    ("films", "fault"),
    [
        (None, "not a watchlist of Letterboxd or IMDb, by its empty first line"),
        ([], "has no film; add some to the"),
    ],
)
def test_a_list_without_films_is_told_so(
    films: list[Any] | None, fault: str, artifact: Path, tmp_path: Path, capsys: Say
) -> None:
    path = tmp_path / "watchlist.csv"
    path.write_text("" if films is None else catalogue.watchlist(films), "utf-8")
    person = str(catalogue.person(tmp_path))
    assert main(["import", person, "--artifact", str(artifact), "--watchlist", str(path)]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"ratecast: {path}: {fault}")
