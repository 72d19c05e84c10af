"""The verb compare, from one call to a page and tables."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.cli.verbs import main
from ratecast.evaluation.intervals import Bootstrap
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
    lists = json.loads(Path("made/results.json").read_text())["lists"]
    assert [(row["model"], row["part"]) for row in lists] == [
        (model, part) for model in ("mean", "bias") for part in ("valid", "test")
    ]
    assert "<h2>Lists</h2>" in page
    assert Path("made/lists.tex").read_text().count(r"\\") == 5
    pairs = pl.read_csv("made/differences.csv")
    assert set(pairs["metric"]) == {"rmse", "ndcg", "recall", "precision", "mrr", "concordance"}
    assert (pairs["better_by"] >= 0).all()

    assert (
        main(["compare", "bias", "--data", "ratings.csv", "--protocol", "frozen", "--out=made"])
        == 0
    )
    assert "1 kept run not of this call left out" in capsys.readouterr().err
    assert "mean" not in Path("made/results.md").read_text()
    again = json.loads(Path("made/results.json").read_text())["lists"]
    assert again == lists[2:]


def test_each_sample_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    drawn: list[bytes] = []

    def spy(name: str) -> None:
        plain = getattr(Bootstrap, name)

        def counted(values: np.ndarray, *more: object, **named: object) -> Bootstrap:
            drawn.append(values.tobytes())
            found: Bootstrap = plain(values, *more, **named)
            return found

        monkeypatch.setattr(Bootstrap, name, counted)

    spy("of")
    spy("of_means")
    assert main(["compare", "mean,bias", "--data", "ratings.csv", "--out", "made"]) == 0
    # Of the errors on all rows, of two groups of ranking metrics, and of bins of the plots.
    assert len(drawn) > 2 * 3
    assert len(drawn) == len(set(drawn))


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
