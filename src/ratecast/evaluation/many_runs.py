"""Many runs in one call: models, tables, splits and seeds, in several processes, resumable."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from ratecast.errors import InputError
from ratecast.evaluation import list_rows, protocol, score_rows
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.evaluation.run_folder import Run, RunFolder
from ratecast.evaluation.score_rows import Row
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.settings import COUNT
from ratecast.progress import silent
from ratecast.splits import Split, family
from ratecast.splits.files import file_name
from ratecast.workers import LOCAL, Labelled, Place, computed

Make = Callable[[int], Model]


@dataclass(frozen=True)
class Plan:
    """What is compared.

    models: by label, how each is made for a seed; importable, since it is done in other processes.
    splits: by the name of the table. seeds: how many, from 0 on; a model without randomness is
    fitted once.
    """

    models: dict[str, Make]
    splits: dict[str, list[Split]]
    protocols: tuple[Protocol, ...] = protocol.BOTH
    seeds: int = 1

    def runs(self) -> list[Run]:
        """Every fit, in the order of the table."""
        return [
            Run(label, data, split.name, seed)
            for data, splits in self.splits.items()
            for label, make in self.models.items()
            for seed in range(self.seeds if make(0).is_random else 1)
            for split in splits
        ]

    def require_possible(self) -> None:
        """Raise `InputError` for a model that a split allows none of the protocols.

        And for splits whose models go on from one to the next, since each run fits its own.
        """
        for splits in self.splits.values():
            if any(split.continues for split in splits):
                raise InputError(
                    "compare: every origin is fitted anew; remove fit=refreshed, or use ratecast "
                    "evaluate"
                )
            for label, make in self.models.items():
                for split in splits:
                    try:
                        protocol.require(make(0), split, self.protocols)
                    except InputError as error:
                        raise type(error)(f"{label}: {error}") from None

    def asked(self) -> dict[str, object]:
        """What a resumed comparison must have been begun with."""
        return {
            "protocols": list(self.protocols),
            "seeds": self.seeds,
            "models": {label: make(0).settings() for label, make in self.models.items()},
        }


def compare(
    plan: Plan,
    folder: Path,
    place: Place = LOCAL,
    on_run: Callable[[Run, list[Row]], None] | None = None,
) -> list[Row]:
    """Fit and score all runs that the folder does not have yet; the rows of all, averaged.

    place: where the runs are computed. on_run: called with each run that is finished. A run that
    fails with an `InputError` ends the others, and is named; those that are finished are kept.
    """
    if not COUNT.allows(plan.seeds):
        raise InputError(f"compare: seeds is {plan.seeds!r}; give {COUNT.words}")
    plan.require_possible()
    kept = RunFolder(folder)
    kept.begin(plan.asked(), plan.splits)
    # Of a folder of the same name, which may have been removed.
    _split.cache_clear()
    # A worker need not be in the same folder as the caller.
    whole = RunFolder(folder.absolute())
    calls = {
        run: partial(measure, plan.models[run.model], run, whole, plan.protocols)
        for run in plan.runs()
        if kept.rows(run) is None
    }
    if calls:
        about = Labelled("compare", "runs")
        for run, rows in computed(calls, place, about, folders=(folder,)):
            if on_run is not None:
                on_run(run, rows)
    return averaged(plan, kept)


def averaged(plan: Plan, place: RunFolder) -> list[Row]:
    """The rows of each model, table and protocol, averaged over seeds and splits."""
    groups: dict[tuple[str, str, str], list[list[Row]]] = {}
    for run in plan.runs():
        rows = place.rows(run) or []
        for by in plan.protocols:
            chosen = [row for row in rows if row["protocol"] == by]
            if chosen:
                groups.setdefault((run.data, by, run.model), []).append(chosen)
    return [
        {"data": data} | row
        for (data, _, _), runs in groups.items()
        for row in score_rows.averaged(runs, _family(plan.splits[data]))
    ]


def rows_of_lists(plan: Plan, folder: Path) -> list[Row]:
    """The quality of the lists of each model and table, by part; means over the splits."""
    place = RunFolder(folder)
    rows: list[Row] = []
    for data, splits in plan.splits.items():
        for model in plan.models:
            runs = [
                list_rows.rows_of(model, split.name, place.lists(Run(model, data, split.name, 0)))
                for split in splits
            ]
            found = list_rows.averaged(runs, _family(splits))
            rows += [{"data": data} | row for row in found]
    return rows


def left_out(plan: Plan, folder: Path) -> list[str]:
    """The names of the finished runs that the folder has, and the plan does not name."""
    named = {(file_name(run.data), run.name) for run in plan.runs()}
    return [name for data, name in RunFolder(folder).finished() if (data, name) not in named]


def first_trials(plan: Plan, folder: Path, data: str) -> list[Trial]:
    """The forecasts of every model of the first split and seed: for intervals and paired tests."""
    place = RunFolder(folder)
    split = plan.splits[data][0]
    return [
        trial
        for label in plan.models
        for trial in place.trials(Run(label, data, split.name, 0), split)
        if trial.protocol in plan.protocols
    ]


def measure(make: Make, run: Run, place: RunFolder, protocols: tuple[Protocol, ...]) -> list[Row]:
    """Fit one model on one split, score it by all protocols that are possible, and keep it.

    An `InputError` names the model.
    """
    split = _split(place, run.data, run.split)
    try:
        with silent():
            # The lists of one seed say what lists are like, and cost as much as those of another.
            trials = protocol.fit_and_predict(
                make(run.seed), split, protocols, with_lists=run.seed == 0
            )
    except InputError as error:
        raise InputError(f"{run.model}: {error}") from None
    named = [replace(trial, model=run.model) for trial in trials]
    rows = [row for trial in named for row in score_rows.rows_of(trial)]
    place.save(run, named, rows)
    return rows


def _family(splits: list[Split]) -> str | None:
    """The name that several splits share."""
    return family(splits[0].name) if len(splits) > 1 else None


@lru_cache(maxsize=4)
def _split(place: RunFolder, data: str, name: str) -> Split:
    return next(split for split in place.splits(data) if split.name == name)
