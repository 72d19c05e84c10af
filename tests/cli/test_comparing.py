"""The verb compare, from one call to a page and tables."""

import json
from pathlib import Path

import polars as pl
import pytest

from ratecast.cli.verbs import main
from tests.planted import planted


def test_one_call_gives_tables_a_page_and_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = planted()
    table.frame.write_csv("ratings.csv")
    one = ["evaluate", "--model", "bias", "--data", "ratings.csv", "--save-forecasts", "f.csv"]
    assert main(one) == 0
    pl.read_csv("f.csv").select("user", "movie", "at", est="stars").write_csv("theirs.csv")
    words = ["compare", "mean,bias", "--data", "ratings.csv", "--forecasts", "theirs.csv"]
    capsys.readouterr()
    assert main([*words, "--protocol", "frozen", "--out", "made"]) == 0
    shown = capsys.readouterr().out
    assert "theirs" in shown
    assert "bias before mean" in shown
    rows = json.loads(Path("made/results.json").read_text())["rows"]
    rmse = {
        row["model"]: row["rmse"] for row in rows if (row["part"], row["slice"]) == ("test", "all")
    }
    assert rmse["theirs"] == pytest.approx(rmse["bias"])
    assert rmse["bias"] < rmse["mean"]
    page = Path("made/report.html").read_text()
    assert "theirs" in page
    assert "nDCG" in page
    assert Path("made/results.tex").read_text().count(r"\\") == 7
    figures = {path.name for path in Path("made/figures/ratings.csv").iterdir()}
    assert {"calibration-frozen.pdf", "calibration-frozen.svg"} <= figures
    assert Path("made/figures/ratings.csv/calibration-frozen.pdf").read_bytes()[:4] == b"%PDF"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("mean,,bias", "an empty name"),
        ("mean,mean", "two models are called mean"),
        ("mean --data", "--data needs a value"),
        ("mean --jobs 0", "jobs is 0"),
        ("mean --forecasts nothing.csv", "nothing.csv: no such file"),
        ("mean --split kfold --forecasts x.csv", "one table and one"),
    ],
)
def test_what_cannot_be_compared_is_said(
    words: str,
    why: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    if "--data" not in words:
        words += " --data ratings.csv"
    assert main(["compare", *words.split()]) == 2
    assert why in capsys.readouterr().err
    assert not Path("comparison").exists()
