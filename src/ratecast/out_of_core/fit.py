"""`fit_out_of_core`: a fit on more ratings than fit into memory."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import polars as pl

from ratecast.data.frames import ratings_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.pairs import Table
from ratecast.data.table_file import read_table
from ratecast.errors import InputError
from ratecast.modelling.contract.given import GivenRatings
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.modelling.kernels.csr import Grouped, sorted_by
from ratecast.modelling.kernels.threads import kernels_first
from ratecast.out_of_core import estimates
from ratecast.out_of_core.distinct import distinct
from ratecast.out_of_core.fit_workers import FitWorkers
from ratecast.out_of_core.grouping import GroupedOnDisk, grouped
from ratecast.out_of_core.parts import PartedTable, parted_table
from ratecast.out_of_core.solvers import import_loops, solver_of
from ratecast.out_of_core.table import USERS, RowTable, row_table
from ratecast.out_of_core.work_folder import WorkFolder, opened
from ratecast.ratings import MOVIE, USER, Ratings
from ratecast.table_options import DEFAULT, TableOptions
from ratecast.workers import Pool, Ray, pool

M = TypeVar("M", bound=Model)
VALID_SHARE = 0.01
# Up to so many ratings the model knows which pairs it was given: 8 bytes each.
MOST_GIVEN = 100_000_000


def fit_out_of_core(
    model: M,
    parts: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    valid: float | str | Path | Table = VALID_SHARE,
    options: TableOptions = DEFAULT,
    on: Ray | None = None,
    notify: Notify = to_stderr,
) -> M:
    """Fit a model on a table in Parquet parts that need not fit into memory.

    model: `mf_bias`, `als` or `bias`, fitted by its kernel; it is fitted in place, and returned.
    parts: a folder that `ratecast data expand` or `data fetch` wrote, a folder of Parquet files, or
    a list of them; the rows are learned in the order of the parts. folder: for the work, on a disk
    with some 30 bytes for each rating; a fit that was killed goes on where it was, to the same bits
    as without the kill. It may be removed afterwards. valid: share of the rows, drawn by the
    model's seed, that stay out of train, or the rows themselves, as a table or a file; they end
    the fit early, as in `Model.fit`, and calibrate the star probabilities. options: how the parts
    are read. on: a Ray cluster, whose workers do the fit of `mf_bias` or `als`; all its nodes must
    have `folder`. The result has the same bits as without, and either goes on with what the other
    began. notify: called with one line for everything that was assumed.

    Of more than 100 million ratings the model does not keep which pairs it was given: a later
    rating of such a pair then counts as a further one.

    Raises `InputError` for parts that are missing or damaged, or have changed since the work began,
    for a work folder of another table, model or settings, where memory or disk would not suffice,
    and for a cluster that cannot be reached, has too few cores, or does not share the folder.

    >>> import tempfile
    >>> import ratecast as rc
    >>> with tempfile.TemporaryDirectory() as home:
    ...     table = f"{home}/ratings.parquet"
    ...     rc.example_ratings().frame.write_parquet(table)
    ...     model = rc.fit_out_of_core(rc.Bias(), [table], f"{home}/work", valid=0.1)
    >>> model.predict([1], [2]).stars.shape
    (1,)
    """
    return fit_and_hold_out(
        model, parts, folder, valid=valid, options=options, on=on, notify=notify
    ).model


class Fitted(NamedTuple, Generic[M]):
    """The model, and the rows that validated it."""

    model: M
    valid: Ratings


@kernels_first
def fit_and_hold_out(
    model: M,
    parts: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    valid: float | str | Path | Table,
    options: TableOptions,
    on: Ray | None = None,
    notify: Notify = to_stderr,
) -> Fitted[M]:
    """`fit_out_of_core`, with the rows for validation."""
    solver, table = solver_of(model, on), parted_table(parts, options, notify)
    held = _valid(valid, table, options)
    work_folder = Path(folder).expanduser()
    # A worker has another current folder.
    work_folder = work_folder if on is None else work_folder.absolute()
    made_from = _made_from(model, table, held, options)
    if not work_folder.exists():
        estimates.require_disk(work_folder, table.rows, solver.disk_bytes, table.where)
    held_count = held * table.rows if isinstance(held, float) else len(held)
    estimates.require_memory_to_read(table.where, held_count)
    with _workers(on, work_folder) as workers, opened(work_folder, made_from) as work:
        fitted_by = FitWorkers(workers, solver, model)
        fitted_by.begin(table.rows, notify)
        rows = row_table(work, table, held, model.seed, times=solver.needs_times)
        if not table.is_canonical:
            rows = distinct(work, rows, table.where, notify)
        if not len(rows):
            raise InputError(
                f"{table.where}: no ratings to learn from; give more, or a lower share"
            )
        _begin(model, table, rows, made_from)
        estimates.require_memory(model, rows, solver.floats_a_weight)
        fitted_by.require_memory(sum(rows.sizes), estimates.sides_of(rows))
        held_rows = model.with_own_ids(rows.valid())
        if not len(held_rows):
            raise InputError(f"{table.where}: no rows for validation; give a higher share (valid=)")
        solver.fit(work, rows, model, held_rows, workers)
        model.given = _given(work, rows, table.where, notify)
        model.calibrate_on(held_rows)
    return Fitted(model, held_rows)


@contextmanager
def _workers(on: Ray | None, folder: Path) -> Iterator[Pool | None]:
    """Those of the cluster, if there is one, which must share the folder."""
    if on is None:
        yield None
        return
    with pool(on, threads=1, folders=[folder]) as found:
        # They import the package while this process prepares the work.
        for number in range(found.count):
            found.submit(f"start of worker {number}", import_loops)
        yield found


def _valid(given: Any, table: PartedTable, options: TableOptions) -> float | Ratings:
    """A share, or the rows. Raises `InputError`."""
    if isinstance(given, int | float):
        if not 0 < given < 1:
            raise InputError(f"valid: {given} is no share of the rows; give one between 0 and 1")
        return float(given)
    if isinstance(given, str | Path):
        path = Path(given).expanduser()
        if not path.exists():
            raise InputError(f"{path}: no such file; give one of validation rows, or a share")
        given = read_table(path, options).ratings
    return ratings_of(given, table.scale, where="valid")


def _made_from(
    model: Model, table: PartedTable, valid: float | Ratings, options: TableOptions
) -> dict[str, Any]:
    """What decides every bit of the fit."""
    return {
        "parts": [part.plain() for part in table.parts],
        "table": options.plain() | {"scale": str(table.scale), "columns": table.names},
        "valid": valid if isinstance(valid, float) else valid.fingerprint(),
        "model": {"name": model.name} | model.settings(),
    }


def _begin(model: Model, table: PartedTable, rows: RowTable, made_from: dict[str, Any]) -> None:
    """What `Model.begin_fit` does before a fit in memory."""
    model.scale = table.scale
    # Not that of the rows, of which the parts would have to be read column by column.
    text = json.dumps([made_from["parts"], made_from["table"], made_from["valid"]])
    model.learned_from = hashlib.sha256(text.encode()).hexdigest()
    model.users = Vocabulary.of(rows.ids(USER), _of_type(table.users, rows.ids(USER)))
    model.movies = Vocabulary.of(rows.ids(MOVIE), _of_type(table.movies, rows.ids(MOVIE)))
    model.counts = rows.counts


def _of_type(side: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    return side.cast({ids.name: ids.dtype})


def _given(work: WorkFolder, rows: RowTable, where: str, notify: Notify) -> GivenRatings:
    """The last rating of each pair, if they are few enough to be kept."""
    if len(rows) <= MOST_GIVEN:
        return GivenRatings.of_grouped(_by_pair(grouped(work, rows, USERS), rows))
    notify(
        f"{where}: of more than {MOST_GIVEN:,} ratings the model does not keep which pairs they "
        "are of; a later rating of such a pair counts as a further one"
    )
    return GivenRatings.none()


def _by_pair(by_user: GroupedOnDisk, rows: RowTable) -> Grouped:
    """The ratings by user, movies ascending; the rows of a pair keep their order."""
    movies, stars = np.empty(len(rows), np.int32), np.empty(len(rows), np.float32)
    for (first, last), part in by_user.parts(rows.stars_of):
        _, triples = sorted_by(part.columns, rows.sizes[1], part.triples)
        _, (_, ordered, given) = sorted_by(triples[0], last - first, triples)
        place = slice(int(by_user.edges[first]), int(by_user.edges[last]))
        movies[place], stars[place] = ordered, given
    return Grouped(by_user.edges, movies, stars)
