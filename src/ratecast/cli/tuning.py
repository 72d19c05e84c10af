"""The verb that searches settings."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from ratecast.cli.budget import seconds
from ratecast.cli.call import DATA, emit, note
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from ratecast.evaluation.tune import Fold, Plan, Progress, Search, Tuned
    from ratecast.splits import Split
    from ratecast.workers import Place

MetricName = Literal[
    "rmse", "mae", "nll", "ece", "coverage_gap",
    "ndcg", "recall", "precision", "mrr", "concordance",
]  # fmt: skip


# An argument is an option.
def tune(  # noqa: PLR0913
    model: str,
    *,
    data: str = DATA,
    table: TableOptions = DEFAULT,
    split: str = "auto",
    protocol: Literal["auto", "frozen", "as-of"] = "auto",
    metric: MetricName = "rmse",
    trials: int = 30,
    timeout: str | None = None,
    study: Path | None = None,
    jobs: int | None = None,
    place: PlaceOptions = HERE,
    prune: Literal["auto", "always", "never"] = "auto",
    seed: int = 0,
    out: Path | None = None,
    page: Path | None = None,
    json: bool = False,
) -> None:
    """Tune a model's settings on validation; test is never used.

    Examples:
        ratecast tune bias --trials 10
        ratecast tune als --data ratings.csv --out configs/my_als.yaml
        ratecast tune als --split rolling:3 --metric ndcg --page tuned.html
        ratecast tune mf_bias --study mf_bias.db --timeout 2h --jobs 2

    Args:
        model: name of the model.
        data: an edition of MovieLens, or a file or folder of ratings.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), a split by name that has a valid
            part, or a folder of one. Of kfold, user-kfold and rolling, as in kfold:5 or rolling:3,
            every fold counts; they divide the rows before the last fifth, or but for a random
            fifth, which is left unread.
        protocol: of the validation; auto is as-of where the split has an order of time and the
            model can be updated, else frozen.
        metric: what the best settings are best by; coverage_gap is how far the coverage of 80 %
            intervals is from 0.8. Of the last five more is better. For nll, ece and coverage_gap
            the star probabilities are calibrated on rows of train, not on those that are scored.
        trials: number of trials, with those that the study has; the first one has the default
            settings.
        timeout: how long to search, as in 10m or 2h; no trial begins after that.
        study: file in which every trial is kept. The next call with it goes on from there, after a
            kill too; one with other ratings or options is refused.
        jobs: another word for --workers.
        place: where trials run. With several at a time, what a trial tries depends on which others
            have ended, so that two calls differ.
        prune: whether a trial is ended that is worse than the median of the others after a fold,
            or after an epoch of a net; auto does so by epochs with --protocol frozen only, since
            the RMSE of epochs is frozen; always, never.
        seed: of the model and of the search.
        out: YAML file for the experiment with the best settings, on the split whose test part was
            left unread; its first lines say how they were found.
        page: HTML file with the history of the trials, the importance of the settings, and the best
            trials.
        json: print the result as one JSON document.
    """
    from ratecast.evaluation.tune import Plan, Search, protocol_of
    from ratecast.evaluation.tune import tune as search
    from ratecast.models import model_class
    from ratecast.training import make_model

    _check_files(study, out, page)
    model_class(model)
    limit = None if timeout is None else seconds(timeout, "timeout")
    plan = Plan(trials=trials, timeout=limit, study=study, place=place.place("tune", jobs))
    parts, folds = _folds(split, data, table, seed)
    by = protocol_of(make_model(model), folds) if protocol == "auto" else protocol
    task = Search(model, folds, by, seed, metric, prune)
    tuned = search(make_model, task, plan, _say, note)
    given, options = Given(data, table), {"split": split, "timeout": timeout}
    found = _Found(task, plan, parts, tuned, _command(task, plan, given, options))
    if out:
        _write_experiment(out, found, given, split)
    if page:
        _write_page(page, found)
    emit({"model": model, "split": split, "protocol": by} | tuned.plain(), found.lines[1], json)


def _check_files(study: Path | None, out: Path | None, page: Path | None) -> None:
    """Refuse names of files that cannot be written, before the first trial."""
    from ratecast.optional_packages import require
    from ratecast.output_paths import HTML, YAML, check_apart, check_file

    if page is not None:
        require("plots", "tune: --page")

    for path, forms in ((study, ()), (out, YAML), (page, HTML)):
        if path is not None:
            check_file(path, forms)
            if path is not study:
                check_apart(path, study)


class Given(NamedTuple):
    """A table, and how it is read."""

    data: str
    table: TableOptions


class _Found(NamedTuple):
    """A search and its result. command: which repeats it."""

    search: "Search"
    plan: "Plan"
    split: "Split"
    tuned: "Tuned"
    command: str

    @property
    def lines(self) -> list[str]:
        """The command, what it found, and of how many trials."""
        from ratecast.evaluation.tune import summary

        counts = {"pruned": self.tuned.pruned, "failed": self.tuned.failed}
        of_them = "".join(f", {count} {state}" for state, count in counts.items() if count)
        found = summary(self.search, self.tuned)
        return [self.command, found, f"{self.tuned.trials} trials{of_them}"]


def _folds(split: str, data: str, table: TableOptions, seed: int) -> "tuple[Split, list[Fold]]":
    """The split whose test is left unread, and the folds that are searched on."""
    from ratecast.cli.source import splits_of
    from ratecast.evaluation.tune import folds_of, is_repeated
    from ratecast.splits import is_folder_of_splits, parse

    again = split if is_repeated(split) and not is_folder_of_splits(split) else None
    if again is not None:
        parse(again)
    parts = splits_of("auto" if again else split, data, table, seed)
    return parts[0], folds_of(parts, again, seed)


def _say(progress: "Progress") -> None:
    number, outcome = progress
    value = outcome.state if outcome.value is None else f"{outcome.value:.4f}"
    reason = f": {outcome.reason}" if outcome.reason else ""
    note(f"trial {number}: {value}{reason}")


def _command(search: "Search", plan: "Plan", given: Given, options: dict[str, str | None]) -> str:
    """What repeats the search, and writes no file but the study."""
    words = [search.model, "--data", given.data, *given.table.words()]
    options |= {
        "protocol": search.protocol,
        "trials": str(plan.trials),
        "seed": str(search.seed),
        "metric": None if search.metric == "rmse" else search.metric,
        "prune": None if search.prune == "auto" else search.prune,
        **_words(plan.place),
        "study": None if plan.study is None else str(plan.study),
    }
    for name, value in options.items():
        words += [] if value is None else [f"--{name}", value]
    return f"ratecast tune {shlex.join(words)}"


def _words(place: "Place") -> dict[str, str | None]:
    """The options that name a place; without those that have their default."""
    from ratecast.workers import Local

    if isinstance(place, Local):
        return {"workers": None if place.jobs == 1 else str(place.jobs)}
    workers = None if place.workers is None else str(place.workers)
    return {"on": "ray", "workers": workers, "address": place.address}


def _write_experiment(out: Path, found: _Found, given: Given, split: str) -> None:
    """Write the best settings as an experiment, on what was searched, so that test is unread."""
    from ratecast.data import EDITIONS
    from ratecast.splits import is_folder_of_splits
    from ratecast.training import make_model
    from ratecast.training.experiment import Experiment, write_experiment

    best = make_model(found.search.model, seed=found.search.seed, **found.tuned.settings)
    on, table = found.split.name, given.table
    if is_folder_of_splits(split):
        on = split
    elif given.data not in EDITIONS:
        # As it was inferred: more ratings may show others.
        table = replace(table, scale=table.scale or str(found.split.train.scale))
    # A class from outside is found by its place, and not by its name.
    name = found.search.model
    experiment = Experiment.of(best, name=name, data=given.data, table=table, split=on)
    write_experiment(out, experiment, found.lines)
    go_on = f"ratecast train {shlex.quote(str(out))}"
    note(f"wrote {out}, on split {on}; go on with: {go_on}")


def _write_page(out: Path, found: _Found) -> None:
    from ratecast.evaluation.tune.page import write_page

    write_page(out, found.search, found.tuned, found.command)
    note(f"wrote {out}")
