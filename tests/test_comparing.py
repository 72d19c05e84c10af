"""Comparisons from Python: seeds, processes, a folder, and what a model may be given as."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ratecast as rc
from ratecast.evaluation import score_rows
from ratecast.evaluation.terminal import deviation
from tests.planted import planted

SPLIT = rc.chronological(planted())
SECONDS = {"fit_seconds", "compile_seconds", "predictions_per_second"}


def bare(rows: list[score_rows.Row]) -> list[dict[str, Any]]:
    """Rows to six decimals, as they are kept, without what differs from call to call."""
    return [
        {k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items() if k not in SECONDS}
        for row in rows
    ]


def test_one_run_of_each_is_that_of_evaluate() -> None:
    found = rc.compare([rc.Bias(), rc.ALS(factors=2, seed=3)], SPLIT)
    alone = [
        *rc.evaluate(rc.Bias(), SPLIT).rows,
        *rc.evaluate(rc.ALS(factors=2, seed=3), SPLIT).rows,
    ]
    for one, other in zip(found.rows, alone, strict=True):
        assert {k: repr(v) for k, v in one.items() if k not in SECONDS} == {
            k: repr(v) for k, v in other.items() if k not in SECONDS
        }


def test_a_folder_keeps_the_same_and_is_resumed(tmp_path: Path) -> None:
    models: list[rc.Model | str] = ["mean", rc.ALS(factors=2, seed=3), rc.ALS(factors=3)]
    plain = rc.compare(models, SPLIT)
    kept = rc.compare(models, SPLIT, folder=tmp_path / "kept")
    assert bare(kept.rows) == bare(plain.rows)
    assert list(kept.frame.columns) == list(plain.frame.columns)
    assert kept.differences.equals(plain.differences)
    for one, other in zip(kept.trials, plain.trials, strict=True):
        assert (one.model, one.protocol) == (other.model, other.protocol)
        assert (one.forecasts["test"].stars == other.forecasts["test"].stars).all()
    names = {path.name for path in (tmp_path / "kept").iterdir()}
    assert {"results.tex", "results.json", "report.html", "figures", "manifest.json"} <= names
    # One run is lost; the others are read, and more seeds come.
    (gone,) = (tmp_path / "kept").glob("ratings/runs/als-2*.json")
    gone.unlink()
    again = rc.compare(models, SPLIT, folder=tmp_path / "kept", seeds=2)
    assert {(r["model"], r["runs"]) for r in again.rows} == {("mean", 1), ("als", 2), ("als-2", 2)}
    seeds = (rc.evaluate(rc.ALS(factors=2, seed=seed), SPLIT, ("frozen",)) for seed in (3, 4))
    own = [row for row in again.rows if row["model"] == "als" and row["protocol"] == "frozen"]
    assert bare(own) == bare(score_rows.averaged([one.rows for one in seeds]))
    with pytest.raises(rc.InputError, match="begun with another model als"):
        rc.compare(["mean", "als"], SPLIT, folder=tmp_path / "kept", seeds=2)


def test_processes_give_the_same() -> None:
    models = [rc.Mean(), rc.ALS(factors=2)]
    one, two = (rc.compare(models, SPLIT, seeds=2, jobs=jobs) for jobs in (1, 2))
    assert bare(one.rows) == bare(two.rows)
    # A model without randomness has one run, and no deviation.
    shown = {row["model"]: deviation(row) for row in two.rows if row["part"] == "valid"}
    assert shown["mean"] == ""
    assert shown["als"] != ""
    assert "± runs" in str(two)


def test_a_model_may_be_a_yaml_file_or_a_place(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("model: {name: als, factors: 2}\n")
    place = "ratecast.models.bias:Bias"
    found = rc.compare([str(tmp_path / "small.yaml"), place], SPLIT, protocols=("frozen",))
    assert list(found.frame["model"].unique(maintain_order=True)) == ["small", "bias"]
    assert bare(found.rows)[: len(found.rows) // 2] == [
        row | {"model": "small"}
        for row in bare(rc.evaluate(rc.ALS(factors=2), SPLIT, ("frozen",)).rows)
    ]


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"seeds": 0}, "seeds is 0; give a whole number, 1 or more"),
        ({"jobs": 1.5}, "jobs is 1.5; give a whole number, 1 or more"),
        ({"seeds": 2, "part": "train"}, "give part valid or test"),
        ({"jobs": 2, "protocols": ("as-off",)}, "give frozen, as-of or both"),
        ({"models": "mean"}, "give a list"),
        ({"jobs": 2, "protocols": "frozen"}, r"protocols is 'frozen'; give a list"),
        ({"models": ["mean", "nothing.yaml"]}, "no such file"),
        ({"models": ["mean", rc.Bias().fit(planted(rows=300))], "jobs": 2}, "model bias: was not"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    options: dict[str, Any], why: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"models": ["mean", "bias"], "folder": tmp_path / "new"} | options
    with pytest.raises(rc.InputError, match=why) as error:
        rc.compare(split=SPLIT, **given)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()


def test_a_model_that_no_process_can_import_is_refused() -> None:
    class Inner(rc.Bias):
        name = "inner"

    with pytest.raises(rc.InputError, match="a model must stand in a module"):
        rc.compare([rc.Mean(), Inner()], SPLIT, jobs=2)
    # In one process it needs not be imported.
    assert rc.compare([rc.Mean(), Inner()], SPLIT, seeds=2).rows


def test_a_script_without_a_guard_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import ratecast as rc\n"
        "split = rc.chronological(rc.example_ratings())\n"
        "try:\n"
        "    rc.compare(['mean', 'bias'], split, jobs=2)\n"
        "except rc.InputError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("a process ended before its work was done")
    assert "__main__" in done.stdout
