"""What a fit out of core needs of disk and memory, before the work starts."""

import math
from pathlib import Path

from ratecast import resources
from ratecast.modelling.contract.model import Model
from ratecast.out_of_core.table import RowTable

# Measured: pieces of rows, those that are read ahead, and buckets; what Python and its packages
# take is in use already.
_PIECES = 1e9
# Counts, ids, covariances: for each user or movie.
_LINE_BYTES = 150


# Of a worker: Python and its packages, pieces of rows and those that are read ahead.
_WORKER_PIECES = 6e8
# Counts and groups.
_WORKER_LINE_BYTES = 24


def require_disk(folder: Path, rows: int, each: float, where: str) -> None:
    """Raise `InputError` if the disk of the work folder has too little space for these rows."""
    what = f"{where}: the work on {rows:,} ratings in {folder}"
    resources.require_disk(folder, rows * each, what)


def require_memory_to_read(where: str, held: float) -> None:
    """Raise `InputError` if there is too little memory for the pieces and the validation rows.

    held: number of rows for validation, about.
    """
    needed = _PIECES + 2 * held * resources.ROW_BYTES
    what = f"{where}: reading it in pieces, with {held:,.0f} rows for validation"
    resources.require_memory(needed, what, "hold out a lower share of the rows")


def require_memory(model: Model, table: RowTable, weight_bytes: float) -> None:
    """Raise `InputError` if there is too little memory for the users' and movies' weights.

    weight_bytes: of each weight, at the most at one time.
    """
    lines = sum(table.sizes)
    width = 1 + getattr(model, "factors", 0)
    needed = _PIECES + lines * (width * weight_bytes + _LINE_BYTES)
    about = f"model {model.name}, {sides_of(table)}"
    resources.require_memory(needed, about, "choose fewer factors")


def sides_of(table: RowTable) -> str:
    """How many users and movies there are, in words."""
    return f"{table.sizes[0] - 1:,} users and {table.sizes[1] - 1:,} movies"


def require_memory_of_workers(
    model: Model, lines: float, weight_bytes: float, *, count: int, about: str
) -> None:
    """Raise `InputError` if a node of the cluster has too little memory for its workers.

    lines: users and movies. weight_bytes: as of `require_memory`, of each of `count` workers.
    about: what they fit, in words.
    """
    from ratecast.workers.ray_cluster import require_memory

    width = 1 + getattr(model, "factors", 0)
    needed = _WORKER_PIECES + lines * (width * weight_bytes + _WORKER_LINE_BYTES)
    require_memory(needed, count, f"model {model.name}, {about}")


def fewest_lines(rows: int) -> float:
    """Users and movies that so many ratings have at least, where none repeats a pair."""
    return 2 * math.sqrt(rows)
