"""Scores a new or a saved model on splits, by one protocol."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ratecast import data
from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.forecast_files import read_forecasts
from ratecast.evaluation.own_train import require_own_train
from ratecast.evaluation.permutation_importance import (
    Importance,
    averaged,
    permutation_importance,
)
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.modelling.contract.model import Model
from ratecast.models import load_model
from ratecast.progress import each
from ratecast.splits import PREDEFINED, Split, family, predefined
from ratecast.table_options import DEFAULT, TableOptions
from ratecast.workers import LOCAL, Labelled, Place, Shared, gathered, in_order, pool
from ratecast.workers.local import require_importable


class PartFiles(NamedTuple):
    """Files of ratings, one for each part of a split."""

    train: Path | None = None
    valid: Path | None = None
    test: Path | None = None


def split_of_files(files: PartFiles, table: TableOptions = DEFAULT) -> Split:
    """The split of files of ratings; without a given scale, all are on that of train."""
    if files.train is None or files.test is None:
        raise InputError("evaluate: --train and --test go together; give both files")
    known = data.load_table(files.train, table)
    options = replace(table, scale=str(known.scale))
    valid = None if files.valid is None else data.load_table(files.valid, options)
    return predefined(known, data.load_table(files.test, options), valid)


class How(NamedTuple):
    """How a model is scored. worth: whether that of its columns is measured, with this seed.

    notify: called with what each fit has chosen, line by line. ranked: whether the rows have the
    metrics of ranking.
    """

    protocol: Protocol
    worth: bool = False
    seed: int = 0
    notify: Notify = to_stderr
    ranked: bool = True


class Scores(NamedTuple):
    """The rows of one model, averaged over folds; the worth of its columns, if measured."""

    rows: list[score_rows.Row]
    columns: tuple[Importance, ...]
    trials: list[Trial]


def evaluate_new(
    make: Callable[[], Model], splits: list[Split], how: How, place: Place = LOCAL
) -> Scores:
    """Scores of a new model for each split. make, place: as for `fold_trials`."""
    trials = fold_trials(make, splits, how, place)
    return _scores(trials, how, family(splits[0].name) if len(splits) > 1 else None)


def fold_trials(
    make: Callable[[], Model], splits: list[Split], how: How, place: Place = LOCAL
) -> list[Trial]:
    """The trial of a new model on each split.

    make: importable, for other places than this process. place: where folds are fitted; splits
    whose model goes on from one to the next are one piece of work.
    """
    if place == LOCAL:
        return list(_in_turn(make, each(splits, "folds") if len(splits) > 1 else splits, how))
    return _by_workers(make, splits, how, place)


def _in_turn(make: Callable[[], Model], splits: Iterable[Split], how: How) -> Iterator[Trial]:
    """The trials of splits, one after another."""
    before: Trial | None = None
    model = make()
    for split in splits:
        if before is not None and split.continues:
            seconds = protocol.go_on(model, before, split)
        else:
            model = make() if before is not None else model
            seconds = protocol.fit_timed(model, split)
            for line in model.summary():
                how.notify(line)
        before = _trial(model, split, how, seconds)
        yield before


def _by_workers(
    make: Callable[[], Model], splits: list[Split], how: How, place: Place
) -> list[Trial]:
    """The trials of splits, of which those that can be apart are fitted by different workers."""
    require_importable(make, "evaluate")
    chains = {chain[0].name: chain for chain in chained(splits)}
    if len(chains) == 1:
        how.notify(f"evaluate: {_undivided(splits, how.protocol)}")
    trials: list[Trial] = []
    with pool(place) as workers:
        plain = how._replace(notify=to_stderr)
        calls = {
            name: (_of_chain, make, workers.share(chain), plain) for name, chain in chains.items()
        }
        found = gathered(workers, calls, Labelled("evaluate", "folds"))
        for name, (scored, lines) in in_order(found, chains):
            for line in lines:
                how.notify(line)
            trials += [
                Trial(split=split, **one) for split, one in zip(chains[name], scored, strict=True)
            ]
    return trials


def _of_chain(
    make: Callable[[], Model], chain: Shared[list[Split]], how: How
) -> tuple[list[dict[str, Any]], list[str]]:
    """The trials of splits without these, and what the fits have chosen."""
    lines: list[str] = []
    trials = _in_turn(make, chain.value(), how._replace(notify=lines.append))
    return [trial.without_split() for trial in trials], lines


def chained(splits: Iterable[Split]) -> list[list[Split]]:
    """The splits that can be apart; each with those whose model goes on from it."""
    chains: list[list[Split]] = []
    for split in splits:
        if chains and split.continues:
            chains[-1].append(split)
        else:
            chains.append([split])
    return chains


def _undivided(splits: list[Split], by: Protocol) -> str:
    """Why one worker does it all."""
    if len(splits) > 1:
        return "with fit=refreshed every origin goes on from the one before; one worker does all"
    if by == "as-of":
        return (
            "a forecast as-of reads what every earlier rating has changed, the movies too; of one "
            "split one worker does all, on one node"
        )
    return (
        "one split is one fit, which one worker does, on one node; several folds or origins are "
        "divided, as of --split kfold or rolling:3"
    )


def evaluate_saved(folder: Path, splits: list[Split], how: How) -> Scores:
    """Scores of a saved model.

    Raises `InputError` unless it was fitted on exactly the train part.
    """
    if len(splits) > 1:
        raise InputError("evaluate: an artifact is fitted on one train part; several need --model")
    model = load_model(folder)
    # Two files are no split that a model is trained on by a command.
    by_name = splits[0].name != PREDEFINED
    remedy = "train it on that split, or give --model" if by_name else "give --model instead"
    require_own_train(model, splits[0], str(folder), remedy)
    return _scores([_trial(model, splits[0], how)], how)


def evaluate_forecasts(path: Path, splits: list[Split], how: How) -> Scores:
    """Scores of forecasts that another program made of the rows of a split."""
    if len(splits) > 1:
        raise InputError("evaluate: forecasts are of one split; give that of one fold")
    return _scores([read_forecasts(path, splits[0], how.protocol)], how)


def _trial(
    model: Model,
    split: Split,
    how: How,
    seconds: protocol.Seconds = protocol.Seconds(),  # noqa: B008
) -> Trial:
    part = "valid" if "valid" in split.parts else "test"
    # Before as-of, which changes the model.
    worth = permutation_importance(model, split, part, how.seed) if how.worth else ()
    return replace(protocol.run(model, split, how.protocol, seconds), importances=worth)


def _scores(trials: list[Trial], how: How, split: str | None = None) -> Scores:
    worth = averaged([trial.importances for trial in trials])
    return Scores(score_rows.rows(trials, split, ranked=how.ranked), worth, trials)
