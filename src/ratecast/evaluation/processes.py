"""Processes for fits side by side, which share the cores of the machine."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

from ratecast.progress import bar

# Read by a BLAS when it is loaded, and so before a process starts.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
T = TypeVar("T")


@contextmanager
def processes(
    count: int, threads: int | None = None, start: Callable[[], None] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` processes of some threads each; by default all cores, divided.

    start: called first in each process. Two pools of threads on the same cores wait for each other:
    40 times slower for large matrices.
    """
    each = threads or max(1, (os.cpu_count() or 1) // count)
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ |= dict.fromkeys(_THREADS, str(each))
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), start) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def completed(futures: Iterable[Future[T]], title: str, unit: str) -> Iterator[Future[T]]:
    """The futures as they are done, with a progress bar."""
    pending = list(futures)
    with bar(title, len(pending), unit=unit) as progress:
        for future in as_completed(pending):
            progress.advance()
            yield future
