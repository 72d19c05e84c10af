"""The same bits on a Ray cluster as here, and what faults leave."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("ray")

import ratecast as rc
from ratecast import data
from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.evaluation import many_runs, reproduce
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.report import Asked, collect
from ratecast.evaluation.split_scores import How, fold_trials
from ratecast.evaluation.tune import Plan, Search, folds_of, tune
from ratecast.modelling.contract.model import Model
from ratecast.modelling.kernels.loops import thread_count
from ratecast.plots.training import Curves
from ratecast.training import make_model
from ratecast.workers import LOCAL, Labelled, Local, Place, Ray, gathered, pool, ray_pool
from tests.evaluation.test_tune import steady
from tests.planted import planted

pytestmark = pytest.mark.xdist_group("ray")

TABLE = planted()
SPLIT = rc.chronological(TABLE)
SECONDS = ("fit_seconds", "compile_seconds", "predict_seconds", "predictions_per_second")
ABOUT = Labelled("calls", "calls")


@pytest.fixture
def two(ray_address: str) -> Ray:
    """Two workers of the cluster."""
    return Ray(workers=2, address=ray_address)


@pytest.fixture
def one(ray_address: str) -> Ray:
    """One worker of the cluster."""
    return Ray(workers=1, address=ray_address)


def bits(trials: list[Trial]) -> list[object]:
    """All fields but seconds, with the bits of every forecast."""
    found: list[object] = []
    for trial in trials:
        plain = {k: v for k, v in trial.without_split().items() if k not in SECONDS}
        forecasts = plain.pop("forecasts")
        arrays = {
            (part, name): (value.dtype.str, value.tobytes())
            for part, forecast in forecasts.items()
            for name, value in vars(forecast).items()
            if hasattr(value, "tobytes")
        }
        assert arrays
        found.append((trial.split.name, repr(sorted(plain.items())), arrays))
    return found


def bare(rows: list[dict[str, Any]]) -> list[str]:
    return [repr({k: v for k, v in row.items() if k not in SECONDS}) for row in rows]


def als(seed: int) -> Model:
    return rc.ALS(seed=seed, factors=2)


@pytest.mark.cluster
def test_compare_has_the_same_bits(two: Ray, tmp_path: Path) -> None:
    plan = many_runs.Plan({"als": als}, {"mine": [SPLIT]}, seeds=2)
    found = []
    places: list[Place] = [LOCAL, Local(jobs=2), two]
    for number, place in enumerate(places):
        folder = tmp_path / str(number)
        rows = many_runs.compare(plan, folder, place)
        kept = many_runs.first_trials(plan, folder, "mine")
        found.append((bare(rows), bare(many_runs.rows_of_lists(plan, folder)), bits(kept)))
    assert found[1:] == found[:1] * 2


@pytest.mark.cluster
def test_folds_have_the_same_bits(one: Ray, two: Ray) -> None:
    splits = rc.kfold(TABLE, 3)
    lines: dict[Place, list[str]] = {}

    def trials(place: Place) -> list[Trial]:
        how = How("frozen", worth=True, notify=lines.setdefault(place, []).append)
        return fold_trials(partial(rc.ALS, factors=2), splits, how, place)

    found = [bits(trials(place)) for place in (LOCAL, Local(jobs=2), one, two)]
    assert found[1:] == found[:1] * 3
    assert lines[LOCAL] == lines[two]
    here, there = (rc.cross_validate(rc.Mean(), TABLE, 3, jobs=jobs) for jobs in (1, 2))
    assert bare(here.rows) == bare(there.rows)


@pytest.mark.cluster
def test_origins_that_go_on_from_each_other_are_one_piece(one: Ray) -> None:
    splits = rc.rolling_origin(TABLE, 3, fit="refreshed")
    lines: list[str] = []
    how = How("as-of", notify=lines.append)
    found = [bits(fold_trials(rc.Bias, splits, how, place)) for place in (LOCAL, one)]
    assert found[0] == found[1]
    assert lines == [
        "evaluate: with fit=refreshed every origin goes on from the one before; one worker does all"
    ]


def named(name: str, seed: int) -> Model:
    return make_model(name, seed=seed)


def curves_of(models: Mapping[str, Model]) -> Curves:
    """As of nets, which take seconds to import."""
    return {
        name: ([1.0], [model.seed], [model.seed])
        for name, model in models.items()
        if model.name == "als" and model.is_fitted
    }


@pytest.mark.cluster
def test_a_report_is_of_the_same_bits(two: Ray) -> None:
    asked = Asked(seed=1, curves_of=curves_of)
    here = collect(named, ["bias", "als"], SPLIT, asked)
    there = collect(named, ["bias", "als"], SPLIT, asked, two)
    assert bits(there.trials) == bits(here.trials)
    assert there.curves == here.curves == {"als": ([1.0], [1], [1])}


@pytest.mark.cluster
def test_the_reproduction_has_the_same_bits(two: Ray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproduce, "PLAN", tuple(map(reproduce.Entry, ("mean", "bias", "als"))))
    monkeypatch.setattr(reproduce, "BOTH", ("chronological",))
    monkeypatch.setattr(data, "load", lambda _: TABLE)
    here, there = (reproduce.run(make_model, place) for place in (LOCAL, two))
    assert bare(here["rows"]) == bare(there["rows"])
    assert here["dataset"] == there["dataset"]
    assert {row["model"] for row in there["rows"]} == {"mean", "bias", "als"}


@pytest.mark.cluster
def test_a_study_of_one_worker_has_the_same_trials(one: Ray, tmp_path: Path) -> None:
    search = Search("bias", folds_of(SPLIT), "frozen")
    here = tune(make_model, search, Plan(trials=4))
    there = tune(make_model, search, Plan(trials=3, place=one, study=tmp_path / "s.db"))
    assert there.frame.drop("seconds").equals(here.frame.drop("seconds").head(3))
    # It goes on without the cluster.
    again = tune(make_model, search, Plan(trials=4, study=tmp_path / "s.db"))
    assert again.frame.drop("seconds").equals(here.frame.drop("seconds"))


@pytest.mark.cluster
def test_a_study_with_words_and_pruning_has_the_same_trials(one: Ray, two: Ray) -> None:
    split = rc.chronological(planted(rows=3000))
    search = Search("leaning", folds_of(split, "rolling:3"), "frozen")
    here = tune(steady, search, Plan(trials=15))
    there = tune(steady, search, Plan(trials=15, place=one))
    assert there.frame.drop("seconds").equals(here.frame.drop("seconds"))
    assert here.pruned > 0
    assert set(here.frame["kind"]) == {"plain", "moved"}
    both = tune(steady, search, Plan(trials=15, place=two))
    assert both.trials == 15
    assert both.pruned == (both.frame["state"] == "pruned").sum() > 0
    assert both.value == here.value
    assert both.frame["up"].is_null().to_list() == (both.frame["kind"] != "moved").to_list()


# Faults.


@dataclass(frozen=True)
class Marks:
    """Files that say what was begun; `once` ends the process the first time."""

    folder: Path

    def once(self, name: str) -> bool:
        path = self.folder / name
        if path.exists():
            return False
        path.touch()
        return True


@dataclass(kw_only=True, eq=False)
class Killed(rc.Bias):
    """Its worker is killed while it fits it for the first time."""

    name = "killed"
    mark: str = ""

    def fit_rows(self, train: Any, valid: Any) -> None:
        super().fit_rows(train, valid)
        if Marks(Path(self.mark)).once("killed"):
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.cluster
def test_a_compare_whose_worker_is_killed_has_the_same_result(
    two: Ray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    models = [rc.Mean(), Killed(mark=str(tmp_path))]
    there = rc.compare(models, SPLIT, jobs=two)
    assert (tmp_path / "killed").exists()
    printed = capfd.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert re.fullmatch(
        r"compare: .*killed.*: its worker was lost \([^.]+\); it is begun again", line
    )
    here = rc.compare(models, SPLIT, seeds=2)
    assert bare(here.rows) == bare(there.rows)


def test_loops_of_a_worker_have_one_thread(two: Ray) -> None:
    with pool(two) as workers:
        assert workers.submit("threads", thread_count).result() == 1


def refused(number: int) -> int:
    raise InputError(f"{number} is refused; give another")


def broken(number: int) -> float:
    return 1 / number


def killed(by: int) -> None:
    os.kill(os.getpid(), by)


@pytest.mark.cluster
def test_errors_arrive_as_they_were_with_their_call_and_node(
    two: Ray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "RETRIES", 1)
    with pool(two) as workers:
        with pytest.raises(InputError, match=r"^3 is refused; give another$"):
            list(gathered(workers, {"three": (refused, 3)}, ABOUT))
        call = workers.submit("calls: nought", broken, 0)
        with pytest.raises(ZeroDivisionError) as error:
            call.result()
        assert error.value.__notes__[0].startswith("calls: nought, on node ")
        assert "in broken" in str(error.value.__cause__)
        with pytest.raises(InputError) as lost:
            workers.submit("calls: lost", killed, signal.SIGKILL).result()
        assert str(lost.value).startswith("calls: lost: its worker on ")
        assert "ended 2 times" in str(lost.value)
        assert "\n" not in str(lost.value)
    with pytest.raises(InputError, match="give --workers 2 at most"), pool(replace(two, workers=3)):
        pass


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begin a command in a folder that has a table; wait for its first line with a word."""
    planted().frame.write_csv(tmp_path / "ratings.csv")
    running: list[subprocess.Popen[str]] = []

    def start(words: str, until: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ratecast.cli", *words.split()]
        process = subprocess.Popen(
            [*command, "--data", "ratings.csv", "--on", "ray"],
            cwd=tmp_path, start_new_session=True, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert next(line for line in lines if line.startswith(until))
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


@pytest.mark.cluster
def test_ctrl_c_stops_a_command_and_its_cluster(started: Any) -> None:
    process = started("tune als --trials 500 --workers 1 --study s.db", "trial 2")
    below = psutil.Process(process.pid).children(recursive=True)
    assert any("raylet" in child.name() for child in below)
    # As a terminal does, to all processes.
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(20) == 130
    assert [line for line in rest.splitlines() if not line.startswith("trial")] == [
        "ratecast: stopped"
    ]
    assert psutil.wait_procs(below, 5)[1] == []


@pytest.mark.cluster
def test_a_study_goes_on_after_its_driver_is_killed(
    started: Any, one: Ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    process = started("tune als --trials 500 --workers 1 --study s.db", "trial 3")
    below = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        # They do no work, and end within a minute, when they find their cluster gone.
        if not child.name().endswith("Agent")
    ]
    process.kill()
    process.wait()
    # Nothing goes on with its work.
    assert psutil.wait_procs(below, 20)[1] == []
    monkeypatch.chdir(tmp_path)
    words = f"tune als --trials 600 --timeout 1s --study s.db --on ray --address {one.address}"
    assert main([*words.split(), "--workers", "1", "--data", "ratings.csv"]) == 0
    (found,) = (line for line in capsys.readouterr().err.splitlines() if "study" in line)
    # The kill may have come between two trials.
    count = re.fullmatch(r"study s\.db: (\d+) trials(; 1 that a kill cut off .*)?", found)
    assert count, found
    assert int(count[1]) >= 3
