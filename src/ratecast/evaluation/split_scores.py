"""Scores a new or a saved model on splits, by one protocol."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ratecast import data
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.modelling.contract.model import Model
from ratecast.models import load_model
from ratecast.progress import each
from ratecast.splits import Split, predefined
from ratecast.table_options import DEFAULT, TableOptions


def split_of_files(train: Path | None, test: Path | None, table: TableOptions = DEFAULT) -> Split:
    """The split of two files of ratings; without a given scale, both are on that of train."""
    if train is None or test is None:
        raise InputError("evaluate: --train and --test go together; give both files")
    known = data.load_table(train, table)
    return predefined(known, data.load_table(test, replace(table, scale=str(known.scale))))


def evaluate_new(
    make: Callable[[], Model], splits: list[Split], by: protocol.Protocol
) -> list[score_rows.Row]:
    """Rows of a new model for each split, averaged. by: the protocol."""
    trials = []
    for split in each(splits, "folds") if len(splits) > 1 else splits:
        model = make()
        seconds = protocol.fit_timed(model, split)
        trials.append(protocol.run(model, split, by, seconds))
    return score_rows.rows(trials, "kfold" if len(splits) > 1 else None)


def evaluate_saved(
    folder: Path, splits: list[Split], by: protocol.Protocol
) -> list[score_rows.Row]:
    """Rows of a saved model. by: the protocol.

    Raises `InputError` unless it was fitted on exactly the train part.
    """
    if len(splits) > 1:
        raise InputError("evaluate: an artifact is fitted on one train part; kfold needs --model")
    model = load_model(folder)
    if model.learned_from != splits[0].train.fingerprint():
        raise InputError(
            f"{folder}: was not fitted on exactly the train part of split {splits[0].name}, so its "
            "scores would not be comparable; train it on that split, or give --model"
        )
    return score_rows.rows([protocol.run(model, splits[0], by)])
