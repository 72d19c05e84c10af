"""Lists and forecasts that the command line writes to folders of parts."""

import json
from pathlib import Path

import polars as pl
import pytest

from ratecast.cli import main
from ratecast.evaluation import list_parts, pair_sources
from ratecast.parted_table import MANIFEST, read_parts
from ratecast.queries import many_forecasts, top_n
from ratecast.ratings import Ratings, Scale, checked
from tests.planted import planted

Say = pytest.CaptureFixture[str]


@pytest.fixture
def rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """A fitted model, its rows in train.csv, and the later ones in test.csv."""
    from ratecast.models.bias import Bias

    monkeypatch.chdir(tmp_path)
    # Small parts.
    monkeypatch.setattr(many_forecasts, "BLOCK_ROWS", 100)
    monkeypatch.setattr(pair_sources, "BLOCK_ROWS", 100)
    monkeypatch.setattr(top_n, "PAIRS", 40 * 10)
    for module in (pair_sources, list_parts):
        monkeypatch.setattr(module, "BLOCKS", 2)
    frame = planted().frame.unique(["user", "movie"], keep="last", maintain_order=True)
    frame = frame.with_columns(pl.col("rating").cast(pl.Float32))
    Bias().fit(checked(Ratings(frame[:500], scale=Scale(1, 5)))).save(Path("model"))
    frame[:500].write_csv("train.csv")
    frame[500:].write_csv("test.csv")
    return frame[500:]


def run(*words: str) -> int:
    return main([*words])


@pytest.mark.usefixtures("rest")
def test_lists_in_a_folder_are_those_of_a_file(capsys: Say) -> None:
    words = ["recommend", "--artifact", "model", "--data", "train.csv", "--n", "5"]
    assert run(*words, "--out", "one.parquet") == 0
    capsys.readouterr()
    assert run(*words, "--out", "lists", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    users = read_parts(Path("lists")).collect()["user"].n_unique()
    assert facts["parts"] == -(-users // 20)
    assert (facts["users"], facts["rows"]) == (users, 5 * users)
    assert read_parts(Path("lists")).collect().equals(pl.read_parquet("one.parquet"))
    before = {file: file.stat().st_mtime_ns for file in Path("lists").iterdir()}
    assert run(*words, "--out", "lists", "--workers", "1") == 0
    wrote = f"wrote lists: {5 * users} rows in {facts['parts']} parts"
    assert capsys.readouterr().out.strip() == wrote
    before.pop(Path("lists/.running"))
    assert all(file.stat().st_mtime_ns == then for file, then in before.items())
    # What decides the rows decides the folder.
    for other in (["--n", "4"], ["--rated"], ["--user", "3"]):
        assert run(*words, *other, "--out", "lists") == 2
        assert "lists: is of another call: " in capsys.readouterr().err


@pytest.mark.parametrize("pairs", ["test.csv", "test.parquet"])
def test_forecasts_in_a_folder_are_scored_and_evaluated(
    pairs: str, rest: pl.DataFrame, capsys: Say
) -> None:
    # With seconds that are seconds, a file of Parquet is read part by part.
    rest = rest.with_columns(at=pl.col("at") + 1_000_000_000)
    rest.write_parquet("test.parquet")
    words = ["predict", "--artifact", "model", "--pairs", pairs, "--json"]
    facts = []
    for out in ("one.parquet", "bias"):
        assert run(*words, "--out", out) == 0
        facts.append(json.loads(capsys.readouterr().out))
    file, folder = facts
    assert folder["parts"] == -(-len(rest) // 200)
    assert {**file, "out": "bias", "parts": folder["parts"]} == folder
    assert read_parts(Path("bias")).collect().equals(pl.read_parquet("one.parquet"))
    split = ["evaluate", "--train", "train.csv", "--test", pairs, "--json"]
    rows = []
    for out in ("one.parquet", "bias"):
        assert run(*split, "--forecasts", out) == 0
        found = json.loads(capsys.readouterr().out)["rows"]
        rows.append([{k: v for k, v in row.items() if k != "model"} for row in found])
    assert rows[0] == rows[1]
    part = Path("bias/part-00001.parquet")
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert run(*split, "--forecasts", "bias") == 2
    assert "bias/part-00001.parquet: has changed since it was written" in capsys.readouterr().err
    Path("bias", MANIFEST).unlink()
    assert run(*split, "--forecasts", "bias") == 2
    assert "bias: no manifest.json of a table in parts" in capsys.readouterr().err


def test_every_candidate_goes_to_a_folder_too(rest: pl.DataFrame, capsys: Say) -> None:
    Path("users.txt").write_text("3\n4\n5\n6\n7\n8\n9\n")
    rest.select("movie").unique().write_csv("movies.csv")
    words = ["predict", "--artifact", "model", "--users", "users.txt", "--items", "movies.csv"]
    assert run(*words, "--out", "one.parquet") == 0
    assert run(*words, "--out", "all") == 0
    count = rest["movie"].n_unique() * 7
    assert f"wrote all: {count} forecasts in " in capsys.readouterr().out
    assert read_parts(Path("all")).collect().equals(pl.read_parquet("one.parquet"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--out", "top.csv", "--workers", "2"],
            "--workers writes a folder of parts, and top.csv is one file; give --out a name "
            "without an ending, as in --out top",
        ),
        (["--out", "-", "--on", "ray"], "--on ray writes a folder of parts, and - is one file"),
        (["--out", "."], "has other files, as "),
        (["--out", "lists", "--n", "0"], "0 movies for each user; give 1 or more"),
        (["--out", "lists", "--workers", "0"], "--workers is 0; give a whole number, 1 or more"),
        (["--out", "lists", "--address", "a:1"], "--address is of --on ray"),
        (["--out", "top.txt"], "top.txt: unknown form of a table"),
    ],
)
@pytest.mark.usefixtures("rest")
def test_what_cannot_be_is_refused(words: list[str], said: str, capsys: Say) -> None:
    assert run("recommend", "--artifact", "model", "--rated", *words) == 2
    assert said in capsys.readouterr().err
    assert not Path("lists").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rating": pl.lit(9.0)}, "p.parquet, row 1: rating 9 is not on the scale 1:5:1"),
        ({"user": pl.when(pl.int_range(pl.len()) != 300).then("user")}, "p.parquet, row 301: no "),
    ],
)
def test_a_bad_row_of_a_parquet_file_is_named_before_the_work(
    change: dict[str, pl.Expr], said: str, rest: pl.DataFrame, capsys: Say
) -> None:
    rest.with_columns(at=2_000_000_000, **change).write_parquet("p.parquet")
    assert run("predict", "--artifact", "model", "--pairs", "p.parquet", "--out", "p") == 2
    assert said in capsys.readouterr().err
    assert not Path("p").exists()
