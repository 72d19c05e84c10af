"""Hyperparameter search by a metric of validation. It never gets the test part."""

import hashlib
import json
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.evaluation.protocol import require
from ratecast.evaluation.tune.result import Tuned, result_of
from ratecast.evaluation.tune.search import Make, Search
from ratecast.evaluation.tune.study import (
    PLACE,
    REASON,
    RMSE,
    SECONDS,
    SETTINGS,
    Kept,
    opened,
    optuna_package,
)
from ratecast.evaluation.tune.trials import Job, Outcome, Runner, running
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.settings import (
    ABOVE_ZERO,
    COUNT,
    Choice,
    Range,
    check_search,
    has_effect,
)
from ratecast.progress import bar
from ratecast.workers import LOCAL, Place

if TYPE_CHECKING:
    from optuna import Trial

TRIALS = 30


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long to search, and where. trials: of the study in all, those of earlier calls too.

    timeout: seconds after which no trial begins, but for the first. study: file in which the trials
    are kept, and from which the next call goes on. place: where trials run, and how many at a time.
    """

    trials: int = TRIALS
    timeout: float | None = None
    study: Path | None = None
    place: Place = LOCAL

    def __post_init__(self) -> None:
        if not COUNT.allows(self.trials):
            raise InputError(f"tune: trials is {self.trials!r}; give {COUNT.words}")
        if self.timeout is not None and not ABOVE_ZERO.allows(self.timeout):
            raise InputError(f"tune: timeout is {self.timeout!r}; give seconds, more than 0")


class Progress(NamedTuple):
    """A trial that has ended. number: from 1."""

    number: int
    outcome: Outcome


OnTrial = Callable[[Progress], None]


def tune(
    make: Make,
    search: Search,
    plan: Plan | None = None,
    on_trial: OnTrial | None = None,
    notify: Notify = to_stderr,
) -> Tuned:
    """Try settings, the model's own first; with one job the same seed gives the same search.

    A study that was killed goes on as if it had not been. With several jobs, what a trial tries
    depends on which others have ended by then.

    make: returns a model for a name, seed and settings. on_trial: called when a trial has ended.
    Raises `InputError` for a model without settings to search, and for a study of something else.
    Reference: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization" (the
    tree-structured Parzen estimator, by optuna).
    """
    plan = plan or Plan()
    optuna_package()
    first = make(search.model, seed=search.seed)
    if not first.search:
        raise InputError(f"tune: model {first.name} has no setting to search")
    check_search(first.search, list(first.settings()), f"model {first.name}")
    for fold in search.folds:
        require(first, fold.split, (search.protocol,))
    with ExitStack() as stack:
        file = plan.study
        if file is None and plan.place != LOCAL:
            file = Path(stack.enter_context(TemporaryDirectory())) / "study.db"
        about, higher = _about(first, search), search.measure.higher
        say = notify if plan.study else _silent
        kept = stack.enter_context(opened(file, about, higher, say))
        runner = stack.enter_context(running(make, search, kept, plan.place, file))
        _Trials(first, search, plan, kept, runner).run(on_trial)
        return result_of(kept, search.metric)


@dataclass
class _Trials:
    """The trials of one call: which is next, and those that run."""

    model: Model
    search: Search
    plan: Plan
    kept: Kept
    runner: Runner
    begun: float = field(default_factory=time.monotonic)
    pending: "dict[Future[Outcome], Trial]" = field(default_factory=dict)

    def run(self, on_trial: OnTrial | None) -> None:
        """Run what the study lacks."""
        done = len(self.kept.counted())
        with bar(f"tune {self.search.model}", self.plan.trials, unit="trials") as progress:
            progress.advance(done)
            while True:
                self._begin()
                if not self.pending:
                    return
                for future in wait(self.pending, return_when=FIRST_COMPLETED).done:
                    outcome = future.result()
                    number = self._end(self.pending.pop(future), outcome)
                    if on_trial is not None:
                        on_trial(Progress(number, outcome))
                    progress.advance()

    def _begin(self) -> None:
        """Begin trials until all workers have one, all are begun, or the time is over."""
        while len(self.pending) < self.runner.count:
            places = self._places()
            if len(places) >= self.plan.trials or (places and self._is_over()):
                return
            # That of a trial that was cut off comes again, with the same draws.
            place = next(k for k in range(len(places) + 1) if k not in places)
            trial, settings = self._asked(place)
            self.pending[self.runner.run(Job(trial.number, settings, place == 0))] = trial

    def _places(self) -> set[int]:
        trials = [*self.kept.counted(), *self.pending.values()]
        return {trial.user_attrs[PLACE] for trial in trials}

    def _is_over(self) -> bool:
        timeout = self.plan.timeout
        return timeout is not None and time.monotonic() - self.begun >= timeout

    def _asked(self, place: int) -> "tuple[Trial, dict[str, Any]]":
        """A new trial, and its settings: those of the model at the first place."""
        optuna = optuna_package()
        drawn = np.random.SeedSequence([self.search.seed, place]).generate_state(1)
        self.kept.study.sampler = optuna.samplers.TPESampler(
            seed=int(drawn[0]), constant_liar=self.runner.count > 1
        )
        own, table = self.model.settings(), self.model.search
        # Words such as auto, and numbers out of the range, are none that a later trial takes.
        kept = [name for name in table if place == 0 and own[name] not in table[name]]
        if place == 0:
            self.kept.study.enqueue_trial({name: own[name] for name in table if name not in kept})
        trial = self.kept.study.ask()
        settings: dict[str, Any] = {}
        for name, searched in table.items():
            if has_effect(searched, own | settings):
                value = own[name] if name in kept else _suggested(trial, name, searched)
                settings[name] = value
        trial.set_user_attr(SETTINGS, settings)
        trial.set_user_attr(PLACE, place)
        return trial, settings

    def _end(self, trial: "Trial", outcome: Outcome) -> int:
        """Keep the outcome. Raises `InputError` where not even the model's own settings work."""
        from optuna.trial import TrialState

        for name, value in ((RMSE, outcome.rmse), (REASON, outcome.reason)):
            if value is not None:
                trial.set_user_attr(name, value)
        trial.set_user_attr(SECONDS, round(outcome.seconds, 3))
        if outcome.state == "failed" and trial.user_attrs[PLACE] == 0:
            raise InputError(f"tune: {self.model.name} with its own settings: {outcome.reason}")
        states = {"pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
        if outcome.state == "complete":
            self.kept.study.tell(trial, outcome.value)
        else:
            self.kept.study.tell(trial, state=states[outcome.state])
        return trial.number + 1


def _suggested(trial: "Trial", name: str, searched: Range | Choice) -> Any:
    if isinstance(searched, Choice):
        return trial.suggest_categorical(name, searched.values)
    if searched.is_whole:
        return trial.suggest_int(name, int(searched.low), int(searched.high), log=searched.log)
    return trial.suggest_float(name, searched.low, searched.high, log=searched.log)


def _about(model: Model, search: Search) -> dict[str, str]:
    """What every value of a study depends on."""
    parts = [part for fold in search.folds for part in (fold.train, fold.valid)]
    rows = hashlib.sha256("".join(part.fingerprint() for part in parts).encode())
    table = {name: str(searched) for name, searched in model.search.items()}
    own = {name: value for name, value in model.settings().items() if name != "seed"}
    return {
        "model": search.model,
        "split": ", ".join(fold.name for fold in search.folds),
        "protocol": search.protocol,
        "metric": search.metric,
        "seed": str(search.seed),
        "settings": json.dumps(own, sort_keys=True, default=str),
        "search": json.dumps(table),
        "ratings (fingerprint)": rows.hexdigest()[:12],
    }


def _silent(_: str) -> None:
    """A study in memory is new."""
