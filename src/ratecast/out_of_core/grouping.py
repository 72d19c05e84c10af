"""Groups rows on disk by user or by movie: a counting sort in two passes, in bounded memory.

The first pass deals the rows out to buckets, runs of row numbers with about as many ratings each;
the second sorts one bucket after another. Both read and write one after another, and rows of one
user or movie keep their order.
Reference: Knuth 1998, "The Art of Computer Programming", volume 3, section 5.4 (external sorting).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ratecast.arrays import F32, I64
from ratecast.compiled import njit
from ratecast.modelling.kernels.csr import Grouped, balanced_groups
from ratecast.out_of_core.ahead import read_ahead
from ratecast.out_of_core.columns import Appender, Array, Columns
from ratecast.out_of_core.table import MOVIES, STARS, USERS, RowTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar

# Rows of a piece and, about, of a bucket: some 100 MB with what is made of them.
ROWS = 1 << 22
MOST_BUCKETS = 128
OTHERS = "others"
StarsOf = Callable[[Array], F32]
# The first row, and the one after the last.
Run = tuple[int, int]
STAGES = {USERS: "by_user", MOVIES: "by_movie"}


@dataclass(frozen=True)
class GroupedOnDisk:
    """What `Grouped` is in memory. edges: (rows + 1,). columns: `others` and `stars`."""

    edges: I64
    columns: Columns
    table: RowTable

    def codes(self, first: int, last: int) -> tuple[Array, Array]:
        """The other side's row numbers, and the codes of the stars, of the rows first to last-1."""
        start, stop = int(self.edges[first]), int(self.edges[last])
        return self.columns.read(OTHERS, start, stop), self.columns.read(STARS, start, stop)

    def parts(self, stars_of: StarsOf) -> Iterator[tuple[Run, Grouped]]:
        """All ratings in runs of rows with about `ROWS` ratings each, read ahead.

        stars_of: what to make of the codes, (n,).
        """

        def read(run: Run) -> tuple[Run, Grouped]:
            first, last = run
            return run, read_part(self.columns, self.edges[first : last + 1], stars_of)

        yield from read_ahead(runs(self.edges), read)


def read_part(columns: Columns, edges: I64, stars_of: StarsOf) -> Grouped:
    """The ratings of neighbouring rows, whose borders among all ratings are `edges`."""
    start, stop = int(edges[0]), int(edges[-1])
    others, codes = (columns.read(name, start, stop) for name in (OTHERS, STARS))
    return Grouped(edges - start, others, stars_of(codes))


def runs(edges: I64, most: int | None = None) -> list[Run]:
    """Runs of neighbours, from 0 to the last, with about `most` ratings each, default `ROWS`."""
    each = most or ROWS
    wanted = np.arange(each, edges[-1], each)
    cuts = np.searchsorted(edges, wanted, "right") - 1
    borders = np.unique(np.concatenate([[0], cuts, [len(edges) - 1]])).tolist()
    return list(pairwise(borders))


def grouped(work: WorkFolder, table: RowTable, key: str) -> GroupedOnDisk:
    """The rows grouped by users or by movies, made unless this is done already."""
    counts = table.counts.of_users if key == USERS else table.counts.of_movies
    edges = np.concatenate([[0], np.cumsum(counts)])
    stage = STAGES[key]
    if work.done(stage) is None:
        folder = work.begin(stage)
        buckets = _Buckets(work, table, key, edges)
        with bar(stage.replace("_", " "), 2 * len(table)) as progress:
            for rows in buckets.deal():
                progress.advance(rows)
            with Appender(folder, (OTHERS, STARS)) as out:
                for others, stars in buckets.sorted():
                    out.append(others, stars)
                    progress.advance(len(others))
        work.finish(stage, {})
        buckets.remove()
    types = {OTHERS: "i4", STARS: table.star_type}
    return GroupedOnDisk(edges, Columns(work.stage(stage), types, len(table)), table)


class _Buckets:
    """The buckets of one grouping, in a stage of their own that is never complete."""

    def __init__(self, work: WorkFolder, table: RowTable, key: str, edges: I64) -> None:
        self._work, self._table = work, table
        self._key, self._other = (USERS, MOVIES) if key == USERS else (MOVIES, USERS)
        self._name, self._edges = f"{STAGES[key]}-buckets", edges
        self._folder = work.begin(self._name)
        count = min(max(1, -(-len(table) // ROWS)), MOST_BUCKETS)
        self._of_row = balanced_groups(np.diff(edges), count).astype(np.uint8)
        self._firsts = np.searchsorted(self._of_row, np.arange(count + 1))
        self._count = count

    def deal(self) -> Iterator[int]:
        """Append every row to its bucket; how many at a time."""
        names = [f"{k:03}-{what}" for k in range(self._count) for what in ("key", "other", "star")]
        starts = range(0, len(self._table), ROWS)
        with Appender(self._folder, names) as out:
            for dealt, cuts in read_ahead(starts, self._dealt):
                out.append(
                    *(column[cuts[k] : cuts[k + 1]] for k in range(self._count) for column in dealt)
                )
                yield cuts[-1]

    def _dealt(self, first: int) -> tuple[tuple[Array, ...], list[int]]:
        """Columns of some rows in order of the buckets, and the borders of these."""
        last = min(first + ROWS, len(self._table))
        names, columns = (self._key, self._other, STARS), self._table.columns
        keys, others, stars = (columns.read(name, first, last) for name in names)
        borders = np.zeros(self._count + 1, np.int64)
        dealt = np.empty_like(keys), np.empty_like(others), np.empty_like(stars)
        _deal(self._of_row, (keys, others, stars), dealt, borders)
        return dealt, borders.tolist()

    def sorted(self) -> Iterator[tuple[Array, Array]]:
        """The other side's row numbers and the stars of each bucket, in order of the keys."""
        yield from read_ahead(range(self._count), self._bucket, most=1)

    def _bucket(self, number: int) -> tuple[Array, Array]:
        """A bucket, sorted; its files are not needed any more."""
        types = {"key": "i4", "other": "i4", "star": self._table.star_type}
        paths = {what: self._folder / f"{number:03}-{what}.bin" for what in types}
        keys, others, stars = (np.fromfile(path, types[what]) for what, path in paths.items())
        first, last = self._firsts[number], self._firsts[number + 1]
        out = np.empty_like(others), np.empty_like(stars)
        _place(keys, first, self._edges[first:last] - self._edges[first], (others, stars), out)
        for path in paths.values():
            path.unlink()
        return out

    def remove(self) -> None:
        """Remove what is left of them."""
        self._folder.rmdir()


@njit(cache=True, nogil=True)
def _deal(of_row, columns, dealt, borders):  # type: ignore[no-untyped-def]
    """Copy the columns, (n,) each, to `dealt` in order of the buckets; fill their borders."""
    keys, others, stars = columns
    to_keys, to_others, to_stars = dealt
    place = np.zeros(len(borders), np.int64)
    for key in keys:
        borders[of_row[key] + 1] += 1
    for k in range(1, len(borders)):
        borders[k] += borders[k - 1]
        place[k] = borders[k]
    for i in range(len(keys)):
        bucket = of_row[keys[i]]
        to = place[bucket]
        place[bucket] = to + 1
        to_keys[to], to_others[to], to_stars[to] = keys[i], others[i], stars[i]


@njit(cache=True, nogil=True)
def _place(keys, first, place, columns, out):  # type: ignore[no-untyped-def]
    """Copy each row to the next place of its key; place: (keys,), the first of each, changed."""
    (others, stars), (to_others, to_stars) = columns, out
    for i in range(len(keys)):
        to = place[keys[i] - first]
        place[keys[i] - first] = to + 1
        to_others[to], to_stars[to] = others[i], stars[i]
