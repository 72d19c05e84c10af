"""What a fit out of core needs of disk and memory, before the work starts."""

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
    about = f"model {model.name}, {table.sizes[0] - 1:,} users and {table.sizes[1] - 1:,} movies"
    resources.require_memory(needed, about, "choose fewer factors")


def require_memory_of_workers(
    model: Model, table: RowTable, weight_bytes: float, count: int
) -> None:
    """Raise `InputError` if a node of the cluster has too little memory for its workers.

    weight_bytes: as of `require_memory`, of each of `count` workers.
    """
    from ratecast.workers.ray_cluster import require_memory

    width = 1 + getattr(model, "factors", 0)
    lines = sum(table.sizes)
    needed = _WORKER_PIECES + lines * (width * weight_bytes + _WORKER_LINE_BYTES)
    about = f"model {model.name}, {table.sizes[0] - 1:,} users and {table.sizes[1] - 1:,} movies"
    require_memory(needed, count, about)
