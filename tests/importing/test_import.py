"""`ratecast import` with a saved model, and without: what is printed, and what is left on disk."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from ratecast.cli import main
from ratecast.ratings import Scale
from tests.exports import writers as w
from tests.importing import catalogue

Say = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return catalogue.saved(tmp_path_factory.mktemp("artifact") / "half")


@pytest.fixture
def zipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    catalogue.person(tmp_path)
    return Path("letterboxd.zip")


def facts(capsys: Say, *words: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["import", *map(str, words), "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refusal(capsys: Say, *words: object) -> str:
    capsys.readouterr()
    assert main(["import", *map(str, words)]) == 2
    out, err = capsys.readouterr()
    assert not out
    (line,) = err.splitlines()
    assert line.startswith("ratecast: ")
    return line


@pytest.mark.parametrize("form", catalogue.FORMS)
def test_every_form_is_matched_and_forecast(
    form: str, artifact: Path, tmp_path: Path, capsys: Say
) -> None:
    path = catalogue.exports(tmp_path)[form]
    found = facts(capsys, path, "--artifact", artifact, "--n", 5)
    assert (found["ratings"], found["matched"]) == (4, 3)
    assert found["unmatched_titles"] == [
        {"title": "Nowhere To Be Found", "year": found["unmatched_titles"][0]["year"]}
    ]
    assert [each["rank"] for each in found["forecasts"]] == [1, 2, 3, 4, 5]
    assert not {each["movie"] for each in found["forecasts"]} & {1, 2, 3}
    assert facts(capsys, path)["ratings"] == 4


@pytest.mark.parametrize("scale", [catalogue.HALF, catalogue.TEN], ids=str)
def test_forecasts_are_of_the_taste_and_on_the_scale_of_the_model(
    scale: Scale, zipped: Path, tmp_path: Path, capsys: Say
) -> None:
    artifact = catalogue.saved(tmp_path / "model", scale)
    found = facts(capsys, zipped, "--artifact", artifact, "--n", 6, "--out", "all.csv")
    assert (found["matched"], found["doubtful"], found["unmatched"]) == (20, 1, 1)
    assert (found["new"], found["changed"], found["unchanged"]) == (20, 0, 0)
    everything = pl.read_csv("all.csv")
    assert everything.height == len(catalogue.FILMS) - 20
    assert everything["stars"].is_sorted(descending=True)
    assert everything[:6].select("movie", "title", "stars", "low", "high").to_dicts() == [
        {name: each[name] for name in ("movie", "title", "stars", "low", "high")}
        for each in found["forecasts"]
    ]
    assert (everything["low"] <= everything["high"]).all()
    assert everything["low"].is_in(list(scale.stars)).all()
    shares = everything.select(pl.sum_horizontal(pl.selectors.starts_with("p_"))).to_series()
    assert shares.to_list() == pytest.approx([1] * everything.height)
    # The person likes every second film, as half of the users do.
    taste = everything.with_columns(liked=pl.col("movie") % 2 == 0)
    means = dict(taste.group_by("liked").agg(pl.col("stars").mean()).iter_rows())
    assert means[True] - means[False] > (scale.high - scale.low) / 4


@pytest.mark.usefixtures("zipped")
def test_stars_are_brought_by_quantiles(artifact: Path, capsys: Say) -> None:
    """Twice the same order of films, in two habits of giving stars: the same forecasts."""
    habits = (lambda n: 1 + 0.5 * (n % 4), lambda n: 3.5 + 0.5 * (n % 4))
    found = []
    for name, habit in zip(("low.csv", "high.csv"), habits, strict=True):
        Path(name).write_text(catalogue.letterboxd(catalogue.FILMS[:20], habit), "utf-8")
        found.append(facts(capsys, name, "--artifact", artifact)["forecasts"])
    assert found[0] == found[1]


def test_what_a_person_reads(zipped: Path, artifact: Path, capsys: Say) -> None:
    assert main(["import", str(zipped), "--artifact", str(artifact)]) == 0
    out, err = capsys.readouterr()
    assert "Letterboxd: 22 ratings on the scale 0.5:5:0.5, from 2024-03-01 to 2024-03-22" in out
    assert "20 matched, 1 doubtful, 1 unmatched" in out
    assert "doubtful: Twice Told (1973), perhaps Twice Told (1971)" in out
    assert "unmatched: Nowhere To Be Found (2020)" in out
    assert "80 % interval" in out
    assert "--doubtful FILE" in err


def test_several_files_count_a_film_once(tmp_path: Path, artifact: Path, capsys: Say) -> None:
    films = catalogue.FILMS[:12]
    ratings, diary = tmp_path / "ratings.csv", tmp_path / "diary.csv"
    ratings.write_text(catalogue.letterboxd(films, lambda _: 3), "utf-8")
    later = {"Date": "2025-01-01", "Rewatch": "Yes", "Letterboxd URI": "https://boxd.it/e"}
    entries = [{**later, "Name": name, "Year": year, "Rating": 5} for name, year in films[:2]]
    w.write(diary, w.DIARY, [*entries, {**later, "Name": "Only Seen", "Year": 1999, "Rating": 1}])
    for words in ((ratings, diary), (diary, ratings)):
        found = facts(capsys, *words, "--artifact", artifact)
        assert (found["ratings"], found["matched"]) == (13, 12)
        assert found["stars"] == {"1": 1, "3": 10, "5": 2}
        assert any("in several files: 2 titles" in note for note in found["notes"])
    other = catalogue.exports(tmp_path)["imdb"]
    assert "Letterboxd and IMDb, whose scales differ" in refusal(capsys, ratings, other)


def test_of_many_unmatched_titles_the_rest_is_counted(
    tmp_path: Path, artifact: Path, capsys: Say
) -> None:
    missing = [(f"Not There {k}", 1990 + k) for k in range(8)]
    films = catalogue.letterboxd([*catalogue.FILMS[:3], *missing], catalogue.of_even)
    (tmp_path / "films.csv").write_text(films)
    assert main(["import", str(tmp_path / "films.csv"), "--artifact", str(artifact)]) == 0
    assert "  ... and 3 more unmatched; --json lists all" in capsys.readouterr().out


@pytest.mark.usefixtures("zipped")
def test_doubtful_titles_are_settled_in_a_file(artifact: Path, capsys: Say) -> None:
    Path("films.csv").write_text(
        catalogue.letterboxd([*catalogue.FILMS[:12], ("Twice Told", 1973)], catalogue.of_even)
    )
    words = ("films.csv", "--artifact", artifact)
    before = facts(capsys, *words, "--doubtful", "doubtful.csv")
    assert before["doubtful"] == 1
    assert "is there already" in refusal(capsys, *words, "--doubtful", "doubtful.csv")
    lines = Path("doubtful.csv").read_text("utf-8").splitlines()
    Path("settled.csv").write_text("\n".join([lines[0], lines[1] + "31"]), "utf-8")
    for own in ("films.csv", "settled.csv"):
        lost = refusal(capsys, *words, "--settled", "settled.csv", "--out", own)
        assert f"{own}: is read or written too, and would be lost" in lost
    after = facts(capsys, *words, "--settled", "settled.csv")
    assert (after["matched"], after["doubtful"]) == (13, 0)
    assert 31 not in {each["movie"] for each in after["forecasts"]}
    Path("wrong.csv").write_text("\n".join([lines[0], lines[1] + "999"]), "utf-8")
    assert "wrong.csv, line 2: movie '999'" in refusal(capsys, *words, "--settled", "wrong.csv")
    assert "none.csv: No such file" in refusal(capsys, *words, "--settled", "none.csv")


def test_numbers_of_links_come_first(tmp_path: Path, artifact: Path, capsys: Say) -> None:
    path = catalogue.exports(tmp_path)["imdb"]
    links = tmp_path / "links.csv"
    links.write_text("movieId,imdbId,tmdbId\n7,0000004,\n1,0000001,\n", "utf-8")
    found = facts(capsys, path, "--artifact", artifact, "--links", links)
    assert (found["matched"], found["unmatched"]) == (4, 0)
    links.write_text("movie,imdb\n7,4\n", "utf-8")
    words = (path, "--artifact", artifact, "--links", links)
    assert "links.csv: no column 'movieId'" in refusal(capsys, *words)


@pytest.mark.parametrize("name", ["all.csv", "all.parquet", "all.jsonl"])
def test_the_name_decides_the_form(name: str, zipped: Path, artifact: Path, capsys: Say) -> None:
    facts(capsys, zipped, "--artifact", artifact, "--out", name)
    read: dict[str, Callable[[str], pl.DataFrame]] = {
        ".csv": pl.read_csv,
        ".parquet": pl.read_parquet,
        ".jsonl": pl.read_ndjson,
    }
    table = read[Path(name).suffix](name)
    assert table.columns[:6] == ["rank", "movie", "title", "stars", "low", "high"]
    assert table.height == len(catalogue.FILMS) - 20


def test_without_a_model_the_ratings_are_written(zipped: Path, capsys: Say) -> None:
    assert main(["import", str(zipped), "--user", "ann", "--out", "mine.csv"]) == 0
    assert "2 ★ " in capsys.readouterr().out
    table = pl.read_csv("mine.csv")
    assert table.columns == ["user", "movie", "title", "rating", "at"]
    name = "Red Lamp in Rome (1960)"
    assert table.row(0) == ("ann", name, name, 2.5, "2024-03-01")
    assert main(["data", "describe", "mine.csv", "--scale", "0.5:5:0.5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 22


def test_the_table_alone_goes_to_stdout(zipped: Path, artifact: Path, capsys: Say) -> None:
    for words, rows, report in (
        ([], 22, "Letterboxd: 22 ratings on the scale"),
        (["--artifact", str(artifact)], len(catalogue.FILMS) - 20, "20 matched, 1 doubtful"),
    ):
        capsys.readouterr()
        assert main(["import", str(zipped), *words, "--out", "-"]) == 0
        out, err = capsys.readouterr()
        assert pl.read_csv(out.encode()).height == rows
        assert report in err


def test_a_model_keeps_nothing(zipped: Path, artifact: Path, capsys: Say) -> None:
    assert main(["import", str(zipped), "--artifact", str(artifact)]) == 0
    out = capsys.readouterr().out
    assert "forecasts for a new user with 20 ratings, which are not kept" in out
    assert " added" not in out
    assert facts(capsys, zipped, "--artifact", artifact)["kept"] is False


def test_the_table_is_read_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Say
) -> None:
    """Nobody gave a 10, one rating has no day, and two films share title and year."""
    monkeypatch.chdir(tmp_path)
    films = [
        {
            "Const": f"tt{n:07}",
            "Title": "Twin" if n > 28 else f"Film {n}",
            "Year": 1990,
            "Your Rating": 1 + n % 9,
            "Date Rated": "2024-03-01" if n else "",
        }
        for n in range(31)
    ]
    w.write(tmp_path / "imdb.csv", w.IMDB, films)
    assert main(["import", "imdb.csv", "--out", "mine.csv"]) == 0
    found = re.search(
        r"read it with (--scale 1:10:1); it has no column at, which 1 of 31", said(capsys)
    )
    assert found
    scale = found[1].split()
    table = pl.read_csv("mine.csv")
    assert table["movie"].n_unique() == 31
    assert table["movie"][-2:].to_list() == ["Twin (1990)", "Twin (1990) [2]"]
    assert table["title"][-2:].to_list() == ["Twin (1990)", "Twin (1990)"]
    assert main(["data", "describe", "mine.csv", *scale, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scale"] == "1:10:1"
    assert main(["train", "bias", "--data", "mine.csv", *scale, "--out", "logs"]) == 0
    assert main(["export", "--data", "mine.csv", *scale, "--user", "me", "--out", "l.csv"]) == 0
    assert "2 rows share title and year, and Letterboxd takes them for one" in said(capsys)
    written = pl.read_csv("l.csv")
    assert written["Title"].to_list() == [film["Title"] for film in films]
    assert written["Rating"].to_list() == [(1 + n % 9) / 2 for n in range(31)]


def said(capsys: Say) -> str:
    return capsys.readouterr().err


def test_files_that_are_no_ratings(tmp_path: Path, artifact: Path, capsys: Say) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "ratings.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "ratings.jpg")
    w.archive(tmp_path / "empty.zip", {})
    w.archive(tmp_path / "other.zip", {"watched.csv": "Date,Name,Year,Letterboxd URI\n"})
    w.write(tmp_path / "watchlist.csv", "Date,Name,Year,Letterboxd URI", [])
    w.write(tmp_path / "list.csv", w.IMDB_LIST, [{"Const": "tt0000001", "Title": "A"}])
    (tmp_path / "empty.csv").write_bytes(b"")
    for name, message in (
        ("ratings.png", "ratings.png: not a known export"),
        ("ratings.jpg", "ratings.jpg: not a known export"),
        ("empty.zip", "empty.zip: an empty ZIP; get it from the site again"),
        ("other.zip", "a ZIP of Letterboxd with watched.csv, but without ratings"),
        ("watchlist.csv", "a file of Letterboxd without ratings; give the ZIP or ratings.csv"),
        ("list.csv", "IMDb, but no ratings (left out: 1 row without a rating)"),
        ("empty.csv", "its empty first line"),
        ("nowhere.csv", "No such file"),
        (".", "Is a directory"),
    ):
        for words in ((), ("--artifact", artifact)):
            assert message in refusal(capsys, tmp_path / name, *words)
    assert "-: stdin is not read; save the export as a file" in refusal(capsys, "-")


def test_catalogues_without_titles_and_without_the_films(
    zipped: Path, tmp_path: Path, capsys: Say
) -> None:
    bare = catalogue.saved(tmp_path / "bare", titles=catalogue.movies().select("movie"))
    assert "its movies have no titles" in refusal(capsys, zipped, "--artifact", bare)
    others = catalogue.movies().with_columns(title=pl.format("Zz {}", "movie"))
    elsewhere = catalogue.saved(tmp_path / "other", titles=others)
    assert "none of 22 titles is matched" in refusal(capsys, zipped, "--artifact", elsewhere)
    words = (zipped, "--artifact", elsewhere, "--doubtful", "d.csv")
    assert "column movie of d.csv, then give --settled d.csv" in refusal(capsys, *words)
    lines = Path("d.csv").read_text("utf-8").splitlines()
    Path("d.csv").write_text("\n".join([lines[0], lines[1] + "7"]), "utf-8")
    assert facts(capsys, *words[:3], "--settled", "d.csv")["matched"] == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--artifact", "a", "--into", "b"], "either --artifact DIR or --into URL"),
        (["--settled", "x.csv"], "--settled needs a catalogue; add --artifact or --into"),
        (["--doubtful", "x.csv"], "--doubtful needs a catalogue"),
        (["--links", "x.csv"], "--links needs a catalogue"),
        (["--n", "5"], "--n needs a catalogue"),
        (["--token", "t"], "--token is for a service; remove it, or add --into URL"),
        (["--artifact", "a", "--token", "t"], "--token is for a service"),
        (["--artifact", "a", "--add"], "--add is for a service"),
        (["--into", "http://x", "--add"], "--add is for a user who has ratings; add --user ID"),
        (["--artifact", "a", "--user", "7"], "--user: a model takes you as a new user; remove it"),
        (["--user", "7"], "--user needs --into URL, or --out FILE"),
        (["--json", "--out", "-"], "--json and the table cannot share stdout"),
        (["--out", "x.txt"], "x.txt: unknown form of a table; end the name in .parquet"),
        (["--artifact", "nowhere"], "nowhere: no manifest.json"),
        (["--artifact", "a", "--n", "0"], "--n is 0; give 1 or more"),
        (["--into", "http://x", "--n", "101"], "--n is 101; give 1 to 100"),
        (["--profile"], "profile"),
        (["--settled", "", "--artifact", "a"], "import: --settled is empty; give a path"),
        (["--artifact="], "import: --artifact is empty; give a path"),
    ],
)
def test_wrong_words(words: list[str], message: str, zipped: Path, capsys: Say) -> None:
    assert message in refusal(capsys, zipped, *words)
    assert "give one or more files first" in refusal(capsys, *words)


def test_a_profile_of_netflix(tmp_path: Path, artifact: Path, capsys: Say) -> None:
    stars = {"Rating Type": "star", "Star Value": 4}
    rows = [
        {**stars, "Profile Name": who, "Title Name": name}
        for who, (name, _) in zip("ABB", catalogue.FILMS, strict=False)
    ]
    path = w.write(tmp_path / "Ratings.csv", w.NETFLIX, rows)
    assert "2 profiles of a Netflix account, A, B; choose yours, as in --profile A" in refusal(
        capsys, path, "--artifact", artifact
    )
    assert facts(capsys, path, "--artifact", artifact, "--profile", "B")["ratings"] == 2


def test_titles_do_not_move_the_cursor(tmp_path: Path, artifact: Path, capsys: Say) -> None:
    films = [*catalogue.FILMS[:3], ("Evil\x1b[2J\x07:star:", 2001)]
    path = tmp_path / "r.csv"
    path.write_text(catalogue.letterboxd(films, lambda _: 4), "utf-8")
    for words in ((), ("--artifact", str(artifact))):
        assert main(["import", str(path), *words]) == 0
        out = capsys.readouterr().out
        assert "\x1b[2J" not in out
        assert "Evil\\x1b[2J\\x07:star:" in out
