"""Where the rows come from that a verb evaluates on."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ratecast.cli.call import DATA, note
from ratecast.errors import InputError
from ratecast.table_options import TableOptions

if TYPE_CHECKING:
    from ratecast.evaluation.split_scores import PartFiles
    from ratecast.splits import Split
    from ratecast.training.experiment import Experiment


def splits_of(split: str, data: str | None, table: TableOptions, seed: int = 0) -> "list[Split]":
    """The splits in a folder, which has the rows; or those of this name of `data`."""
    from ratecast import splits
    from ratecast.data import load_table

    if splits.is_folder_of_splits(split) and (data not in (None, DATA) or table.words()):
        raise InputError(f"--split {split}: has the rows; remove --data and how it is read")
    return splits.splits_of(split, lambda: load_table(data or DATA, table), seed)


def name_of(split: str, data: str) -> str:
    """What the table is called: by its data, or by the folder of a split, which has the rows."""
    from ratecast.splits import is_folder_of_splits

    return Path(split).resolve().name if is_folder_of_splits(split) else data


class Source(NamedTuple):
    """A table, how it is read, and its split; None where nothing was given."""

    data: str | None
    table: TableOptions
    split: str
    seed: int | None

    def parts(self) -> "list[Split]":
        """The splits of the table."""
        return splits_of(self.split, self.data, self.table, self.seed or 0)

    def of_files(self, files: "PartFiles") -> "list[Split]":
        """The split of files, beside which nothing else can be given."""
        from ratecast.evaluation.split_scores import split_of_files

        if self.data is not None or self.split != "auto":
            name = "--split" if self.data is None else "--data"
            raise InputError(f"evaluate: --train and --test are the parts; remove {name}")
        return [split_of_files(files, self.table)]


def source_of(model: str | None, artifact: Path | None, given: Source) -> Source:
    """What was given, and in place of what was not that of a model's file or of the artifact."""
    if artifact is None and not (model is not None and Path(model).is_file()):
        return given._replace(data=given.data or DATA)
    # The parser of experiments takes longer to import than a small table to read.
    from ratecast.training.experiment import read_experiment
    from ratecast.training.saved_experiment import (
        merged,
        options_for,
        saved_experiment,
        trained_on,
    )

    if model is not None and Path(model).is_file():
        experiment = read_experiment(model)
        if given.data is None and experiment.data != DATA:
            note(f"evaluate: on {experiment.data}, as {model} says")
        data = given.data or experiment.data
        table, split = merged(experiment.table, given.table), _split(experiment, given)
        return Source(data, table, split, given.seed)
    if artifact is None or (given.data is None and saved_experiment(artifact) is None):
        return given._replace(data=given.data or DATA)
    if given.data is not None:
        return given._replace(table=options_for(artifact, given.data, given.table))
    experiment = trained_on(artifact, given.table)
    split = _split(experiment, given)
    seed = experiment.seed if given.seed is None else given.seed
    words = " ".join([experiment.data, *experiment.table.words()])
    note(f"evaluate: on what the artifact was trained on, {words}, split {split}")
    return Source(experiment.data, experiment.table, split, seed)


def _split(experiment: "Experiment", given: Source) -> str:
    """The split that was given, else that of the experiment where it leaves a part to score."""
    if given.split != "auto" or experiment.split == "all":
        return given.split
    return experiment.split
