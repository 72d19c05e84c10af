"""Work on each run of rows of a grouping: by the threads of this process, or by a cluster."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ratecast.arrays import F32, I64
from ratecast.modelling.kernels.csr import Grouped
from ratecast.out_of_core import grouping
from ratecast.out_of_core.columns import Array, Columns
from ratecast.out_of_core.grouping import GroupedOnDisk, Run, StarsOf, read_part, runs
from ratecast.workers import Pool, Shared

# What is computed from the ratings of a run and its rows as they are, which it may change. It can
# be pickled; on a cluster its arrays are read-only.
Work = Callable[[Grouped, F32 | None], Array]
# Ratings of a run on a cluster, at the least, and runs of each worker, so that all end together.
_LEAST, _RUNS_EACH = 1 << 18, 8


class ByRuns(Protocol):
    """A place for such work. The bits are the same in every place, and for any runs."""

    def each(
        self, by_row: GroupedOnDisk, stars_of: StarsOf, work: Work, rows: F32 | None = None
    ) -> Iterator[tuple[Run, Array]]:
        """The result of each run, as it is ready.

        stars_of: what to make of the codes. rows: of the whole side; each run gets its own.
        """
        ...


class Here:
    """In this process. The ratings of the next runs are read meanwhile."""

    def each(
        self, by_row: GroupedOnDisk, stars_of: StarsOf, work: Work, rows: F32 | None = None
    ) -> Iterator[tuple[Run, Array]]:
        """See `ByRuns`."""
        for (first, last), part in by_row.parts(stars_of):
            yield (first, last), work(part, None if rows is None else rows[first:last])


@dataclass(frozen=True)
class OnCluster:
    """Calls of the workers, which read their runs from the work folder."""

    pool: Pool

    def each(
        self, by_row: GroupedOnDisk, stars_of: StarsOf, work: Work, rows: F32 | None = None
    ) -> Iterator[tuple[Run, Array]]:
        """See `ByRuns`."""
        shared = self.pool.share(_Common(by_row.columns, stars_of, work))
        wanted = by_row.columns.rows // (_RUNS_EACH * self.pool.count)
        most = min(grouping.ROWS, max(wanted, _LEAST))
        pending: dict[Future[Array], Run] = {}
        for first, last in runs(by_row.edges, most):
            if len(pending) > 2 * self.pool.count:
                yield from _ready(pending)
            edges = by_row.edges[first : last + 1]
            own = None if rows is None else rows[first:last]
            label = f"rows {first:,} to {last - 1:,} of {by_row.columns.folder}"
            pending[self.pool.submit(label, _on_worker, shared, edges, own)] = first, last
        while pending:
            yield from _ready(pending)


def _ready(pending: dict[Future[Array], Run]) -> Iterator[tuple[Run, Array]]:
    """Those that are ready, one at the least; they are taken out."""
    for future in wait(pending, return_when=FIRST_COMPLETED).done:
        yield pending.pop(future), future.result()


@dataclass(frozen=True)
class _Common:
    """What is the same for all runs of a grouping."""

    columns: Columns
    stars_of: StarsOf
    work: Work


def _on_worker(shared: Shared[_Common], edges: I64, rows: F32 | None) -> Array:
    common = shared.value()
    part = read_part(common.columns, edges, common.stars_of)
    return common.work(part, None if rows is None else np.array(rows))
