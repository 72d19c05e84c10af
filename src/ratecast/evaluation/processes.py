"""Processes for fits side by side, which share the cores of the machine."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import connection
from typing import TypeVar

from ratecast.errors import InputError
from ratecast.progress import bar

# Read by a BLAS when it is loaded, and so before a process starts.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ALONE = (
    "a model must stand in a module, and a script must make the call under "
    "if __name__ == '__main__'; or use one job (jobs=1 in Python)"
)
K = TypeVar("K")
T = TypeVar("T")


@contextmanager
def processes(
    count: int, threads: int | None = None, start: Callable[[], None] | None = None
) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` processes of some threads each; by default all cores, divided.

    start: called first in each process. Two pools of threads on the same cores wait for each other:
    40 times slower for large matrices. An error in the block ends what has not begun. Raises
    `InputError` for a process that ended by itself.
    """
    each = threads or max(1, (os.cpu_count() or 1) // count)
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ |= dict.fromkeys(_THREADS, str(each))
    begin = partial(_begin, start)
    try:
        with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), begin) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool:
        raise InputError(
            f"a process ended before its work was done, as for want of memory; {_ALONE}"
        ) from None
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


def computed(
    calls: Mapping[K, Callable[[], T]], jobs: int, title: str, unit: str
) -> Iterator[tuple[K, T]]:
    """The result of each call as it is ready: here for one job, else in so many processes."""
    if jobs == 1:
        with bar(title, len(calls), unit=unit) as progress:
            for key, call in calls.items():
                yield key, call()
                progress.advance()
        return
    require_importable(list(calls.values()), title)
    with processes(jobs) as pool:
        submitted = {pool.submit(call): key for key, call in calls.items()}
        for future in completed(submitted, title, unit):
            yield submitted[future], future.result()


def require_importable(what: object, verb: str) -> None:
    """Raise `InputError` for what another process cannot make from what it imports."""
    try:
        pickle.dumps(what)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{verb}: --jobs: {reason}; {_ALONE}") from None


def _begin(start: Callable[[], None] | None) -> None:
    # Ctrl-C goes to every process of a terminal: one that goes on would begin the next call.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if start is not None:
        start()


def _end_with_parent() -> None:
    """A killed command leaves no process that goes on with its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
