"""Loops of kernels: over rows, on all threads, and over the entries of a vector.

The latter do what an assignment to a slice does. For such an assignment numba compiles the text of
the error that it can raise: two CPU seconds or three for each kernel that has one.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from threading import current_thread, main_thread

import numpy as np

from ratecast.arrays import I64
from ratecast.compiled import njit
from ratecast.systems import in_forked_children

MANY = 1 << 12
# Few enough that calling the kernel takes no time, many enough that no thread waits for long.
RUNS_A_THREAD = 8
# A run of fewer rows, where each takes a tenth of a microsecond, takes less time than giving it to
# a thread does.
ROWS_A_RUN = 1 << 11


def side_by_side(rows: int) -> bool:
    """Whether a kernel over `rows` rows may use all threads; the bits are the same.

    For few rows, starting threads costs more than it saves. Never outside the main thread: a
    service loads a model while it answers requests, which need the other threads.
    """
    return rows >= MANY and current_thread() is main_thread()


def on_all_threads(kernel: Callable[..., object], cuts: I64, *args: object) -> None:
    """Call kernel((start, stop), *args) for runs of rows that cover cuts[0] to cuts[-1].

    kernel: compiled with `nogil`; what it writes for a row depends on no other row, so that the
    bits are the same for any number of threads. cuts: ascending; a run is from one to another.
    Not a parallel loop of numba: that takes several times as long to compile.
    """
    threads = thread_count()
    if threads == 1 or len(cuts) < 3:
        at_once(kernel, cuts, *args)
        return
    if len(cuts) > RUNS_A_THREAD * threads:
        cuts = cuts[even_cuts(len(cuts) - 1, RUNS_A_THREAD * threads)]
    pool = _pool(threads)
    for done in [pool.submit(kernel, run, *args) for run in pairwise(cuts.tolist())]:
        done.result()


def at_once(kernel: Callable[..., object], cuts: I64, *args: object) -> None:
    """The same on this thread."""
    kernel((int(cuts[0]), int(cuts[-1])), *args)


def over_rows(kernel: Callable[..., object], rows: int, *args: object) -> None:
    """Call a kernel as `on_all_threads` does for `rows` rows, on this thread where they are few."""
    run = on_all_threads if side_by_side(rows) else at_once
    run(kernel, even_cuts(rows, least=ROWS_A_RUN), *args)


def even_cuts(rows: int, most: int = 256, least: int = 1) -> I64:
    """Borders of up to `most` runs of as many rows each, of one run for fewer than 2 `least` rows.

    least: how many rows are worth another run, some tenths of a millisecond.
    """
    runs = min(most, max(rows // least, 1), rows)
    return np.linspace(0, rows, runs + 1).astype(np.int64)


def thread_cuts(rows: int) -> I64:
    """Borders of one run a thread: for a kernel called for the same rows many times in short turns.

    Each call has a price, and what a thread reads and writes stays in its core's cache.
    """
    return even_cuts(rows, thread_count())


def thread_count() -> int:
    """How many threads a kernel may use."""
    from numba import get_num_threads

    return int(get_num_threads())


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, because a kernel may take less time than starting threads."""
    return ThreadPoolExecutor(threads)


# A forked process has none of the threads, and would wait for them.
in_forked_children(_pool.cache_clear)


@njit(cache=True)
def fill(into, number):  # type: ignore[no-untyped-def]
    """Set every entry of `into` (n,) to `number`."""
    for a in range(len(into)):
        into[a] = number


@njit(cache=True)
def copy(into, numbers):  # type: ignore[no-untyped-def]
    """Copy `numbers` (n,) to the first entries of `into`, (n,) or longer."""
    for a in range(len(numbers)):
        into[a] = numbers[a]


@njit(cache=True)
def add(into, numbers):  # type: ignore[no-untyped-def]
    """Add `numbers` (n,) to `into` (n,)."""
    for a in range(len(into)):
        into[a] += numbers[a]
