"""Runs trials, one at a time or in several processes at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from math import isfinite, isinf
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.tune.search import Make, Report, Search, score
from ratecast.evaluation.tune.study import Kept, optuna_package, resumed, stored
from ratecast.workers import Local, Place, Served, Shared, pool
from ratecast.workers.local import require_importable

State = Literal["complete", "pruned", "failed", "cut off"]


class Outcome(NamedTuple):
    """Of a trial. value, rmse: where it is complete. reason: why it failed."""

    state: State
    value: float | None = None
    rmse: float | None = None
    reason: str | None = None
    seconds: float = 0.0


class Job(NamedTuple):
    """One trial. number: in the study. settings: those that are searched. is_own: the model's."""

    number: int
    settings: dict[str, Any]
    is_own: bool


@dataclass(frozen=True)
class Runner:
    """What runs trials. count: how many at a time."""

    run: "Callable[[Job], Future[Outcome]]"
    count: int


# Whether a trial is to end after a step with this value.
Ends = Callable[[Job, int, float], bool]


def outcome_of(make: Make, search: Search, ends: Ends, job: Job) -> Outcome:
    """Fit and score one trial. What it cannot be fitted with is its outcome, not an error."""
    optuna, start = optuna_package(), time.perf_counter()
    try:
        model = make(search.model, seed=search.seed, **job.settings)
        found = score(model, search, _reported(ends, job))
    except optuna.TrialPruned:
        return Outcome("pruned", seconds=time.perf_counter() - start)
    except InputError as error:
        return Outcome("failed", reason=str(error), seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    if not isfinite(found.value):
        return Outcome("failed", reason=_not_finite(search, found.value), seconds=seconds)
    return Outcome("complete", *found, seconds=seconds)


def _not_finite(search: Search, value: float) -> str:
    why = "" if isinf(value) else ": its forecasts lack star probabilities"
    return f"its {search.metric} is {value}{why}"


@contextmanager
def running(
    make: Make, search: Search, kept: Kept, place: Place, file: Path | None
) -> Iterator[Runner]:
    """What runs a trial: here, or on one of several workers.

    file: of the study; processes of this machine read and write it, and a cluster one actor here.
    """
    if place == Local() or file is None:
        yield Runner(lambda job: _done(outcome_of(make, search, partial(ends_by, kept), job)), 1)
        return
    require_importable(make, "tune")
    with pool(place) as workers:
        task, reports = workers.share((make, search)), workers.serve(FileReports(file.absolute()))

        def run(job: Job) -> Future[Outcome]:
            label = f"tune: trial {job.number + 1}"
            return workers.submit(label, _on_worker, task, reports, job)

        yield Runner(run, workers.count)


def ends_by(kept: Kept, job: Job, step: int, value: float) -> bool:
    """Keep the value of a step; whether the trial is to end there.

    The model's own settings are never ended: all others are compared with them.
    """
    trial_id = kept.trial_id(job.number)
    kept.storage.set_trial_intermediate_value(trial_id, step, value)
    trial = kept.storage.get_trial(trial_id)
    return not job.is_own and bool(kept.study.pruner.prune(kept.study, trial))


@dataclass(frozen=True)
class FileReports:
    """`ends_by` in a process that did not open the study."""

    file: Path

    def ends(self, job: Job, step: int, value: float) -> bool:
        """See `ends_by`."""
        return ends_by(_opened(self.file), job, step, value)


@lru_cache(maxsize=1)
def _opened(file: Path) -> Kept:
    # Open until the process ends.
    return resumed(file, _own.enter_context(stored(file)))


_own = ExitStack()


def _reported(ends: Ends, job: Job) -> Report:
    """Raises `optuna.TrialPruned` where the trial is to end."""

    def report(step: int, value: float) -> None:
        if ends(job, step, value):
            raise optuna_package().TrialPruned

    return report


def _done(outcome: Outcome) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


def _on_worker(task: "Shared[tuple[Make, Search]]", reports: Served, job: Job) -> Outcome:
    make, search = task.value()
    return outcome_of(make, search, partial(reports.call, "ends"), job)
