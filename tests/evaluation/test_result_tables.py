"""Tables of scores as files."""

import json
from pathlib import Path

import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.result_tables import write_results, write_rows
from tests.planted import planted

SPLITS = rc.kfold(planted(), 3)


def rows(model: rc.Model, folds: int = 3) -> list[score_rows.Row]:
    trials = [protocol.fit_and_predict(model, split)[0] for split in SPLITS[:folds]]
    return score_rows.rows(trials, "kfold")


BOTH = rows(rc.Mean()) + rows(rc.Bias())


def test_latex_is_a_booktabs_table_with_the_best_in_bold(tmp_path: Path) -> None:
    path = tmp_path / "t.tex"
    write_rows(
        path, [row | {"model": "a_b & 50 %" if row["model"] == "bias" else "mean"} for row in BOTH]
    )
    text = path.read_text()
    assert text.count(r"\begin{tabular}{lllrrrrrrrrr}") == text.count(r"\end{tabular}") == 1
    assert r"a\_b \& 50 \%" in text
    assert r"$\pm$" in text
    lines = [line for line in text.splitlines() if " frozen " in line]
    assert len(lines) == 2
    best = next(
        row for row in BOTH if (row["model"], row["part"], row["slice"]) == ("bias", "test", "all")
    )
    assert rf"\textbf{{{best['rmse']:.4f}}}" in lines[1]
    assert r"\textbf" not in lines[0].split(" & ")[4]
    assert len({line.count(" & ") for line in text.splitlines() if " & " in line}) == 1


def test_a_single_run_has_no_deviation(tmp_path: Path) -> None:
    path = tmp_path / "t.md"
    write_rows(path, rows(rc.Bias(), 1))
    assert "±" not in path.read_text()
    write_rows(path, BOTH)
    head, _, first, second = path.read_text().splitlines()
    assert head.startswith("| model | protocol | part | n | RMSE | ± |")
    assert f"{BOTH[-1]['rmse_std']:.4f}" != "0.0000"
    assert second.split("|")[5].count("**") == 2
    assert first.split("|")[5].count("**") == 0


def test_csv_and_json_have_every_row(tmp_path: Path) -> None:
    write_rows(tmp_path / "t.csv", BOTH)
    assert pl.read_csv(tmp_path / "t.csv").height == len(BOTH)
    unknown = [row | {"nll": float("nan")} for row in BOTH]
    write_rows(tmp_path / "t.json", unknown, {"columns": {}})
    kept = json.loads((tmp_path / "t.json").read_text())
    assert kept["columns"] == {}
    assert [row["rmse"] for row in kept["rows"]] == [row["rmse"] for row in BOTH]
    assert {row["nll"] for row in kept["rows"]} == {None}


def test_a_table_without_rows_has_no_file(tmp_path: Path) -> None:
    pair = {"protocol": "frozen", "better": "bias", "worse": "mean"}
    results = {"rows": BOTH, "lists": [], "differences": {"mine": [pair]}}
    write_results(tmp_path, results)
    assert pl.read_csv(tmp_path / "differences.csv").to_dicts() == [{"data": "mine"} | pair]
    assert not list(tmp_path.glob("lists*"))
    # What an earlier call wrote is of other models, and does not stay.
    write_results(tmp_path, results | {"differences": {"mine": []}})
    assert not (tmp_path / "differences.csv").exists()
    assert (tmp_path / "results.csv").exists()


def test_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.xls: unknown form of a file; end the name"):
        write_rows(tmp_path / "t.xls", BOTH)


def test_rows_of_two_tables_have_their_name(tmp_path: Path) -> None:
    path = tmp_path / "t.md"
    write_rows(path, [{"data": name} | row for name in ("first", "second") for row in BOTH])
    head, _, *lines = path.read_text().splitlines()
    assert head.startswith("| data | model |")
    assert [line.split("|")[1].strip() for line in lines] == ["first"] * 2 + ["second"] * 2
    # The best of each table is bold.
    assert [line.split("|")[6].count("**") for line in lines] == [0, 2, 0, 2]
