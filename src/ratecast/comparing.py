"""Models compared on the same rows: instances, names, YAML files, or places of classes."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.evaluation import many_runs
from ratecast.evaluation.comparison import RMSE, comparisons, differences
from ratecast.evaluation.evaluation import (
    Evaluation,
    checked_model,
    checked_protocols,
    checked_split,
    trials_of,
)
from ratecast.evaluation.own_train import require_own_train
from ratecast.evaluation.protocol import BOTH, Protocol
from ratecast.evaluation.score_rows import rows_of
from ratecast.modelling.contract.model import Model
from ratecast.splits import Split
from ratecast.training.experiment import model_from
from ratecast.workers import LOCAL, Place, Ray, place_of

# Of the table, in the folder of a comparison.
_DATA = "ratings"


@dataclass(frozen=True)
class Comparison(Evaluation):
    """The scores of several models on the same rows, and which differences are sure.

    rows: averaged over the seeds of each model; `runs` says how many, and `rmse_std` is their
    standard deviation where there is more than one. trials: of the first seed. differences: one row
    for each protocol, metric (rmse, ndcg, recall, precision, mrr, concordance) and pair of models:
    part, better, worse, by how much the metric is better, the 95 % interval over users, p, and p
    after Holm's correction over the pairs of the metric.
    """

    differences: pl.DataFrame

    def __str__(self) -> str:
        lines = [
            f"{row['protocol']}, {row['part']}: {row['better']} before {row['worse']}, RMSE lower "
            f"by {row['better_by']:.4f} ({row['low']:.4f} to {row['high']:.4f}), p after Holm "
            f"{row['p_holm']:.4f}"
            for row in self.differences.iter_rows(named=True)
            if row["metric"] == RMSE
        ]
        return "\n".join([super().__str__(), *lines])


def compare(
    models: Iterable[Model | str],
    split: Split,
    part: str = "valid",
    protocols: Sequence[Protocol] = BOTH,
    *,
    seeds: int = 1,
    jobs: int | Ray = 1,
    folder: Path | str | None = None,
    notify: Notify = to_stderr,
) -> Comparison:
    """Score models on the same rows, with paired tests of all differences.

    models: as for `evaluate`, or what the command takes: names, YAML files of experiments, places
    of classes as package.module:Class. Of two with one name, the second is called name-2. part:
    whose rows the tests are of; read `test` once, at the end. notify: as for `evaluate`.

    seeds: how many of each model that has randomness, from its own on. jobs: fits at a time, in
    processes that share the cores; a script must then call this under `if __name__ == "__main__"`.
    Or a Ray cluster that makes them, as rc.Ray(workers=2).
    folder: where every run is kept, as by `ratecast compare --out`: the same call goes on where it
    was stopped, and more models or seeds may come later; other rows or settings are refused. With
    any of these three, a fitted model is fitted anew.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> rc.compare([rc.Mean(), "bias"], split).differences["better"][0]
    'bias'
    >>> rc.compare([rc.Mean(), rc.ALS(factors=2)], split, seeds=2).frame["runs"].unique().to_list()
    [1, 2]
    """
    split = checked_split(split, notify)
    if isinstance(models, str):
        raise InputError(f"compare: models is {models!r}; give a list, as in [{models!r}, 'mean']")
    named = _named(models)
    if len(named) < 2:
        raise InputError("compare: needs two models or more")
    if part not in split.parts:
        raise InputError(f"compare: no part {part!r}; parts are {', '.join(split.parts)}")
    place = place_of(jobs)
    if seeds == 1 and place == LOCAL and folder is None:
        trials = [
            replace(trial, model=label)
            for label, model in named.items()
            for trial in trials_of(model, split, protocols)
        ]
        rows = [row for trial in trials for row in rows_of(trial)]
        return Comparison(rows, trials, pl.DataFrame(differences(comparisons(trials, part))))
    if part == "train":
        raise InputError("compare: forecasts of train are not kept; give part valid or test")
    for label, model in named.items():
        if model.is_fitted:
            require_own_train(model, split, f"compare: model {label}", "fit it on split.train")
    makers: dict[str, many_runs.Make] = {
        label: partial(with_seed, replace(model)) for label, model in named.items()
    }
    plan = many_runs.Plan(makers, {_DATA: [split]}, checked_protocols(protocols), seeds)
    return _many(plan, part, place, None if folder is None else Path(folder), notify)


def label_of(source: Model | str, model: Model) -> str:
    """What a model is called in a table: the name of its YAML file, or its own."""
    is_file = isinstance(source, str) and Path(source).is_file()
    return Path(str(source)).stem if is_file else model.name


def _many(
    plan: many_runs.Plan, part: str, place: Place, folder: Path | None, notify: Notify
) -> Comparison:
    """Many runs, kept in a folder with tables and a page, or in none."""
    with ExitStack() as stack:
        kept = folder or Path(stack.enter_context(TemporaryDirectory(prefix="ratecast-")))
        rows = many_runs.compare(plan, kept, place)
        trials = many_runs.first_trials(plan, kept, _DATA)
        if folder is None:
            found = differences(comparisons(trials, part))
        else:
            # What draws takes a second to import.
            from ratecast.evaluation.comparison_files import write_files
            from ratecast.evaluation.subject import Subject

            lists = many_runs.rows_of_lists(plan, folder)
            subject = Subject(trials, part, rows=rows, lists=lists)
            found = write_files({_DATA: subject}, folder, notify)["differences"][_DATA]
    own = [{key: value for key, value in row.items() if key != "data"} for row in rows]
    return Comparison(own, trials, pl.DataFrame(found))


def with_seed(model: Model, run: int) -> Model:
    """The model, not fitted, for one of its runs; the first has the seed of the model itself."""
    return replace(model, seed=model.seed + run)


def _named(models: Iterable[Model | str]) -> dict[str, Model]:
    """The models by their labels, each of which is there once."""
    named: dict[str, Model] = {}
    for source in models:
        model = checked_model(model_from(source, 0) if isinstance(source, str) else source)
        first = label = label_of(source, model)
        number = 1
        while label in named:
            number += 1
            label = f"{first}-{number}"
        named[label] = model
    return named
