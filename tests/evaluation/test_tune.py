import inspect
import json
import os
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, get_args

import numpy as np
import polars as pl
import pytest

import ratecast as rc
from ratecast.cli import main
from ratecast.cli.tuning import MetricName
from ratecast.errors import InputError
from ratecast.evaluation.ranking import Ranking
from ratecast.evaluation.tune import METRICS, Plan, Progress, Search, folds_of, score, tune
from ratecast.evaluation.tune.page import write_page
from ratecast.metrics.scores import Score
from ratecast.modelling.contract.settings import Choice, Range, SearchTable
from ratecast.models import MODELS, model_class
from ratecast.models.bias import Bias
from ratecast.models.mf.model import MatrixFactorization
from ratecast.splits import chronological, kfold, predefined, rolling_origin, write_splits
from ratecast.training import make_model
from ratecast.workers import Local
from tests.planted import planted


@pytest.fixture(scope="module")
def search() -> Search:
    split = chronological(planted(rows=3000))
    return Search("bias", folds_of(split), "frozen")


@dataclass(kw_only=True, eq=False)
class Leaning(Bias):
    """A model with a switch, a word, and a setting that only one word has."""

    name: ClassVar[str] = "leaning"
    search: ClassVar[SearchTable] = {
        "kind": Choice(("plain", "moved", "refused")),
        "up": Choice((False, True), when={"kind": ("moved",)}),
        "shift": Range(0.0, 1.0, when={"kind": ("moved",), "up": (True,)}),
    }
    kind: str = "plain"
    up: bool = False
    shift: float = 0.5

    def fit_rows(self, train: Any, valid: Any) -> None:
        if self.kind == "refused":
            raise InputError("kind is refused; give another")
        super().fit_rows(train, valid)
        self._mean += self.shift if self.kind == "moved" and self.up else 0.0


@dataclass(kw_only=True, eq=False)
class Steady(Leaning):
    """The same with words that can all be fitted."""

    search: ClassVar[SearchTable] = {**Leaning.search, "kind": Choice(("plain", "moved"))}


def leaning(_: str, **settings: Any) -> Leaning:
    return Leaning(**settings)


def steady(_: str, **settings: Any) -> Steady:
    return Steady(**settings)


def test_finds_settings_at_least_as_good_as_the_models_own(search: Search) -> None:
    scores: list[float] = []

    def keep(progress: Progress) -> None:
        assert progress.number == len(scores) + 1
        assert progress.outcome.value is not None
        scores.append(progress.outcome.value)

    found = tune(make_model, search, Plan(trials=6), keep)
    assert len(scores) == found.trials == 6
    assert found.default_rmse == found.default_value == scores[0]
    assert found.default_rmse == score(make_model("bias"), search).value
    assert found.rmse == found.value == min(scores)
    assert score(make_model("bias", **found.settings), search).rmse == found.rmse
    assert found.frame["value"].to_list() == scores
    assert found.frame["user_damping"][0] == "auto"


def test_what_the_model_learns_itself_is_the_first_trial(search: Search) -> None:
    assert tune(make_model, search, Plan(trials=1)).settings == {
        "user_damping": "auto", "movie_damping": "auto"
    }  # fmt: skip
    learned: dict[str, Any] = {"user_damping": 3.0, "movie_damping": "auto"}
    one_given = partial(make_model, **learned)
    found = tune(one_given, search, Plan(trials=1))
    assert found.settings == learned
    assert found.rmse == score(make_model("bias", **learned), search).value


def test_own_settings_outside_the_ranges_are_tried_too(search: Search) -> None:
    far: dict[str, Any] = {"user_damping": 1000.0, "movie_damping": 3.0}
    found = tune(partial(make_model, **far), search, Plan(trials=2))
    assert found.default_value == score(make_model("bias", **far), search).value
    assert found.frame.row(0, named=True).items() >= far.items()


def test_a_search_can_be_repeated(search: Search) -> None:
    four = Plan(trials=4)
    assert tune(make_model, search, four) == tune(make_model, search, four)


def test_test_cannot_be_handed_in() -> None:
    assert "test" not in inspect.signature(tune).parameters
    assert "test" not in inspect.signature(Search).parameters


def test_a_model_without_settings_is_refused(search: Search) -> None:
    with pytest.raises(InputError, match="no setting to search"):
        tune(make_model, Search("mean", search.folds), Plan(trials=1))


@pytest.mark.parametrize("name", MODELS)
def test_a_models_own_settings_lie_in_the_ranges(name: str) -> None:
    own = make_model(name).settings()
    for setting, searched in model_class(name).search.items():
        if own[setting] == "auto":
            continue
        assert own[setting] in searched
        if isinstance(searched, Range):
            assert searched.is_whole == isinstance(own[setting], int)
            assert np.isfinite(searched.high)


def test_as_of_without_order_is_refused_in_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    planted().frame.unique(["user", "movie"]).drop("at").write_csv(table)
    words = ["tune", "bias", "--data", str(table), "--protocol", "as-of", "--trials", "2"]
    assert main(words) == 2
    assert capfd.readouterr().err.splitlines()[1:] == [
        "ratecast: as-of: the table has no timestamps; use --protocol frozen "
        "(protocol='frozen' in Python)"
    ]
    assert main([*words[:4], "--protocol", "frozen", "--trials", "2"]) == 0
    split = chronological(planted())
    folds = folds_of(split, "kfold")
    with pytest.raises(InputError, match="part train ends after test begins"):
        tune(make_model, Search("bias", folds, "as-of"), Plan(trials=1))


# Categories, switches and conditions.


def test_words_switches_and_conditions_are_searched(search: Search) -> None:
    found = tune(leaning, replace(search, model="leaning"), Plan(trials=25))
    rows = found.frame
    assert set(rows["kind"]) == {"plain", "moved", "refused"}
    assert rows["up"].is_null().to_list() == (rows["kind"] != "moved").to_list()
    shifted = rows.filter(pl.col("shift").is_not_null())
    assert len(shifted)
    assert shifted["up"].all()
    # One that cannot be fitted counts, with its reason, and ends nothing.
    failed = rows.filter(pl.col("state") == "failed")
    assert set(failed["kind"]) == {"refused"}
    assert set(failed["reason"]) == {"kind is refused; give another"}
    assert (found.failed, found.trials) == (len(failed), 25)
    assert found.value == found.default_value
    assert found.settings["kind"] != "refused"


def test_the_models_own_settings_must_work(search: Search) -> None:
    with pytest.raises(InputError, match="tune: leaning with its own settings: kind is refused"):
        tune(partial(leaning, kind="refused"), search, Plan(trials=3))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"shiftt": Range(0, 1)}, "searches setting 'shiftt'; did you mean shift?"),
        (
            {"up": Choice((False, True), {"kind": ("moved",)}), "kind": Choice(("plain", "moved"))},
            "setting up depends on 'kind'; put it before",
        ),
        ({"up": Choice((False, True), {"kinds": ("moved",)})}, "depends on 'kinds'; did you mean"),
    ],
)
def test_a_table_that_cannot_be_searched_is_refused(
    table: SearchTable, words: str, search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Leaning, "search", table)
    with pytest.raises(InputError) as error:
        tune(leaning, search, Plan(trials=1))
    assert words in str(error.value)


def test_what_a_setting_may_be() -> None:
    assert 3 in Range(1, 4)
    assert 3.0 not in Range(1, 4)
    assert True not in Range(0.0, 4.0)
    assert True in Choice((False, True))
    assert 1 not in Choice((False, True))
    for wrong in (lambda: Range(2, 2), lambda: Range(0, 1, log=True), lambda: Choice(("one",))):
        with pytest.raises(InputError, match="give"):
            wrong()


def test_a_setting_without_effect_is_not_searched() -> None:
    split = chronological(planted(rows=600))
    few: dict[str, Any] = {"factors": 2, "solver": "kernel"}
    found = rc.tune(rc.BiasedMatrixFactorization(**few), split, 1, protocol="frozen")
    assert "id_dropout" not in found.frame.columns
    assert "l2_users" in found.frame.columns


# Metrics and folds.


def test_the_command_line_names_every_metric() -> None:
    assert get_args(MetricName) == tuple(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_of_one_fold_is_that_of_evaluation(name: str, search: Search) -> None:
    (fold,) = search.folds
    probabilities = name in ("nll", "ece", "coverage_gap")
    model = Bias().fit(fold.train, None if probabilities else fold.valid)
    forecast = model.predict(fold.valid.requests())
    stars, ranks = Score.of(forecast, fold.valid), Ranking.of(forecast, fold.valid)
    expected = (
        abs(stars.coverage - 0.8)
        if name == "coverage_gap"
        else getattr(stars if hasattr(stars, name) else ranks, name)
    )
    found = score(Bias(), replace(search, metric=name))
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.rmse == pytest.approx(stars.rmse, rel=1e-12)


@pytest.mark.parametrize("name", ["mae", "concordance"])
def test_the_best_trial_is_the_best_by_the_metric(name: str, search: Search) -> None:
    found = tune(make_model, replace(search, metric=name), Plan(trials=5))
    values = found.frame["value"]
    assert found.value == (values.max() if name == "concordance" else values.min())
    best = values.to_list().index(found.value)
    assert found.rmse == found.frame["rmse"][best]


def test_several_folds_count_each_row_and_each_user_once() -> None:
    split = chronological(planted(rows=3000))
    folds = folds_of(split, "rolling:3")
    known = split.train.with_more(split.valid)  # type: ignore[arg-type]
    for fold, origin in zip(folds, rolling_origin(known, 3), strict=True):
        assert fold.valid.frame.equals(origin.test.frame)
    errors, users = [], 0
    for fold in folds:
        stars = Bias().fit(fold.train, fold.valid).predict(fold.valid.requests()).stars
        errors.append(stars - fold.valid.stars)
        users += fold.valid.frame["user"].n_unique()
    whole = Search("bias", folds, "frozen")
    squared = np.concatenate(errors).astype(float) ** 2
    assert score(Bias(), whole).value == pytest.approx(np.sqrt(squared.mean()), rel=1e-9)
    ranked = METRICS["precision"].term(
        Bias().fit(folds[0].train).predict(folds[0].valid.requests()), folds[0].valid
    )
    assert 0 < ranked.weight < users


def test_no_fold_has_a_row_of_test() -> None:
    ratings = planted(rows=3000)
    split = chronological(ratings)
    from_test = int(split.test.at.min())
    for again in ("kfold:3", "user-kfold:3", "rolling:2"):
        for fold in folds_of(split, again, seed=1):
            assert max(int(part.at.max()) for part in fold[:2]) < from_test
    (same,) = folds_of(split)
    assert same.train is split.train
    assert [len(fold.valid) for fold in folds_of(split, "kfold:4")] == [
        len(each.test)
        for each in kfold(split.train.with_more(split.valid), 4)  # type: ignore[arg-type]
    ]


def test_folds_that_cannot_be_are_refused_in_one_line() -> None:
    split = chronological(planted())
    for again, words in (
        ("chronological", "give kfold, user-kfold, rolling"),
        ("rolling:2,fit=refreshed", "remove fit=refreshed"),
        ("rolling:0", "origins is 0"),
    ):
        with pytest.raises(InputError, match=words):
            folds_of(split, again)
    with pytest.raises(InputError, match="has no valid part"):
        folds_of(kfold(planted()))


def test_a_metric_for_which_no_user_counts_is_refused() -> None:
    ratings = planted(rows=400)
    train, valid = ratings.take(slice(0, 300)), ratings.take(slice(300, 400))
    alike = replace(valid, frame=valid.frame.with_columns(rating=pl.lit(3.0, pl.Float32)))
    split = predefined(train, alike, alike)
    with pytest.raises(InputError, match="settings: no user of valid has ratings"):
        rc.tune("bias", split, 1, metric="ndcg", protocol="frozen")


# Studies in files.


def test_a_study_goes_on_as_if_it_had_not_been_ended(tmp_path: Path, search: Search) -> None:
    file, notes = tmp_path / "new" / "study.db", list[str]()
    for trials in (3, 4, 4, 9):
        plan = Plan(trials=trials, study=file)
        found = tune(make_model, search, plan, notify=notes.append)
        assert found.trials == trials
    assert found == tune(make_model, search, Plan(trials=9))
    assert notes == [f"study {file}: {trials} trials" for trials in (3, 4, 4)]
    fewer = tune(make_model, search, Plan(trials=2, study=file), notify=notes.append)
    assert fewer == found


def test_a_killed_study_has_no_half_or_doubled_trial(tmp_path: Path, search: Search) -> None:
    file, notes = tmp_path / "study.db", list[str]()

    def stop(after: int) -> Callable[..., Any]:
        made = iter(range(after + 1))

        def make(name: str, **settings: Any) -> Any:
            if next(made) == after:
                raise KeyboardInterrupt
            return make_model(name, **settings)

        return make

    # The first model made is not of a trial: the first trial is cut off, then the third one.
    for after in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            tune(stop(after), search, Plan(trials=5, study=file), notify=notes.append)
    found = tune(make_model, search, Plan(trials=5, study=file), notify=notes.append)
    assert notes[-1] == f"study {file}: 2 trials; 2 that a kill cut off do not count"
    assert found == tune(make_model, search, Plan(trials=5))
    states = found.frame["state"].to_list()
    assert states == ["cut off", "complete", "complete", "cut off", *["complete"] * 3]
    counted = found.frame.filter(pl.col("state") == "complete")
    assert counted.select("user_damping", "movie_damping").is_unique().all()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"metric": "mae"}, "its metric: rmse; here: mae"),
        ({"seed": 1}, "its seed: 0; here: 1"),
        ({"folds": "rolling:2"}, "its split: chronological; here: rolling-1:2, rolling-2:2"),
        ({"protocol": "as-of"}, "its protocol: frozen; here: as-of"),
        ({"model": "knn"}, "its model: bias; here: knn"),
        ({"model": rc.Bias(iterations=3)}, "its settings: "),
        ({"rows": 500}, "its ratings (fingerprint): "),
    ],
)
def test_a_study_of_something_else_is_refused(
    other: dict[str, Any], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "study.db"
    given: dict[str, Any] = {"protocol": "frozen", "study": file, "trials": 1}
    rc.tune("bias", chronological(planted(rows=600)), **given)
    split = chronological(planted(rows=other.pop("rows", 600)))
    model = other.pop("model", "bias")
    with pytest.raises(InputError) as error:
        rc.tune(model, split, **given | other)
    assert str(error.value).startswith(f"study {file}: {words}")
    assert "\n" not in str(error.value)


def test_what_is_no_study_is_refused_and_left_as_it_is(tmp_path: Path, search: Search) -> None:
    text, database = tmp_path / "t.csv", tmp_path / "other.db"
    text.write_text("user,movie,rating\n" * 100)
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE ratings (user INTEGER)")
    for file in (text, database):
        before = file.read_bytes()
        with pytest.raises(InputError, match="is no study; give another file"):
            tune(make_model, search, Plan(trials=1, study=file))
        assert file.read_bytes() == before
    with pytest.raises(InputError, match="is a folder"):
        tune(make_model, search, Plan(trials=1, study=tmp_path))


def test_a_damaged_study_is_refused_in_one_line(tmp_path: Path, search: Search) -> None:
    plan = Plan(trials=2, study=tmp_path / "study.db")
    tune(make_model, search, plan)
    whole = (tmp_path / "study.db").read_bytes()
    # SQLite's first page has the list of tables.
    (tmp_path / "study.db").write_bytes(whole[:8192] + b"x" * (len(whole) - 8192))
    with pytest.raises(InputError, match=r"study .*study\.db: .*; give another file") as error:
        tune(make_model, search, plan)
    assert "\n" not in str(error.value)


def test_a_value_that_is_no_number_is_a_failed_trial(search: Search) -> None:
    @dataclass(kw_only=True, eq=False)
    class Nowhere(Leaning):
        search = {"kind": Choice(("plain", "moved"))}  # noqa: RUF012

        def predict(self, requests: Any, movies: Any = None, *, at: int | None = None) -> Any:
            found = super().predict(requests, movies, at=at)
            moved = self.kind == "moved"
            return replace(found, probabilities=found.probabilities * (np.nan if moved else 1.0))

    found = tune(lambda _, **given: Nowhere(**given), replace(search, metric="nll"), Plan(trials=6))
    rows = found.frame.filter(kind="moved")
    assert set(rows["state"]) == {"failed"}
    assert set(rows["reason"]) == {"its nll is nan: its forecasts lack star probabilities"}
    assert np.isfinite(found.value)


def test_ctrl_c_ends_every_process(tmp_path: Path) -> None:
    table = table_file(tmp_path)
    words = ["tune", "als", "--data", str(table), "--trials=500", "--jobs=2", "--study=s.db"]
    command = [sys.executable, "-m", "ratecast.cli", *words]
    with subprocess.Popen(
        command, cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        lines = iter(running.stderr.readline, "")
        assert next(line for line in lines if line.startswith("trial 3"))
        # As a terminal does, to all processes.
        os.killpg(running.pid, signal.SIGINT)
        rest = running.stderr.read()
        assert running.wait(20) == 130
    assert [line for line in rest.splitlines() if not line.startswith("trial")] == [
        "ratecast: stopped"
    ]


def test_a_study_in_use_is_refused(tmp_path: Path, search: Search) -> None:
    plan = Plan(trials=1, study=tmp_path / "study.db")

    def again(_: Progress) -> None:
        with pytest.raises(InputError, match="another search uses it"):
            tune(make_model, search, plan)

    assert tune(make_model, search, plan, again).trials == 1


def test_no_trial_begins_after_the_time_is_over(search: Search) -> None:
    def slow(name: str, **settings: Any) -> Any:
        time.sleep(0.05)
        return make_model(name, **settings)

    assert tune(slow, search, Plan(trials=50, timeout=1e-9)).trials == 1
    assert 1 < tune(slow, search, Plan(trials=50, timeout=0.3)).trials < 8


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"timeout": 0}, "timeout is 0; give seconds, more than 0"),
        ({"timeout": -1.0}, "timeout is -1.0; give seconds"),
        ({"timeout": float("nan")}, "timeout is nan; give seconds"),
        ({"timeout": "10m"}, "timeout is '10m'; give seconds"),
        ({"trials": 0}, "trials is 0; give a whole number, 1 or more"),
        ({"trials": 2.5}, "trials is 2.5; give a whole number"),
        ({"jobs": 0}, "jobs is 0; give a whole number, 1 or more"),
        ({"jobs": "2"}, "jobs is '2'; give a whole number"),
        ({"prune": "sometimes"}, "prune 'sometimes': choose one of auto, always, never"),
        ({"protocol": "asof"}, "protocol 'asof': did you mean as-of"),
        ({"metric": "rmsee"}, "metric 'rmsee': did you mean rmse"),
        ({"model": Bias}, "is no model; give one"),
        ({"model": "bias.yaml"}, "not known"),
        ({"study": "a.html", "page": "a.html"}, "a.html: is read or written too"),
    ],
)
def test_what_no_search_can_be_is_refused_from_python(
    wrong: dict[str, Any], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    split = chronological(planted(rows=300))
    given: dict[str, Any] = {"model": "bias", "split": split, "trials": 1} | wrong
    with pytest.raises(InputError, match=re.escape(why)) as error:
        rc.tune(**given)
    assert "\n" not in str(error.value)
    assert not any(tmp_path.iterdir())


# Several jobs.


def test_jobs_run_side_by_side_and_count_exactly(tmp_path: Path, search: Search) -> None:
    file = tmp_path / "study.db"
    found = tune(make_model, search, Plan(trials=4, place=Local(jobs=2), study=file))
    assert found.trials == 4
    assert set(found.frame["state"]) == {"complete"}
    assert found.default_value == score(make_model("bias"), search).value
    # One job goes on with what two have begun.
    assert tune(make_model, search, Plan(trials=5, study=file)).trials == 5


def test_a_model_that_no_process_can_import_is_refused(search: Search) -> None:
    with pytest.raises(InputError, match="a model must stand in a module"):
        tune(lambda *_, **__: Bias(), search, Plan(trials=2, place=Local(jobs=2)))


# Pruning.


def test_trials_are_pruned_after_a_fold() -> None:
    split = chronological(planted(rows=3000))
    whole = Search("leaning", folds_of(split, "rolling:3"), "frozen")
    found = tune(steady, whole, Plan(trials=20))
    pruned = found.frame.filter(pl.col("state") == "pruned")
    assert found.pruned == len(pruned) > 0
    assert pruned["value"].is_null().all()
    # Of two kinds, the one with errors of up to a star more is ended.
    assert set(pruned["kind"]) == {"moved"}
    assert pruned["shift"].min() > 0  # type: ignore[operator]
    never = tune(steady, replace(whole, prune="never"), Plan(trials=20))
    assert never.pruned == 0
    assert never.value == found.value


def test_nets_report_their_epochs() -> None:
    split = chronological(planted(rows=600))
    (fold,) = folds_of(split)
    epochs: list[tuple[int, float]] = []
    few: dict[str, Any] = {"factors": 2, "trainer": {"epochs": 6, "patience": 6}}
    net = MatrixFactorization(**few)
    whole = Search("mf", [fold], "frozen")
    found = score(net, whole, lambda epoch, rmse: epochs.append((epoch, rmse)))
    assert [epoch for epoch, _ in epochs] == [3, 4, 5, 6]
    # What is reported is what is measured.
    assert min(rmse for _, rmse in epochs) == pytest.approx(found.value, rel=1e-4)
    epochs.clear()
    for other in ({"protocol": "as-of"}, {"metric": "mae"}, {"prune": "never"}):
        score(net, replace(whole, **other), lambda *each: epochs.append(each))  # type: ignore[arg-type]
    assert not epochs
    score(net, replace(whole, protocol="as-of", prune="always"), lambda *x: epochs.append(x))
    assert len(epochs) == 4


def test_the_kernel_reports_its_epochs_in_stars() -> None:
    split = chronological(planted(rows=600))
    epochs: list[float] = []
    model = make_model("mf_bias", solver="kernel", factors=2, descent={"epochs": 5})
    whole = Search("mf_bias", folds_of(split), "frozen")
    found = score(model, whole, lambda _, rmse: epochs.append(rmse))
    assert len(epochs) == 3
    # Of forecasts before they are clipped.
    assert min(epochs) == pytest.approx(found.value, rel=0.02)


def test_a_net_is_pruned_by_its_epochs() -> None:
    split = chronological(planted(rows=600))
    few: dict[str, Any] = {"trainer": {"epochs": 4, "patience": 4}, "factors": 8}
    found = rc.tune(MatrixFactorization(**few), split, 9, protocol="frozen")
    assert found.pruned > 0
    assert found.trials == 9


# The command line, the page, and what is read from them.


def table_file(folder: Path) -> Path:
    file = folder / "t.csv"
    planted(rows=900).frame.unique(["user", "movie"], keep="last").write_csv(file)
    return file


def test_the_yaml_carries_all_that_the_search_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    frame = pl.read_csv(table_file(tmp_path)).rename({"user": "who", "movie": "what"})
    frame.write_csv("mine.csv", separator=";")
    options = ["--data=mine.csv", "--columns=user=who,movie=what", "--separator=;"]
    words = ["tune", "bias", *options, "--split=chronological:shares=60/20/20", "--trials=2"]
    more = ["--metric=mae", "--study=s.db", "--out=best.yaml", "--page=page.html", "--timeout=5m"]
    assert main([*words, *more, "--json"]) == 0
    tuned = json.loads(capsys.readouterr().out)
    text = Path("best.yaml").read_text("utf-8")
    for line in ("split: chronological:shares=60/20/20", "scale: '1:5:1'", "separator: ;"):
        assert line in text.splitlines()
    assert "--metric mae --study s.db" in text.splitlines()[0]
    assert "valid MAE, as-of: " in text.splitlines()[1]
    assert main(["train", "best.yaml"]) == 0
    capsys.readouterr()
    # The study has all trials, so nothing is fitted again.
    command = shlex.split(text.splitlines()[0].removeprefix("# ratecast "))
    assert main([*command, "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == tuned
    assert "study s.db: 2 trials" in printed.err
    assert "trial 1" not in printed.err


def test_the_yaml_of_a_class_from_outside_names_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = f"{Leaning.__module__}:Leaning"
    assert (
        main(["tune", place, f"--data={table_file(tmp_path)}", "--trials=1", "--out=a.yaml"]) == 0
    )
    assert main(["train", "a.yaml", "--out=runs"]) == 0
    assert list(Path("runs/leaning").iterdir())


def test_a_folder_of_a_split_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_splits([chronological(planted(rows=600))], Path("parts"))
    assert main(["tune", "bias", "--split=parts", "--trials=1", "--out=best.yaml"]) == 0
    assert "split: parts" in Path("best.yaml").read_text("utf-8").splitlines()
    assert main(["train", "best.yaml"]) == 0


def test_the_page_shows_the_search(tmp_path: Path) -> None:
    split = chronological(planted(rows=900))
    whole = Search("leaning", folds_of(split, "rolling:2"), "frozen")
    found = tune(steady, whole, Plan(trials=20))
    assert found.importances
    assert sum(found.importances.values()) == pytest.approx(1)
    write_page(tmp_path / "page.html", whole, found, "ratecast tune <a>")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "Settings of leaning" in page
    assert "<code>ratecast tune &lt;a&gt;</code>" in page
    assert "valid RMSE, frozen, over 2 folds of train and valid: " in page
    assert "http" not in page.replace("http://www.w3.org", "")
    for words in ("best so far", "Importance", "pruned", "kind", f"{found.value:.4f}"):
        assert words in page
    few = tune(steady, whole, Plan(trials=2))
    assert few.importances == {}
    write_page(tmp_path / "few.html", whole, few)
    assert "<code>" not in (tmp_path / "few.html").read_text("utf-8")
    assert "needs 10 complete trials" in (tmp_path / "few.html").read_text("utf-8")


def test_python_writes_the_page_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["--data", str(table_file(tmp_path)), "--trials=2", "--study=s.db"]
    assert main(["tune", "bias", *options, "--page=command.html"]) == 0
    split = chronological(rc.load("t.csv"))
    rc.tune("bias", split, 2, study="s.db", page="python.html")
    by_command, by_python = (Path(f"{name}.html").read_text() for name in ("command", "python"))
    (code,) = re.findall('<p class="lead"><code>.*?</code></p>', by_command)
    assert by_command.replace(code, "") == by_python


def test_importance_finds_the_setting_that_matters(search: Search) -> None:
    def only_user(name: str, **settings: Any) -> Any:
        settings.pop("movie_damping", None)
        return make_model(name, **settings)

    found = tune(only_user, search, Plan(trials=30))
    assert found.importances["user_damping"] > found.importances["movie_damping"]


def test_help_needs_no_optuna() -> None:
    code = "import sys; from ratecast.cli import main; main(['tune', '--help']); "
    code += "sys.exit('optuna' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode
        == 0
    )
