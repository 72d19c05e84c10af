"""One set of options says how a table is read, in every command; a table without times is one."""

import json
from pathlib import Path

import polars as pl
import pytest
import yaml

from ratecast import data
from ratecast.cli import main
from ratecast.cli.manual import manual
from ratecast.cli.verbs import VERBS
from ratecast.data.missing_ratings import RatingRules, suggestion
from ratecast.errors import InputError
from ratecast.ratings import Scale
from ratecast.table_options import OPTIONS, TableOptions
from tests.planted import planted

Say = pytest.CaptureFixture[str]
COLUMNS = "--columns=user=who,movie=dish,rating=points"
# Every verb that reads a table of ratings.
TABLE_VERBS = (
    "train tune evaluate report recommend serve refit",
    "data describe,data split,data expand",
)


@pytest.fixture
def timeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ratings without times, under names of their own, and with 0 for "not rated"."""
    monkeypatch.chdir(tmp_path)
    frame = planted(movies=300).frame.unique(["user", "movie"], keep="first", maintain_order=True)
    frame = frame.select(who="user", dish="movie", points="rating")
    none = frame[:7].with_columns(who=pl.lit(10**6) + pl.int_range(7), points=pl.lit(0.0))
    pl.concat([frame.cast({"points": pl.Float64}), none], how="vertical_relaxed").write_csv("t.csv")
    return Path("t.csv")


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def test_every_verb_takes_every_option() -> None:
    verbs = [*TABLE_VERBS[0].split(), *TABLE_VERBS[1].split(",")]
    for name in verbs:
        taken = {argument.name: argument.about for argument in manual(name, VERBS[name]).arguments}
        # Its files of items and users are lists of ids, and have no columns to name.
        lists = {"item_columns", "user_columns"} if name == "recommend" else set()
        assert set(OPTIONS) - lists <= set(taken), name
        assert not lists & set(taken)
        assert all(taken[option] for option in set(OPTIONS) - lists), name


def test_load_takes_the_same_options() -> None:
    from inspect import signature

    assert set(OPTIONS) == set(signature(data.load).parameters) - {"source", "notify"}


def test_a_table_without_times_goes_through_every_verb(timeless: Path, capsys: Say) -> None:
    table = ("--data", timeless, COLUMNS, "--missing", "0")
    assert run("train", "bias", *table, "--out", "runs") == 0
    assert run("train", "als", *table, "--out", "runs", "--all") == 0
    assert "no times: the test part is drawn at random" in capsys.readouterr().err
    artifact = Path("runs/bias/version_0/artifact")
    for more in ([], ["--split", "kfold"], ["--split", "holdout", "--seed", "3"]):
        assert run("evaluate", "--model", "bias", *table, *more) == 0
    assert run("evaluate", "--artifact", artifact, *table) == 0
    assert run("report", "mean,bias", *table, "--out", "report.html") == 0
    assert run("recommend", "--artifact", artifact, *table, "--out", "top.parquet", "--n", "2") == 0
    assert run("data", "describe", timeless, COLUMNS, "--missing", "0", "--json") == 0
    capsys.readouterr()
    assert run("data", "split", timeless, COLUMNS, "--missing", "0", "--json") == 0
    parts = json.loads(capsys.readouterr().out)["parts"]
    assert list(parts) == ["train", "valid", "test"]
    assert run("evaluate", "--model", "bias", *table, "--protocol", "as-of") == 2
    assert "no timestamps; use --protocol frozen" in capsys.readouterr().err


def test_settings_are_tuned_without_times(timeless: Path, capsys: Say) -> None:
    table = ("--data", timeless, COLUMNS, "--missing", "0")
    for split in ("auto", "kfold"):
        out = Path(f"{split}.yaml")
        assert run("tune", "bias", *table, "--split", split, "--trials", "2", "--out", out) == 0
        assert "valid RMSE, frozen" in capsys.readouterr().out
        written = yaml.safe_load(out.read_text())
        assert written["columns"] == COLUMNS.removeprefix("--columns=")
        assert (written["data"], written["missing"], written["split"]) == ("t.csv", "0", "holdout")
        assert run("train", out, "--out", "runs") == 0


def test_the_runs_file_has_the_options(timeless: Path) -> None:
    assert run("train", "mean", "--data", timeless, COLUMNS, "--missing=0", "--no-time") == 0
    written = yaml.safe_load(Path("lightning_logs/mean/version_0/run.yaml").read_text())
    assert written["experiment"]["no_time"] is True
    assert written["experiment"]["missing"] == "0"


def test_not_rated_is_left_out_counted_and_suggested(timeless: Path) -> None:
    notes: list[str] = []
    columns = {"user": "who", "movie": "dish", "rating": "points"}
    rows = len(data.load(timeless, columns=columns, notify=notes.append))
    assert notes == []  # 0 is a star like the others here: few rows, no gap.
    table = data.load(timeless, columns=columns, missing=0, notify=notes.append)
    assert len(table) == rows - 7
    assert notes == ["t.csv: 7 rows rated 0 left out, not rated"]
    assert table.scale == Scale(1, 5)


@pytest.mark.parametrize(
    ("none", "rated", "said"),
    [
        (99.0, [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0], True),
        (-1.0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], True),
        (0.0, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], False),
    ],
)
def test_a_lone_value_is_suggested(none: float, rated: list[float], said: bool) -> None:
    stars = pl.Series("rating", [none] * 6 + rated * 9)
    hint = f"10% of the ratings are {none:g}; if that is no rating: --missing={none:g} "
    hint += "(missing= in Python)"
    assert suggestion(stars, RatingRules()) == (hint if said else None)
    frame = pl.DataFrame({"user": range(60), "movie": range(60), "rating": stars})
    notes: list[str] = []
    table = data.load(frame, missing=none, notify=notes.append)
    assert notes == [f"ratings: 6 rows rated {none:g} left out, not rated"]
    assert (table.scale.low, table.scale.high) == (rated[0], rated[-1])


def test_zero_in_most_rows_is_suggested() -> None:
    frame = pl.DataFrame(
        {"user": range(18), "movie": range(18), "rating": [0.0] * 12 + [1.0, 2, 3, 4, 5, 6]}
    )
    notes: list[str] = []
    data.load(frame, notify=notes.append)
    hint = "67% of the ratings are 0; if that is no rating: missing=0 of rc.load"
    assert notes == [f"ratings: {hint}"]


def test_every_rating_missing_is_refused() -> None:
    frame = pl.DataFrame({"user": [1, 2], "movie": [1, 2], "rating": [0.0, 0.0]})
    with pytest.raises(InputError, match=r"no rating but 0, which --missing leaves out"):
        data.load(frame, missing=0)
    none = pl.DataFrame({"user": [1, 2], "movie": [1, 2], "rating": [None, "NA"]})
    with pytest.raises(InputError, match=r"no rating but NA, which --missing leaves out"):
        data.load(none, missing="NA")


def test_times_are_read_by_their_format_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "user,movie,rating,date\n1,1,3,20.04.1998\n1,2,4,21.04.1998\n1,3,5,03.05.1998\n"
    )
    table = data.load(path, time_format="%d.%m.%Y")
    assert table.frame["at"].to_list() == [893030400, 893116800, 894153600]
    with pytest.raises(InputError, match=r"t\.csv, line 2: time '20\.04\.1998'"):
        data.load(path)
    assert not data.load(path, no_time=True).timed
    assert run("data", "describe", path, "--time-format", "%d.%m.%Y") == 0
    assert run("data", "describe", path, "--time_format=%d.%m.%Y") == 0
    assert run("data", "describe", path, "--no-time") == 0


@pytest.mark.usefixtures("ml100k")
def test_an_edition_takes_no_layout() -> None:
    with pytest.raises(InputError, match="ml-100k: --columns is of a table file only; remove"):
        data.load("ml-100k", columns="movie=film")
    assert not data.load("ml-100k", no_time=True).timed


def test_options_as_words() -> None:
    options = TableOptions(columns={"movie": "film"}, missing="0", no_time=True)
    assert options.words() == ["--missing=0", "--no-time=True", "--columns=movie=film"]
    assert options.plain() == {"columns": {"movie": "film"}, "missing": "0", "no_time": True}


def scores(out: str) -> list[tuple[str, str, float]]:
    rows = json.loads(out.splitlines()[-1])["rows"]
    return [(row["part"], row["slice"], row["rmse"]) for row in rows]


def test_a_file_of_an_experiment_brings_its_table(timeless: Path, capsys: Say) -> None:
    table = ("--data", timeless, COLUMNS, "--missing", "0")
    assert run("tune", "bias", *table, "--trials", "1", "--out", "mine.yaml") == 0
    assert run("evaluate", "--model", "bias", *table, "--json") == 0
    by_options = scores(capsys.readouterr().out)
    assert run("evaluate", "--model", "mine.yaml", "--json") == 0
    out, err = capsys.readouterr()
    assert scores(out) == by_options
    assert "evaluate: on t.csv, as mine.yaml says" in err


def test_what_is_read_is_not_overwritten(timeless: Path, capsys: Say) -> None:
    table = ("--data", timeless, COLUMNS, "--missing", "0")
    before = timeless.read_bytes()
    assert run("train", "bias", *table, "--out", "runs") == 0
    artifact = "runs/bias/version_0/artifact"
    assert run("recommend", "--artifact", artifact, *table, "--out", timeless) == 2
    assert (
        "t.csv: is read or written too, and would be lost; give another name"
        in capsys.readouterr().err
    )
    columns = ("--columns", "user=who,movie=dish")
    words = ("predict", "--artifact", artifact, "--pairs", timeless, *columns, "--out", timeless)
    assert run(*words) == 2
    assert timeless.read_bytes() == before


def test_parts_leave_no_table_and_no_split_to_choose(timeless: Path, capsys: Say) -> None:
    parts = ("evaluate", "--model", "bias", "--train", timeless, "--test", timeless, COLUMNS)
    assert run(*parts, "--data", timeless) == 2
    assert "--train and --test are the parts; remove --data" in capsys.readouterr().err
    assert run(*parts, "--split", "kfold") == 2
    assert "remove --split" in capsys.readouterr().err
