"""Runs trials, one at a time or in several processes at once."""

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.processes import processes
from ratecast.evaluation.tune.search import Make, Report, Search, score
from ratecast.evaluation.tune.study import Kept, optuna_package, resumed, stored
from ratecast.progress import silent

State = Literal["complete", "pruned", "failed", "cut off"]
# What to do where a model cannot be made in another process.
_ALONE = (
    "its model must stand in a module, and a script must call tune under "
    "if __name__ == '__main__'; or use one job (jobs=1 in Python)"
)


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
    return Outcome("complete", *found, seconds=time.perf_counter() - start)


@contextmanager
def running(make: Make, search: Search, kept: Kept, jobs: int, file: Path | None) -> Iterator[Run]:
    """What runs a trial: here, or in one of several processes that share the cores.

    file: of the study, which the processes read and write.
    """
    if jobs == 1 or file is None:
        yield lambda job: _done(outcome_of(make, search, kept, job))
        return
    _require_importable(make)
    try:
        with processes(jobs, start=partial(_start, make, search, file)) as pool:
            yield lambda job: pool.submit(_in_process, job)
    except BrokenProcessPool:
        raise InputError(f"tune: a process of --jobs ended before its trial; {_ALONE}") from None


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


def _require_importable(make: Make) -> None:
    """Another process makes the model from what it imports."""
    try:
        pickle.dumps(make)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"tune: --jobs: {reason}; {_ALONE}") from None


@dataclass(frozen=True)
class _Process:
    """What a process of the pool has for all its trials."""

    make: Make
    search: Search
    kept: Kept
    open: ExitStack


_own: list[_Process] = []


def _start(make: Make, search: Search, file: Path) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    stack = ExitStack()
    stack.enter_context(silent())
    storage = stack.enter_context(stored(file))
    _own[:] = [_Process(make, search, resumed(file, storage), stack)]


def _end_with_parent() -> None:
    """A killed search leaves no process that goes on with its study."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _in_process(job: Job) -> Outcome:
    (own,) = _own
    return outcome_of(own.make, own.search, own.kept, job)
