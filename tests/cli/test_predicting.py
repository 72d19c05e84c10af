"""Forecasts of many pairs: from a file of them, or of candidates for some users."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.cli import main
from ratecast.metrics.scores import Score
from ratecast.models import load_model
from ratecast.queries import many_forecasts
from ratecast.ratings import Ratings, Scale, checked
from tests.planted import planted

Say = pytest.CaptureFixture[str]
MODEL = Path("model")


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """A fitted model of text ids, and in pairs.csv pairs of known and new ones, one repeated."""
    from ratecast.models.bias import Bias

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(many_forecasts, "BLOCK_ROWS", 100)
    frame = planted().frame.unique(["user", "movie"], keep="first", maintain_order=True)
    frame = frame.with_columns(user="u" + pl.col("user").cast(pl.String))
    Bias().fit(checked(Ratings(frame[:900], scale=Scale(1, 5)))).save(MODEL)
    rest = frame[900:].reverse()
    new = pl.DataFrame({"user": ["nobody", "nobody"], "movie": [3, 9999], "rating": 4.0, "at": 5})
    table = pl.concat([rest[:250], rest[:1], new], how="vertical_relaxed")
    table = table.with_columns(pl.col("rating").cast(pl.Float32))
    table.write_csv("pairs.csv")
    return table


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def predict(*words: str | Path) -> int:
    return run("predict", "--artifact", MODEL, *words)


def test_each_row_has_its_forecast_and_all_rows_are_scored(
    pairs: pl.DataFrame, capsys: Say
) -> None:
    assert predict("--pairs", "pairs.csv", "--out", "out/all.parquet", "--json") == 0
    out, err = capsys.readouterr()
    found, facts = pl.read_parquet("out/all.parquet"), json.loads(out)
    forecast = load_model(MODEL).predict(pairs)
    expected = forecast.frame.insert_column(3, pairs["rating"])
    assert found.columns[:7] == ["user", "movie", "at", "rating", "stars", "low", "high"]
    assert found.columns[-2:] == ["history_length", "basis"]
    assert found.equals(expected)
    score = Score.of(forecast, Ratings(pairs, scale=Scale(1, 5)))
    assert (facts["rows"], facts["scored"]) == (len(pairs), len(pairs))
    for name in ("rmse", "mae", "nll"):
        assert facts[name] == pytest.approx(getattr(score, name), rel=1e-12)
    users, movies = (pairs[name].n_unique() for name in ("user", "movie"))
    assert f"1 of {users} users are not known to the model, 'nobody' first" in err
    assert f"1 of {movies} movies are not known to the model, 9999 first" in err


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.csv.gz"])
def test_without_ratings_and_times_the_forecasts_are_alone(
    name: str, pairs: pl.DataFrame, capsys: Say
) -> None:
    pairs.select(film="movie", who="user").write_csv("bare.csv", separator=";")
    words = ["--columns", "user=who,movie=film", "--out", name]
    assert predict("--pairs", "bare.csv", *words) == 0
    out = capsys.readouterr().out
    assert out == f"wrote {name}: {len(pairs)} forecasts\n"
    read = pl.read_ndjson if name.endswith("jsonl") else pl.read_csv
    found = read(name)
    assert found.columns[:3] == ["user", "movie", "stars"]
    expected = load_model(MODEL).predict(pairs.drop("rating", "at"))
    np.testing.assert_allclose(found["stars"], expected.stars, rtol=1e-12)


def test_a_missing_rating_has_a_forecast_and_is_not_scored(
    pairs: pl.DataFrame, capsys: Say
) -> None:
    unrated = pl.int_range(pl.len()) % 3 == 0
    pairs.with_columns(rating=pl.when(unrated).then(0).otherwise("rating")).write_parquet("p.pq")
    assert predict("--pairs", "p.pq") == 2
    err = capsys.readouterr().err
    assert "p.pq, row 1: rating 0 is not on the scale 1:5:1 of the model" in err
    for hint in ("--missing=0", "--no-rating"):
        assert hint in err
        assert predict("--pairs", "p.pq", hint, "--out", "o.csv") == 0
    capsys.readouterr()
    assert predict("--pairs", "p.pq", "--missing", "0") == 0
    out, err = capsys.readouterr()
    found = pl.read_csv(out.encode())
    assert found["rating"].null_count() == (len(pairs) + 2) // 3
    assert found["stars"].null_count() == 0
    scored = found.filter(pl.col("rating").is_not_null())
    rmse = np.sqrt(np.mean((scored["stars"] - scored["rating"]).to_numpy() ** 2))
    assert f"RMSE {rmse:.4f}" in err
    assert f"over {len(scored)} true ratings" in err
    assert "\\n" not in err


@pytest.mark.parametrize("none", ["", " ", "NA", "NaN", "null"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_empty_rating_has_a_forecast_and_is_not_scored(
    none: str, ending: str, pairs: pl.DataFrame, capsys: Say
) -> None:
    text = pairs["rating"].cast(pl.String).to_list()
    text[0] = text[4] = none
    table, path = pairs.with_columns(rating=pl.Series(text)), f"p.{ending}"
    table.write_csv(path) if ending == "csv" else table.write_parquet(path)
    assert predict("--pairs", path, "--out", "o.parquet", "--json") == 0
    out, err = capsys.readouterr()
    assert f"{path}: 2 of {len(pairs)} pairs have no rating and are not scored" in err
    found, facts = pl.read_parquet("o.parquet"), json.loads(out)
    assert found["rating"].is_null().arg_true().to_list() == [0, 4]
    assert (facts["rows"], facts["scored"]) == (len(pairs), len(pairs) - 2)
    expected = load_model(MODEL).predict(pairs.drop("rating"))
    assert found.drop("rating").equals(expected.frame)


@pytest.mark.parametrize("column", ["stars", "score", "rating"])
def test_a_column_that_may_be_the_rating_is_named_and_can_be_left_out(
    column: str, pairs: pl.DataFrame, capsys: Say
) -> None:
    """A table of forecasts, for example, has a column of expected stars."""
    named = pairs.select("user", "movie", pl.col("rating").alias(column))
    named.with_columns(pl.col(column) - 0.3).write_csv("p.csv")
    named.with_columns(pl.lit("four").alias(column)).write_csv("words.csv")
    assert predict("--pairs", "p.csv") == 2
    assert f"p.csv: true ratings are in column {column}; to leave them out: --no-rating" in (
        capsys.readouterr().err
    )
    expected = load_model(MODEL).predict(pairs.select("user", "movie")).frame
    for path in ("p.csv", "words.csv"):
        assert predict("--pairs", path, "--no-rating", "--out", "o.parquet") == 0
        assert f"{path}: columns not used: {column}" in capsys.readouterr().err
        assert pl.read_parquet("o.parquet").equals(expected)
    # In Python no ratings of requests are looked at.
    words = named.with_columns(pl.lit("four").alias(column))
    assert load_model(MODEL).predict(words).frame.equals(expected)


def test_a_folder_of_parts_without_ratings(pairs: pl.DataFrame) -> None:
    Path("parts").mkdir()
    for part in range(2):
        half = pairs.select("user", "movie")[part::2]
        half.write_parquet(f"parts/part-{part}.parquet")
    assert predict("--pairs", "parts", "--out", "o.parquet") == 0
    assert len(pl.read_parquet("o.parquet")) == len(pairs)


def test_every_candidate_for_one_user_and_for_several(pairs: pl.DataFrame, capsys: Say) -> None:
    Path("items.txt").write_text("7\n\n9999\n3\n7\n", "utf-8")
    assert predict("--user", "u5", "--items", "items.txt") == 0
    out, err = capsys.readouterr()
    one = pl.read_csv(out.encode())
    assert one["user"].to_list() == ["u5"] * 3
    assert one["movie"].to_list() == [7, 9999, 3]
    assert one["basis"].to_list()[1] == "new movie"
    assert "items.txt: 1 repeated ids left out" in err
    assert "1 of 3 movies are not known to the model, 9999 first" in err
    pairs.select("user", "at").write_csv("users.csv")
    pl.DataFrame({"movieId": range(1, 31), "title": "T"}).write_parquet("films.parquet")
    words = ["--users", "users.csv", "--items", "films.parquet", "--at", "9"]
    assert predict(*words, "--out", "all.parquet") == 0
    several = pl.read_parquet("all.parquet")
    users = pairs["user"].unique(maintain_order=True)
    assert several["user"].unique(maintain_order=True).to_list() == users.to_list()
    assert len(several) == 30 * len(users)
    assert several["at"].unique().to_list() == [9]
    expected = load_model(MODEL).predict(several.select("user", "movie", "at")).frame
    assert several.equals(expected)


@pytest.mark.usefixtures("pairs")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "give --user and --movie for one forecast, --pairs FILE for many"),
        (["--user", "u1"], "give --user and --movie for one forecast"),
        (["--items", "pairs.csv"], "--items FILE with --user or --users FILE"),
        (["--pairs", "pairs.csv", "--user", "u1"], "give --user and --movie"),
        (["--pairs", "pairs.csv", "--at", "5"], "remove --at"),
        (
            ["--pairs", "pairs.csv", "--scale", "0:10"],
            "--scale is 0:10:1, but the model's is 1:5:1",
        ),
        (["--pairs", "pairs.csv", "--no-rating", "--at", "5"], "remove --at"),
        (["--user", "u1", "--movie", "3", "--no-rating"], "--no-rating is of --pairs only"),
        (["--pairs", "pairs.csv", "--json"], "add --out FILE"),
        (["--pairs", "pairs.csv", "--out", "a.xlsx"], "end the name in .parquet, .csv"),
        (["--pairs", "none.csv"], "none.csv: no such file"),
        (["--pairs", "empty.csv"], "empty.csv: no pairs"),
        (["--pairs", "torn.csv"], "torn.csv, line 3"),
        (["--pairs", "half.csv"], "half.csv: no column for movie"),
        (["--user", "u1", "--movie", "3", "--out", "a.csv"], "--out is of --pairs and --items"),
        (["--user", "u1", "--movie", "3", "--no-time"], "--no-time is of --pairs only"),
        (["--user", "u1", "--items", "none.txt"], "none.txt: cannot be read"),
        (["--user", "u1", "--items", "blank.txt"], "blank.txt: no movie id"),
        (["--user", "u1", "--items", "words.txt"], "words.txt: movie 'Kolya'"),
    ],
)
def test_what_does_not_go_together_is_one_line(words: list[str], line: str, capsys: Say) -> None:
    Path("empty.csv").write_text("user,movie\n")
    Path("torn.csv").write_text("user,movie\nu1,2\nu2\n")
    Path("half.csv").write_text("user,dish\nu1,2\n")
    Path("blank.txt").write_text("\n\n")
    Path("words.txt").write_text("3\nKolya\n")
    before = sorted(Path().iterdir())
    assert predict(*words) == 2
    out, err = capsys.readouterr()
    assert line in err
    assert (out, err.count("\n")) == ("", 1)
    assert sorted(Path().iterdir()) == before


@pytest.fixture
def numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The artifact of a model whose ids are whole numbers."""
    from ratecast.models.bias import Bias

    monkeypatch.chdir(tmp_path)
    Bias().fit(planted()).save(MODEL)
    return MODEL


@pytest.mark.parametrize("verb", ["recommend --data", "predict --pairs"])
@pytest.mark.parametrize(
    ("user", "movie", "fault"), [("x", 1, "user 'x'"), (2, "soup", "movie 'soup'")]
)
def test_an_id_that_the_model_cannot_have_names_file_and_line(
    verb: str, user: int | str, movie: int | str, fault: str, numbered: Path, capsys: Say
) -> None:
    Path("t.csv").write_text(f"user,movie,rating\n1,1,5\n{user},{movie},4\n2,1,1\n")
    name, option = verb.split()
    assert run(name, "--artifact", numbered, option, "t.csv", "--out", "o.csv") == 2
    assert f"t.csv, line 3: {fault}: ids of this model are whole" in capsys.readouterr().err


def test_a_folder_that_is_made_is_said_before(numbered: Path, capsys: Say) -> None:
    said = "--out: there is no folder new; it will be made\n"
    Path("t.csv").write_text("user,movie\n1,1\n")
    verbs = (
        ("recommend", "--artifact", numbered, "--user", "1", "--rated", "--out", "new/o.csv"),
        ("predict", "--artifact", numbered, "--pairs", "t.csv", "--out", "new/o.csv"),
    )
    for words in verbs:
        assert run(*words) == 0
        assert capsys.readouterr().err.startswith(said)
        assert Path("new/o.csv").is_file()
        assert run(*words) == 0
        assert said not in capsys.readouterr().err
        Path("new/o.csv").unlink()
        Path("new").rmdir()


def test_serve_names_the_verb_that_publishes_an_artifact(numbered: Path, capsys: Say) -> None:
    from ratecast.serving.live.published import ArtifactStore

    for words in (("--artifact", numbered), (f"--artifact={numbered}",)):
        assert run("serve", *words, "--home", "home") == 2
        assert "ratecast publish DIR --home HOME" in capsys.readouterr().err
    assert run("publish", numbered, "--home", "home") == 0
    assert ArtifactStore(Path("home")).current is not None
