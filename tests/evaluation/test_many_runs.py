"""Many runs in one call: kept, resumed, averaged, and refused where they would be mixed."""

import json
import shutil
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

import ratecast as rc
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.list_quality import ListQuality
from ratecast.evaluation.many_runs import (
    Plan,
    averaged,
    compare,
    first_trials,
    left_out,
    measure,
    rows_of_lists,
)
from ratecast.evaluation.run_folder import Run, RunFolder
from ratecast.modelling.contract.model import Model
from ratecast.splits.files import file_name
from ratecast.workers import LOCAL, Local
from tests.planted import planted

TABLE = planted()
SPLITS = rc.rolling_origin(TABLE, 2)


def mean(seed: int) -> Model:
    return rc.Mean(seed=seed)


def als(seed: int, factors: int = 2) -> Model:
    return rc.ALS(seed=seed, factors=factors)


@dataclass(kw_only=True, eq=False)
class Failing(rc.Mean):
    name = "failing"

    def fit(self, train: object, valid: object = None) -> "Failing":
        del train, valid
        raise InputError("not on this table")


def failing(seed: int) -> Model:
    return Failing(seed=seed)


def plan(**changes: object) -> Plan:
    whole = Plan({"mean": mean, "als": als}, {"mine": SPLITS}, seeds=2)
    return replace(whole, **changes)  # type: ignore[arg-type]


def done_here(plan: Plan, folder: Path) -> RunFolder:
    """All runs, in this process."""
    place = RunFolder(folder)
    place.begin(plan.asked(), plan.splits)
    for run in plan.runs():
        if place.rows(run) is None:
            measure(plan.models[run.model], run, place, plan.protocols)
    return place


def without_seconds(rows: list[score_rows.Row]) -> list[str]:
    seconds = {"fit_seconds", "compile_seconds", "predictions_per_second"}
    return [repr({key: row[key] for key in row if key not in seconds}) for row in rows]


def test_two_processes_give_the_rows_of_plain_calls_and_resume(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    whole = plan()
    # A model without randomness is fitted once on each split.
    assert len(whole.runs()) == 2 + 4
    said: list[Run] = []
    rows = compare(whole, kept, Local(jobs=2), lambda run, _: said.append(run))
    assert sorted(said) == sorted(whole.runs())
    row = next(r for r in rows if r["model"] == "als" and r["protocol"] == "as-of")
    assert (row["runs"], row["data"], row["split"]) == (4, "mine", "rolling")
    plain = [
        score_rows.rows_of(trial)
        for seed in range(2)
        for split in SPLITS
        for trial in protocol.fit_and_predict(als(seed), split, ("as-of",))
    ]
    mine = [r for r in rows if r["model"] == "als" and r["protocol"] == "as-of"]
    expected = [{"data": "mine"} | r for r in score_rows.averaged(plain, "rolling")]
    assert without_seconds(mine) == without_seconds(expected)

    # As if it had been killed before this run was finished.
    (gone,) = kept.glob("mine/runs/als_rolling-2_seed1.json")
    gone.unlink()
    said.clear()
    again = compare(whole, kept, LOCAL, lambda run, _: said.append(run))
    assert said == [Run("als", "mine", "rolling-2", 1)]
    assert without_seconds(again) == without_seconds(rows)
    # Nothing is left to do, and nothing is measured again.
    assert repr(compare(whole, kept)) == repr(again)


def test_the_lists_of_the_first_seed_are_kept_as_fitted(tmp_path: Path) -> None:
    folder, whole = tmp_path / "kept", plan()
    place = done_here(whole, folder)
    fresh = [ListQuality.by_part(als(0).fit(each.train, each.valid), each) for each in SPLITS]
    kept = [place.lists(Run("als", "mine", each.name, 0)) for each in SPLITS]
    assert kept == fresh
    assert place.lists(Run("als", "mine", SPLITS[0].name, 1)) == {}
    rows = rows_of_lists(whole, folder)
    assert [(row["data"], row["model"], row["part"], row["split"]) for row in rows] == [
        ("mine", model, "test", "rolling") for model in ("mean", "als")
    ]
    recall = sum(each["test"].recall for each in fresh) / 2
    assert rows[1]["recall"] == pytest.approx(recall)


def test_what_a_call_does_not_name_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    done_here(plan(seeds=1), folder)
    assert left_out(plan(seeds=1), folder) == []
    assert left_out(plan(models={"mean": mean}), folder) == [
        "als_rolling-1_seed0", "als_rolling-2_seed0",
    ]  # fmt: skip


def test_more_models_and_seeds_may_come_later(tmp_path: Path) -> None:
    first = plan(models={"mean": mean}, seeds=1)
    done_here(first, tmp_path / "kept")
    later = done_here(plan(seeds=1), tmp_path / "kept")
    assert {row["model"] for row in averaged(plan(seeds=1), later)} == {"mean", "als"}
    assert {row["model"] for row in averaged(first, later)} == {"mean"}


def test_other_rows_or_settings_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    done_here(plan(models={"als": als}, seeds=1), folder)
    other = {"als": partial(als, factors=3)}
    with pytest.raises(InputError, match="begun with another model als"):
        compare(plan(models=other), folder)
    with pytest.raises(InputError, match="begun with another split mine"):
        compare(plan(splits={"mine": rc.rolling_origin(planted(seed=7), 2)}), folder)
    with pytest.raises(InputError, match=r"another protocols \(\['frozen', 'as-of'\], now \['fr"):
        compare(plan(models={"als": als}, protocols=("frozen",)), folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(InputError, match="is not empty, and no comparison"):
        compare(plan(), tmp_path / "mine")
    with pytest.raises(InputError, match=r"seeds is 0"):
        compare(plan(seeds=0), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_is_made_anew_has_the_new_rows(tmp_path: Path) -> None:
    """In one process, which keeps the splits that it has read."""
    other = [rc.chronological(planted(seed=7))]
    of_first = compare(plan(models={"mean": mean}), tmp_path / "kept")
    shutil.rmtree(tmp_path / "kept")
    again = plan(models={"mean": mean}, splits={"mine": other})
    of_other = without_seconds(compare(again, tmp_path / "kept"))
    assert of_other == without_seconds(compare(again, tmp_path / "new"))
    assert of_other != without_seconds(of_first)


def test_a_model_that_fails_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    whole = Plan({"mean": mean, "failing": failing}, {"mine": SPLITS[:1]})
    with pytest.raises(InputError, match="failing: not on this table"):
        compare(whole, tmp_path / "kept")
    assert RunFolder(tmp_path / "kept").rows(Run("mean", "mine", "rolling-1", 0))


def test_the_forecasts_of_the_first_runs_are_those_that_were_scored(tmp_path: Path) -> None:
    whole = plan(seeds=1)
    done_here(whole, tmp_path / "kept")
    trials = first_trials(whole, tmp_path / "kept", "mine")
    assert [(each.model, each.protocol) for each in trials] == [
        ("mean", "frozen"), ("mean", "as-of"), ("als", "frozen"), ("als", "as-of"),
    ]  # fmt: skip
    fresh = protocol.fit_and_predict(als(0), SPLITS[0])
    for one, other in zip(fresh, trials[2:], strict=True):
        assert (one.forecasts["test"].stars == other.forecasts["test"].stars).all()
        assert (one.forecasts["test"].probabilities == other.forecasts["test"].probabilities).all()


def test_the_manifest_says_what_was_compared(tmp_path: Path) -> None:
    done_here(plan(seeds=1), tmp_path / "kept")
    manifest = json.loads((tmp_path / "kept" / "manifest.json").read_text())
    assert manifest["models"]["als"]["factors"] == 2
    assert set(manifest["splits"]["mine"]) == {"rolling-1", "rolling-2"}
    fingerprint = SPLITS[0].test.fingerprint()
    assert manifest["splits"]["mine"]["rolling-1"]["test"] == fingerprint
    assert manifest["libraries"]["numpy"]


def test_names_are_those_of_files() -> None:
    assert file_name("a/b c.csv") == "a_b_c.csv"
    assert file_name("../..") == "_"
    assert Run("a", "b", "last:2", 0).name == "a_last_2_seed0"
