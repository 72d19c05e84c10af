"""Kernels on all threads: how, when they may, and when BLAS may not."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, wraps
from itertools import pairwise
from threading import current_thread, main_thread
from typing import ParamSpec, TypeVar

import numpy as np
from numba import get_num_threads
from threadpoolctl import threadpool_limits

from ratecast.arrays import I64

MANY = 1 << 12
# Few enough that calling the kernel takes no time, many enough that no thread waits for long.
RUNS_A_THREAD = 8
P = ParamSpec("P")
T = TypeVar("T")


def kernels_first(work: Callable[P, T]) -> Callable[P, T]:
    """Limit matrix products to one thread while `work` runs.

    The threads of numpy's BLAS stay awake for a while after a product and compete with those of
    the next kernel: a fit that alternates between the two took up to twice as long.
    """

    @wraps(work)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with threadpool_limits(1, "blas"):
            return work(*args, **kwargs)

    return alone


def side_by_side(rows: int) -> bool:
    """Whether a kernel over `rows` rows may use all threads; the bits are the same.

    For few rows, starting threads costs more than it saves. Never outside the main thread: numba's
    thread pool serves one caller at a time, and a service loads a model while it answers requests.
    """
    return rows >= MANY and current_thread() is main_thread()


def on_all_threads(kernel: Callable[..., object], cuts: I64, *args: object) -> None:
    """Call kernel((start, stop), *args) for runs of rows that cover cuts[0] to cuts[-1].

    kernel: compiled with `nogil`; what it writes for a row depends on no other row, so that the
    bits are the same for any number of threads. cuts: ascending; a run is from one to another.
    Not a parallel loop of numba: that takes several times as long to compile.
    """
    threads = get_num_threads()
    if threads == 1 or len(cuts) < 3:
        at_once(kernel, cuts, *args)
        return
    count = min(RUNS_A_THREAD * threads, len(cuts) - 1)
    borders = cuts[np.linspace(0, len(cuts) - 1, count + 1).astype(np.int64)].tolist()
    pool = _pool(threads)
    for done in [pool.submit(kernel, run, *args) for run in pairwise(borders)]:
        done.result()


def at_once(kernel: Callable[..., object], cuts: I64, *args: object) -> None:
    """The same on this thread."""
    kernel((int(cuts[0]), int(cuts[-1])), *args)


def even_cuts(rows: int, most: int = 256) -> I64:
    """Borders of up to `most` runs of as many rows each."""
    return np.linspace(0, rows, min(most, rows) + 1).astype(np.int64)


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    """Kept, because a kernel may take less time than starting threads."""
    return ThreadPoolExecutor(threads)


# A forked process has none of the threads, and would wait for them.
os.register_at_fork(after_in_child=_pool.cache_clear)
