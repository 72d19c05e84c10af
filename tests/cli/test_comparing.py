"""The verb compare, from one call to a page and tables."""

import json
from inspect import signature
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast.cli.comparing import compare
from ratecast.cli.scoring import report
from ratecast.cli.verbs import main
from ratecast.metrics.intervals import Bootstrap
from tests.planted import planted

ROOT = Path(__file__).parents[2]


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


def test_a_folder_of_a_split_gives_the_table_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    assert main(["data", "split", "ratings.csv", "--out", "rows", "--split", "chronological"]) == 0
    theirs = pl.read_parquet("rows/test.parquet").select("user", "movie", stars=pl.lit(3.0))
    theirs.write_csv("theirs.csv")
    theirs.write_csv("mean.csv")
    words = ["compare", "mean", "--split", "rows", "--protocol", "frozen", "--forecasts"]
    for file, why in (
        ("theirs.csv --part valid", "theirs.csv: no forecasts of valid; add them, or give --part"),
        ("mean.csv --part test", "mean.csv: another model is called mean"),
        ("theirs.csv theirs.csv --part test", "another model is called theirs"),
    ):
        assert main([*words, *file.split()]) == 2
        assert why in capsys.readouterr().err
        assert not Path("comparison").exists()
    assert main([*words, "theirs.csv", "--part", "test"]) == 0
    shown = capsys.readouterr()
    assert "rows, frozen, test" in shown.out
    assert "ml-100k" not in shown.out + shown.err + Path("comparison/report.html").read_text()
    frame = pl.read_csv("comparison/results.csv").filter(slice="all", part="test")
    assert frame["data"].unique().to_list() == ["rows"]
    # A program of which only the forecasts are known has no speed.
    row = frame.row(by_predicate=pl.col("model") == "theirs", named=True)
    assert row["predictions_per_second"] == 0
    low, high = frame.filter(model="mean").select("rmse_low", "rmse_high").row(0)
    page = Path("comparison/report.html").read_text()
    assert f"{low:.4f} to {high:.4f}" in shown.out
    assert f"{low:.4f} \N{EN DASH} {high:.4f}" in page


def test_a_line_on_a_run_is_of_the_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    assert main(["compare", "mean", "--data", "ratings.csv"]) == 0
    err = capsys.readouterr().err
    assert "frozen valid" in err
    assert "frozen test" not in err


def test_intervals_beside_means_over_folds_are_means_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    words = ["compare", "mean,bias", "--data", "ratings.csv", "--split", "user-kfold:3"]
    assert main([*words, "--part", "test"]) == 0
    shown = capsys.readouterr()
    assert "means over 3 splits; paired tests and figures are of user-kfold-1" in shown.err
    rows = pl.read_csv("comparison/results.csv").filter(slice="all", part="test", model="bias")
    rmse, low, high = rows.select("rmse", "rmse_low", "rmse_high").row(0)
    page = Path("comparison/report.html").read_text()
    assert f"{low:.4f} to {high:.4f}" in shown.out
    assert f"<b>{rmse:.4f}</b> RMSE frozen: bias ({low:.4f} \N{EN DASH} {high:.4f})" in page
    assert "Scores are means over all splits of user-kfold" in page


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("mean,,bias", "an empty name"),
        ("mean,mean", "two models are called mean"),
        ("mean --data", "--data needs a value"),
        ("mean --jobs 0", "jobs is 0"),
        ("mean --forecasts nothing.csv", "nothing.csv: no such file"),
        ("mean --split kfold --part test --forecasts x.csv", "one table and one"),
        ("mean --split kfold:3", "split kfold-1:3 has no valid; give --part test"),
        (
            "mean --split rolling:2,fit=refreshed --protocol frozen --part test",
            "every origin is fitted anew; remove fit=refreshed",
        ),
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


def test_what_is_written_by_default_is_no_part_of_the_repository() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").splitlines()
    assert f"/{signature(compare).parameters['out'].default}/" in ignored
    assert f"/{signature(report).parameters['out'].default}" in ignored
