"""Scores a new or a saved model on splits, by one protocol."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

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


def evaluate_new(make: Callable[[], Model], splits: list[Split], how: How) -> Scores:
    """Scores of a new model for each split."""
    trials: list[Trial] = []
    model = make()
    for split in each(splits, "folds") if len(splits) > 1 else splits:
        if trials and split.continues:
            seconds = protocol.go_on(model, trials[-1], split)
        else:
            model = make() if trials else model
            seconds = protocol.fit_timed(model, split)
            for line in model.summary():
                how.notify(line)
        trials.append(_trial(model, split, how, seconds))
    return _scores(trials, how, family(splits[0].name) if len(splits) > 1 else None)


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
