"""How a table was read is written beside its model, and used where nothing else is given."""

import json
import shlex
import shutil
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import ratecast as rc
from ratecast.artifact import BESIDE, DIGEST, MANIFEST
from ratecast.cli import main
from ratecast.models import load_model
from ratecast.serving.live.published import ArtifactStore
from ratecast.training.experiment import read_experiment
from ratecast.training.saved_experiment import EXPERIMENT, saved_experiment
from tests.planted import planted

Say = pytest.CaptureFixture[str]
OPTIONS = ("--columns=user=who,movie=dish,rating=points", "--missing=0", "--scale=1:5:1")


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ratings without times, under names of their own, with 0 for "not rated"."""
    monkeypatch.chdir(tmp_path)
    frame = planted(movies=300).frame.unique(["user", "movie"], keep="first", maintain_order=True)
    frame = frame.select(who="user", dish="movie", points=pl.col("rating").cast(pl.Float64))
    none = frame[:7].with_columns(who=pl.lit(10**6) + pl.int_range(7), points=pl.lit(0.0))
    pl.concat([frame, none], how="vertical_relaxed").write_csv("t.csv")
    return Path("t.csv")


def run(*words: str | Path) -> int:
    return main([str(word) for word in words])


def trained(table: Path, *words: str) -> Path:
    assert run("train", "bias", "--data", table, *OPTIONS, "--out", "runs", *words) == 0
    return max(Path("runs/bias").glob("version_*/artifact"))


def rows(*words: str | Path) -> Any:
    assert run("evaluate", *words, "--out", "rows.json") == 0
    found = json.loads(Path("rows.json").read_text())["rows"]
    return [
        {k: v for k, v in row.items() if not k.endswith(("seconds", "second"))} for row in found
    ]


@pytest.mark.parametrize("words", [(), ("--split=holdout", "--seed=3")])
def test_an_artifact_is_evaluated_on_what_it_was_trained_on(
    words: tuple[str, ...], table: Path, capsys: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact, source = trained(table, *words).absolute(), table.absolute()
    plainly = rows("--artifact", artifact, "--data", table, *OPTIONS, *words)
    assert rows("--artifact", artifact, "--data", "./t.csv", *words) == plainly
    Path("elsewhere").mkdir()
    monkeypatch.chdir("elsewhere")
    capsys.readouterr()
    assert rows("--artifact", artifact) == plainly
    note = capsys.readouterr().err.splitlines()[0]
    assert note.startswith(f"evaluate: on what the artifact was trained on, {source} --")
    assert all(option in note for option in OPTIONS)


def test_options_that_are_given_take_the_place_of_saved_ones(table: Path, capsys: Say) -> None:
    artifact = trained(table)
    assert run("evaluate", "--artifact", artifact, "--scale", "1:6:1") == 2
    assert "was not fitted on exactly the train part" in capsys.readouterr().err
    assert run("evaluate", "--artifact", artifact, "--split", "chronological") == 2
    assert "no timestamps; use --split holdout" in capsys.readouterr().err


def test_a_model_of_every_rating_is_not_scored_on_them(table: Path, capsys: Say) -> None:
    artifact = trained(table, "--all")
    assert run("evaluate", "--artifact", artifact) == 2
    assert "scores would not be comparable" in capsys.readouterr().err


def test_recommend_reads_the_table_as_it_was_read(table: Path, capsys: Say) -> None:
    artifact = trained(table)
    words = ["recommend", "--artifact", str(artifact), "--n", "300", "--user=7", "--out=top.csv"]
    assert run(*words, "--data", table) == 0
    own = pl.read_csv(table).filter((pl.col("who") == 7) & (pl.col("points") > 0))["dish"]
    assert not set(own.to_list()) & set(pl.read_csv("top.csv")["movie"].to_list())
    shutil.copy(table, "other.csv")
    capsys.readouterr()
    assert run(*words, "--data", "other.csv") == 2  # Another table may have other names.
    assert "no column for user" in capsys.readouterr().err


def test_the_file_is_beside_the_model_and_not_of_it(table: Path) -> None:
    artifact = trained(table)
    written = yaml.safe_load((artifact / EXPERIMENT).read_text())
    assert written["data"] == str(table.absolute())
    assert (written["missing"], written["scale"], written["split"]) == ("0", "1:5:1", "auto")
    assert run("train", artifact / EXPERIMENT, "--out", "again") == 0
    again = Path("again/bias/version_0/artifact")
    assert load_model(again).learned_from == load_model(artifact).learned_from
    name = ArtifactStore(Path("home")).publish(artifact)
    copied = saved_experiment(ArtifactStore(Path("home")).folder(name))
    assert copied == saved_experiment(artifact) is not None
    load_model(artifact).save(artifact)  # As from Python, without an experiment.
    assert rows("--artifact", artifact, "--data", table, *OPTIONS)
    assert run("predict", "--artifact", artifact, "--user", "7", "--movie", "3") == 0


@pytest.mark.parametrize("name", [EXPERIMENT, "table.json"])
def test_a_changed_file_beside_the_model_is_refused(table: Path, name: str, capsys: Say) -> None:
    artifact = trained(table)
    file = artifact / name
    file.write_text(file.read_text().replace("dishes", "others", 1) + "\n")
    for change in ("has changed since it was saved; train again", "is missing; copy the whole"):
        publish: list[str | Path] = ["publish", artifact, "--home", "home"]
        for words in (publish, ["evaluate", "--artifact", artifact]):
            capsys.readouterr()
            assert run(*words) == 2
            assert f"{name} {change}" in capsys.readouterr().err.splitlines()[-1]
        file.unlink(missing_ok=True)
    assert not list(Path().glob("home/models/*"))


def test_what_an_older_release_left_unlisted_is_still_read(table: Path) -> None:
    artifact = trained(table)
    manifest = json.loads((artifact / MANIFEST).read_text())
    old = {key: value for key, value in manifest.items() if key not in (DIGEST, BESIDE)}
    (artifact / MANIFEST).write_text(json.dumps(old))
    found = saved_experiment(artifact)
    assert found is not None
    assert found.data == str(table.absolute())
    load_model(artifact)


def test_a_file_that_the_manifest_does_not_list_is_not_read(table: Path) -> None:
    artifact = trained(table)
    rc.Mean().fit(rc.example_ratings()).save(Path("other"))
    shutil.copy(artifact / EXPERIMENT, "other")
    assert saved_experiment(Path("other")) is None


def test_a_table_that_has_gone_is_named(table: Path, capsys: Say) -> None:
    artifact = trained(table)
    table.unlink()
    capsys.readouterr()
    assert run("evaluate", "--artifact", artifact) == 2
    err = capsys.readouterr().err
    assert f"was trained on {table.absolute()}, which is not there; give --data" in err
    assert err.count("\n") == 1


@pytest.mark.usefixtures("table")
def test_a_logger_and_what_it_may_know_stays_out() -> None:
    from ratecast.training.experiment import Experiment
    from ratecast.training.saved_experiment import save_experiment

    logger = {"class_path": "a.Logger", "init_args": {"api_key": "secret"}}
    rc.Mean().fit(rc.example_ratings()).save(Path("a"))
    save_experiment(
        Path("a"), Experiment(experiment="x", name="bias", data="ml-100k", logger=logger)
    )
    written = (Path("a") / EXPERIMENT).read_text()
    assert "secret" not in written
    assert yaml.safe_load(written)["data"] == "ml-100k"


def test_tune_names_the_command_that_goes_on(table: Path, capsys: Say) -> None:
    out = Path("my als.yaml")
    assert run("tune", "bias", "--data", table, *OPTIONS, "--trials", "2", "--out", out) == 0
    line = capsys.readouterr().err.splitlines()[-1]
    assert line == ("wrote my als.yaml, on split holdout; go on with: ratecast train 'my als.yaml'")
    assert run("train", out, "--out", "runs") == 0
    artifact = Path("runs/bias/version_0/artifact")
    assert rows("--artifact", artifact)[0]["model"] == "bias"


def test_the_hints_about_an_artifact_work(table: Path, capsys: Say) -> None:
    artifact = trained(table)
    capsys.readouterr()
    # The folder of the run, in place of the artifact in it.
    assert run("predict", "--artifact", artifact.parent, "--user", "7", "--movie", "3") == 2
    err = capsys.readouterr().err
    assert err.endswith(f"no manifest.json; give {artifact}\n")
    files = ("--train", table, "--test", table, *OPTIONS)
    assert run("evaluate", "--artifact", artifact, *files) == 2
    assert capsys.readouterr().err.endswith(
        "scores would not be comparable; give --model instead\n"
    )
    assert run("evaluate", "--model", "bias", *files) == 0


@pytest.mark.parametrize("split", ["kfold", "auto", "holdout"])
def test_what_was_tuned_can_be_done_again_from_its_file(
    split: str, table: Path, capsys: Say
) -> None:
    words = [
        "bias",
        "--data",
        str(table),
        *OPTIONS,
        "--split",
        split,
        "--trials",
        "3",
        "--seed",
        "2",
    ]
    assert run("tune", *words, "--no-time", "--out", "tuned.yaml", "--json") == 0
    tuned = json.loads(capsys.readouterr().out)
    command, figures = Path("tuned.yaml").read_text().splitlines()[:2]
    # Run as it stands there.
    assert run(*shlex.split(command.removeprefix("# ratecast ")), "--json") == 0
    assert json.loads(capsys.readouterr().out) == tuned
    assert f"-> {tuned['rmse']:.4f} with" in figures
    assert ("over 5 folds of train and valid" in figures) == (split == "kfold")
    # The search left the test part of this split unread, by this seed.
    experiment = read_experiment("tuned.yaml")
    assert (experiment.split, experiment.seed) == ("holdout", 2)
    assert experiment.make().settings().items() >= tuned["settings"].items()
    assert run("train", "tuned.yaml", "--out", "runs") == 0
    plain = ["--data", str(table), *OPTIONS, "--split=holdout", "--seed=2", "--no-time"]
    artifact = Path("runs/bias/version_0/artifact")
    assert rows("--artifact", artifact) == rows("--artifact", artifact, *plain)


def test_a_pattern_and_a_member_of_an_archive_are_found_again(table: Path, capsys: Say) -> None:
    lines = table.read_text().splitlines(keepends=True)
    half = len(lines) // 2
    Path("part-0.csv").write_text("".join(lines[:half]))
    Path("part-1.csv").write_text("".join([lines[0], *lines[half:]]))
    with zipfile.ZipFile("two.zip", "w") as archive:
        archive.write(table, "ratings.csv")
        archive.writestr("movies.csv", "movie,title\n1,Up\n")
    for data in (["part-*.csv", "--glob"], ["two.zip/ratings.csv"]):
        assert run("train", "bias", "--data", *data, *OPTIONS, "--out", data[0][:4]) == 0
        artifact = next(Path(data[0][:4]).glob("bias/version_*/artifact"))
        assert rows("--artifact", artifact)
    for part in Path().glob("part-*.csv"):
        part.unlink()
    artifact = next(Path("part").glob("bias/version_*/artifact"))
    capsys.readouterr()
    assert run("evaluate", "--artifact", artifact) == 2
    assert "part-*.csv, which is not there; give --data" in capsys.readouterr().err
