"""Runs trials, one at a time or in several processes at once."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from math import isfinite, isinf
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.processes import processes, require_importable
from ratecast.evaluation.tune.search import Make, Report, Search, score
from ratecast.evaluation.tune.study import Kept, optuna_package, resumed, stored
from ratecast.progress import silent

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


Run = Callable[[Job], "Future[Outcome]"]


def outcome_of(make: Make, search: Search, kept: Kept, job: Job) -> Outcome:
    """Fit and score one trial. What it cannot be fitted with is its outcome, not an error."""
    optuna, start = optuna_package(), time.perf_counter()
    try:
        model = make(search.model, seed=search.seed, **job.settings)
        found = score(model, search, _reported(kept, job))
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
def running(make: Make, search: Search, kept: Kept, jobs: int, file: Path | None) -> Iterator[Run]:
    """What runs a trial: here, or in one of several processes that share the cores.

    file: of the study, which the processes read and write.
    """
    if jobs == 1 or file is None:
        yield lambda job: _done(outcome_of(make, search, kept, job))
        return
    require_importable(make, "tune")
    with processes(jobs, start=partial(_start, make, search, file)) as pool:
        yield lambda job: pool.submit(_in_process, job)


def _reported(kept: Kept, job: Job) -> Report:
    """Keeps a value of a step; raises `optuna.TrialPruned` where the trial is to end there.

    The model's own settings are never ended: all others are compared with them.
    """
    trial_id = kept.trial_id(job.number)

    def report(step: int, value: float) -> None:
        kept.storage.set_trial_intermediate_value(trial_id, step, value)
        trial = kept.storage.get_trial(trial_id)
        if not job.is_own and kept.study.pruner.prune(kept.study, trial):
            raise optuna_package().TrialPruned

    return report


def _done(outcome: Outcome) -> "Future[Outcome]":
    future: Future[Outcome] = Future()
    future.set_result(outcome)
    return future


@dataclass(frozen=True)
class _Process:
    """What a process of the pool has for all its trials."""

    make: Make
    search: Search
    kept: Kept
    open: ExitStack


_own: list[_Process] = []


def _start(make: Make, search: Search, file: Path) -> None:
    stack = ExitStack()
    stack.enter_context(silent())
    storage = stack.enter_context(stored(file))
    _own[:] = [_Process(make, search, resumed(file, storage), stack)]


def _in_process(job: Job) -> Outcome:
    (own,) = _own
    return outcome_of(own.make, own.search, own.kept, job)
