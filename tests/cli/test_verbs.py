"""The verbs as a person uses them: what is printed, the exit code, and what is left on disk."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ratecast as rc
from ratecast.cli import main
from ratecast.models import MODELS, load_model
from ratecast.models.blend.inner import Held, PartForecasts
from ratecast.progress import _screen
from ratecast.ratings import Ratings
from ratecast.splits import chronological
from tests.planted import planted
from tests.test_progress import terminal

Say = pytest.CaptureFixture[str]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small table of one's own, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    mine().frame.write_csv("ratings.csv")
    return Path("ratings.csv")


def mine() -> Ratings:
    """The same table, in memory: no pair twice, and a number of rows that five folds share."""
    table = planted(movies=400)
    once = table.frame.unique(["user", "movie"], keep="first", maintain_order=True)
    return replace(table, frame=once[: once.height // 5 * 5])


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fly"], "'fly' is not a command; choose one of data fetch"),
        (["trian"], "did you mean ratecast train?"),
        (["data"], "choose one of data fetch, data describe, data split"),
        (["data", "fry"], "choose one of data fetch, data describe, data split"),
        (
            ["evaluate", "--model", "bias", "--artifact", "x"],
            "one of --model NAME, --artifact DIR and --forecasts FILE",
        ),
        (["evaluate", "--artifact", "x", "--budget", "5s"], "--budget is of a fit"),
        (["evaluate", "--budget", "soon"], "in 60s, 5m or 2h"),
        (["evaluate", "--model", "bias", "--budget", "5s"], "budget"),
        (["train", "--budget"], "give a duration, as in --budget 60s"),
        (["evaluate", "--model", "oracle"], "or choose one of mean, bias"),
        (["evaluate", "--model", "bias", "--speed", "3"], "--speed"),
        (["evaluate", "--model", "bias", "--seed", "x"], "seed"),
        (["evaluate", "--model", "bias", "--split", "u9"], "split"),
        (["evaluate", "--model", "bias", "--train", "t.csv"], "go together"),
        (["evaluate", "--model", "bias", "--data", "nowhere.csv"], "nowhere.csv: no such file"),
        (["predict", "--artifact", "nowhere", "--user", "1", "--movie", "1"], "no manifest.json"),
        (["train", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["train", "--model=als"], "give a YAML file or the name of a model first"),
        (["train", "--model", "als"], "give a YAML file or the name of a model first"),
        (["evaluate", "--json", "x.json"], "--json takes no value; remove 'x.json' after it"),
    ],
)
def test_bad_words_get_one_line_and_code_2(
    words: list[str], said: str, table: Path, capsys: Say
) -> None:
    assert run(*words) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert err.startswith("ratecast: ")
    assert err.count("\n") == 1
    assert not out
    assert [path.name for path in Path().iterdir()] == [table.name]


def test_train_then_evaluate_then_predict(table: Path, capsys: Say) -> None:
    """The artifact, alone, gives the figures and forecasts of the model that was trained."""
    assert run("train", "bias", "--data", table, "--out", "logs") == 0
    artifact = Path("logs/bias/version_0/artifact")
    assert run("evaluate", "--artifact", artifact, "--data", table, "--out", "a.json") == 0
    assert run("evaluate", "--model", "bias", "--data", table, "--out", "b.json") == 0
    saved, fresh = (json.loads(Path(f).read_text())["rows"] for f in ("a.json", "b.json"))
    for row in saved + fresh:
        del row["fit_seconds"], row["predictions_per_second"]
    assert saved == fresh
    assert {row["part"] for row in fresh} == {"train", "valid", "test"}
    capsys.readouterr()

    table.unlink()  # a forecast needs no training data
    words = ["predict", "--artifact", str(artifact), "--user", "7", "--movie", "3"]
    assert run(*words, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    split = chronological(mine())
    row = split.train.take((split.train.frame["user"] == 7).to_numpy())
    assert facts["history_length"] == len(row)
    assert facts["basis"] == "user and movie known"
    assert sum(facts["probabilities"].values()) == pytest.approx(1)
    assert run(*words) == 0
    assert f"3: {facts['stars']:.2f} stars" in capsys.readouterr().out


def test_a_training_that_chooses_says_so_before_it_begins(
    table: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def seen(held: Held, make: Any) -> PartForecasts:
        assert _screen.display is not None
        tried.extend(task.description for task in _screen.display.tasks)
        return forecasts(held, make)

    forecasts = Held.forecasts
    monkeypatch.setattr(Held, "forecasts", seen)
    monkeypatch.setattr(rc.Auto, "candidates", lambda _: {"mean": rc.Mean(), "bias": rc.Bias()})
    screen = terminal(monkeypatch)
    assert run("train", "--data", table, "--budget", "5s") == 0
    assert tried == ["auto: trying mean", "auto: trying bias"]
    err = screen.getvalue()
    assert "train: auto tries models, one by one, for about 5 s at most" in err
    assert err.index("auto tries") < err.index("auto: bias: frozen")
    assert "artifact: " in capsys.readouterr().out


def test_a_stranger_is_answered_and_marked(table: Path, capsys: Say) -> None:
    assert run("train", "bias", "--data", table, "--out", "logs") == 0
    artifact = "logs/bias/version_0/artifact"
    assert run("predict", "--artifact", artifact, "--user", "12345", "--movie", "3") == 0
    assert "new user; 0 ratings of user 12345 used" in capsys.readouterr().out
    assert run("predict", "--artifact", artifact, "--user", "bob", "--movie", "3") == 2
    assert "user 'bob': ids of this model are whole numbers" in capsys.readouterr().err
    assert run("predict", "--artifact", artifact, "--user", "1", "--movie", "Kolya") == 2
    assert "movie 'Kolya': no such title or id" in capsys.readouterr().err


def test_an_artifact_is_not_scored_on_what_it_learned_from(table: Path, capsys: Say) -> None:
    assert run("train", "bias", "--data", table, "--out", "logs", "--all") == 0
    artifact = Path("logs/bias/version_0/artifact")
    assert run("evaluate", "--artifact", artifact, "--data", table) == 2
    assert "scores would not be comparable" in capsys.readouterr().err
    assert load_model(artifact).learned_from == mine().sorted().fingerprint()


@pytest.mark.usefixtures("table")
def test_brought_parts_and_as_of() -> None:
    split = chronological(mine())
    split.train.frame.write_csv("train.csv")
    split.test.frame.write_parquet("test.parquet")
    words = ["evaluate", "--model", "bias", "--train", "train.csv", "--test", "test.parquet"]
    assert run(*words, "--protocol", "frozen", "--out", "frozen.json") == 0
    assert run(*words, "--protocol", "as-of", "--out", "as-of.json") == 0
    frozen, as_of = (
        {(r["part"], r["slice"]): r for r in json.loads(Path(f).read_text())["rows"]}
        for f in ("frozen.json", "as-of.json")
    )
    assert frozen["test", "all"]["n"] == as_of["test", "all"]["n"] == len(split.test)
    assert as_of["test", "all"]["rmse"] < frozen["test", "all"]["rmse"]
    assert not any(part == "valid" for part, _ in frozen)
    assert split.valid is not None
    split.valid.frame.write_csv("valid.csv")
    assert run(*words, "--valid", "valid.csv", "--out", "three.json") == 0
    three = json.loads(Path("three.json").read_text())["rows"]
    counts = {r["part"]: r["n"] for r in three if r["slice"] == "all"}
    assert counts["valid"] == len(split.valid)
    assert run("evaluate", "--model", "bias", "--valid", "valid.csv") == 2


@pytest.mark.usefixtures("table")
def test_column_names_and_a_scale_can_be_said(capsys: Say) -> None:
    renamed = mine().frame.rename({"user": "who", "movie": "film", "rating": "points"})
    renamed.write_csv("odd.csv")
    words = ["evaluate", "--model", "bias", "--data", "odd.csv"]
    assert run(*words) == 2
    assert "no column for user" in capsys.readouterr().err
    named = ["--columns", "user=who,movie=film,rating=points", "--scale", "0:10"]
    assert run(*words, *named, "--out", "odd.json") == 0
    assert run("train", "bias", "--data", "odd.csv", "--out", "logs", *named) == 0
    assert load_model(Path("logs/bias/version_0/artifact")).scale.high == 10


@pytest.mark.usefixtures("table")
def test_a_test_part_never_widens_the_scale(capsys: Say) -> None:
    frame = mine().frame
    low = frame.filter(pl.col("rating") < 5)
    low[:600].write_csv("train.csv")
    frame[-200:].write_csv("test.csv")
    words = ["evaluate", "--model", "bias", "--train", "train.csv", "--test", "test.csv"]
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert "rating 5 is not on the scale 1:4:1; correct or remove it, or give --scale=1:5:1" in said
    assert run(*words, "--scale=1:5:1") == 0
    # A test part without the ends of the scale is on that of train.
    frame[:600].write_csv("train.csv")
    low[-100:].write_csv("test.csv")
    assert run(*words) == 0


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("scale", ["-10:10:1", "-10:10:continuous"])
def test_a_scale_may_begin_with_a_minus(scale: str, capsys: Say) -> None:
    frame = mine().frame.with_columns(pl.col("rating") * 4 - 11)
    frame.write_csv("odd.csv")
    words = ["--data", "odd.csv", "--scale", scale]
    assert run("data", "describe", *words[1:], "--json") == 0
    assert json.loads(capsys.readouterr().out)["scale"] == scale
    assert run("train", "bias", *words, "--out", "logs") == 0
    assert str(load_model(Path("logs/bias/version_0/artifact")).scale) == scale


@pytest.mark.usefixtures("table")
def test_a_table_of_continuous_ratings_is_read_scored_and_forecast(capsys: Say) -> None:
    ratings = rc.example_ratings(scale=rc.Scale(-10, 10, None))
    column = pl.col("rating").cast(pl.Float64).clip(-9.4, 9.9).round(2)
    ratings.frame.with_columns(column).write_csv("jokes.csv")
    assert run("train", "als", "--data", "jokes.csv", "--out", "logs") == 0
    said = capsys.readouterr().err
    assert "as continuous from -9.4 to 9.9; give --scale=-10:10:continuous (scale=" in said
    words = ["--data", "jokes.csv", "--scale=-10:10:continuous"]
    assert run("train", "als", *words, "--out", "logs") == 0
    assert run("evaluate", "--model", "als", *words, "--protocol", "as-of") == 0
    assert run("report", "mean,bias", *words, "--out", "report.html") == 0
    assert "histogram of train" in Path("report.html").read_text("utf-8")
    capsys.readouterr()
    artifact = "logs/als/version_1/artifact"
    assert run("predict", "--artifact", artifact, "--user", "1", "--movie", "2", "--json") == 0
    forecast = json.loads(capsys.readouterr().out)
    assert next(iter(forecast["probabilities"])) == "-10 to -8.75"
    assert sum(forecast["probabilities"].values()) == pytest.approx(1)
    assert sorted(forecast["quantiles"].values()) == list(forecast["quantiles"].values())
    assert run("predict", "--artifact", artifact, "--user", "1", "--movie", "2") == 0
    assert "8.75 to 10" in capsys.readouterr().out


def test_as_of_refuses_parts_that_overlap_in_time(table: Path, capsys: Say) -> None:
    words = ["evaluate", "--model", "bias", "--data", str(table), "--split", "kfold"]
    assert run(*words) == 0
    assert run(*words, "--protocol", "as-of", "--out", "out.json") == 2
    assert "ends after test begins" in capsys.readouterr().err
    assert not Path("out.json").exists()


@pytest.mark.usefixtures("table")
def test_no_timestamps_means_no_chronological_split(capsys: Say) -> None:
    mine().frame.drop("at").write_csv("timeless.csv")
    chosen = ("evaluate", "--model", "bias", "--data", "timeless.csv")
    assert run(*chosen, "--split", "chronological") == 2
    assert "no timestamps; use --split holdout" in capsys.readouterr().err
    assert run(*chosen) == run(*chosen, "--split", "holdout") == 0
    assert "drawn at random (--split holdout, seed 0)" in capsys.readouterr().err
    assert run("evaluate", "--model", "bias", "--data", "timeless.csv", "--split", "kfold") == 0


def test_describe_and_split_print_the_facts(table: Path, capsys: Say) -> None:
    assert run("data", "describe", table, "--json") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == len(mine())
    assert run("data", "split", table, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["leaks"] == []
    assert sum(part["rows"] for part in facts["parts"].values()) == len(mine())
    assert run("data", "split", table) == 0
    assert "no leaks" in capsys.readouterr().out


def test_overfit_says_so_and_exits_1(table: Path, capsys: Say) -> None:
    words = ["overfit", "mf", "--data", str(table), "--out", "logs"]
    assert run(*words) == 0
    assert "passed" in capsys.readouterr().out
    assert run(*words, "--trainer.learning_rate", "0") == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.usefixtures("ml100k")
def test_titles_are_offered_where_one_is_mistyped(
    tmp_path: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("train", "bias", "--out", "logs") == 0
    words = ["predict", "--artifact", "logs/bias/version_0/artifact", "--user", "196"]
    capsys.readouterr()
    assert run(*words, "--movie", "Kolya (1996)") == 0
    assert capsys.readouterr().out.startswith("Kolya (1996): ")
    assert run(*words, "--movie", "kolia") == 2
    assert "nearest: 'Kolya (1996)'" in capsys.readouterr().err


@pytest.mark.usefixtures("table")
def test_a_bad_row_is_named_by_line(capsys: Say) -> None:
    frame = mine().frame.with_columns(pl.col("rating").cast(pl.String))
    lines = frame.write_csv().splitlines()
    lines[5] = lines[5].replace(lines[5].split(",")[2], "many")
    Path("bad.csv").write_text("\n".join(lines))
    assert run("evaluate", "--model", "bias", "--data", "bad.csv") == 2
    assert "line 6" in capsys.readouterr().err


def test_models_are_listed_one_line_each(capsys: Say) -> None:
    assert main(["models"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["model", "needs", "frozen", "as-of", "description"]
    assert [line.split()[0] for line in lines] == list(MODELS)
    by_name = {line.split()[0]: line.split()[1:4] for line in lines}
    table = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (line,) = (line for line in table.splitlines() if line.startswith("| als | 1."))
    _, _, _, frozen, _, as_of, _ = map(str.strip, line.split("|"))
    assert by_name["als"][:2] == [frozen, as_of]
    assert by_name["neumf"][0] == "nets"


def test_a_renamed_setting_is_one_note(capsys: Say) -> None:
    assert main(["train", "bias", "--model.sweeps", "x"]) == 2
    notes = [line for line in capsys.readouterr().err.splitlines() if "note" in line]
    assert len(notes) == 1
    assert notes[0].startswith("ratecast: note: model.sweeps is called model.iterations now")


def test_the_help_of_several_commands_names_each(capsys: Say) -> None:
    for words in (["data", "--help"], ["data", "-h"], ["help", "data"]):
        assert run(*words) == 0
        printed = capsys.readouterr().out
        assert "Usage: ratecast data COMMAND [options]" in printed
        assert "\n  ratecast data fetch ml-" in printed
        for name in ("fetch", "describe", "split", "expand"):
            assert f"\n  data {name} " in printed


def test_output_that_nobody_reads_ends_the_command_quietly() -> None:
    words = [sys.executable, "-m", "ratecast.cli", "data", "describe", "--help"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 1
