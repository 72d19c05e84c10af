"""One convention for machines: `--json` puts one document on stdout, and nothing else there."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ratecast.cli import VERBS, main
from ratecast.cli.manual import manual
from tests.planted import planted

# A script for a shell, a service, and a protocol on stdout.
NO_DOCUMENT = {"completion", "serve", "mcp"}


@pytest.mark.parametrize("verb", sorted(set(VERBS) - NO_DOCUMENT))
def test_every_verb_has_the_flag(verb: str) -> None:
    flags = [a for a in manual(verb, VERBS[verb]).arguments if a.option == "--json"]
    assert [flag.flag for flag in flags] == [True]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    planted(movies=400).frame.write_csv("ratings.csv")
    return "ratings.csv"


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


def test_what_each_verb_says(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    trained = asked(capsys, "train", "bias", "--data", table)
    assert trained["figures"].keys() == {"train/rmse", "valid/rmse"}
    artifact = trained["artifact"]
    assert Path(artifact, "manifest.json").exists()

    scored = asked(
        capsys, "evaluate", "--artifact", artifact, "--data", table, "--out", "rows.json"
    )
    assert scored == json.loads(Path("rows.json").read_text("utf-8"))
    assert asked(capsys, "predict", "--artifact", artifact, "--user", "1", "--movie", "1")["stars"]

    report = asked(capsys, "report", "mean,bias", "--data", table)
    assert {row["model"] for row in report["rows"]} == {"mean", "bias"}
    assert Path(report["report"]).exists()

    tuned = asked(capsys, "tune", "bias", "--data", table, "--trials", "2")
    assert tuned["rmse"] <= tuned["default_rmse"]
    assert tuned["settings"].keys() == {"user_damping", "movie_damping"}

    by_heart = asked(capsys, "overfit", "mf", "--data", table)
    assert by_heart["models"]["mf"]["passed"] is True


@pytest.mark.usefixtures("ml100k")
def test_a_fetched_edition_says_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "data", "fetch", "ml-100k")
    assert Path(found["folder"], "dataset.json").exists()


def test_nothing_else_is_printed_there(table: str) -> None:
    """In a process of its own, so that what a library prints is seen too."""
    command = [sys.executable, "-m", "ratecast.cli", "tune", "bias", "--data", table]
    done = subprocess.run(
        [*command, "--trials", "2", "--json"], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["trials"] == 2
    assert done.stdout.count("\n") == 1
    assert "trial 1: " in done.stderr
