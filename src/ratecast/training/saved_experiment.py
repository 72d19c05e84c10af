"""The experiment of a fitted model, written beside it: its data, how they were read, its split."""

from dataclasses import replace
from pathlib import Path

from ratecast.artifact import beside, list_beside
from ratecast.data import EDITIONS
from ratecast.data.parts import is_there
from ratecast.data.trained_table import FILE, TrainedTable, item_column
from ratecast.errors import InputError
from ratecast.table_options import TableOptions
from ratecast.training.experiment import Experiment, read_experiment, write_experiment

# In the folder of the artifact; a model is restored without it.
EXPERIMENT = "experiment.yaml"


def save_experiment(
    folder: Path, experiment: Experiment, figures: dict[str, float] | None = None
) -> None:
    """Write the experiment beside its artifact in `folder`, without its logger, and its table.

    Paths of data are made absolute, so that they hold in every folder. figures: of `TrainedTable`.
    """
    data = experiment.data
    if data not in EDITIONS:
        data = _absolute(data)
    table = experiment.table
    table = replace(table, items=_all_absolute(table.items), users=_all_absolute(table.users))
    write_experiment(folder / EXPERIMENT, replace(experiment, data=data, table=table, logger=None))
    TrainedTable(data, item_column(data, table), figures or {}).write(folder / FILE)
    list_beside(folder, (EXPERIMENT, FILE))


def _all_absolute(paths: str | None) -> str | None:
    """Paths with commas between them."""
    return paths and ",".join(_absolute(path.strip()) for path in paths.split(","))


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute())


def saved_experiment(folder: Path) -> Experiment | None:
    """The experiment of an artifact; None for one that has none. Raises `InputError` if changed."""
    file = beside(folder, EXPERIMENT)
    return None if file is None else read_experiment(file)


def trained_on(folder: Path, table: TableOptions) -> Experiment:
    """The experiment of an artifact, with the options in `table` in place of its own.

    Raises `InputError` if there is none, or if its data are not where they were.
    """
    experiment = saved_experiment(folder)
    if experiment is None:
        raise InputError(f"{folder}: has no {EXPERIMENT}, so its data are not known; give --data")
    data = experiment.data
    if data not in EDITIONS and not is_there(Path(data), experiment.table):
        raise InputError(f"{folder}: was trained on {data}, which is not there; give --data")
    return replace(experiment, table=merged(experiment.table, table))


def options_for(folder: Path, data: str, table: TableOptions) -> TableOptions:
    """How `data` are read: by `table`, and as the artifact's own data where these are the same."""
    experiment = saved_experiment(folder)
    if experiment is None or not _same(data, experiment.data):
        return table
    return merged(experiment.table, table)


def merged(saved: TableOptions, given: TableOptions) -> TableOptions:
    """The saved options, with those that are given in their place."""
    return replace(saved, **given.plain())


def _same(one: str, other: str) -> bool:
    if one in EDITIONS or other in EDITIONS:
        return one == other
    return Path(one).expanduser().resolve() == Path(other).resolve()
