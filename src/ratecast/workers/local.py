"""Workers of this machine: processes that share its cores, or the calling process alone."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from ratecast.errors import InputError
from ratecast.progress import silent
from ratecast.workers.contract import Pool, Served, Shared

# Read by a BLAS when it is loaded, and so before a process starts.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
_ALONE = (
    "a model must stand in a module, and a script must make the call under "
    "if __name__ == '__main__'; or use one job (jobs=1 in Python)"
)
T = TypeVar("T")


@contextmanager
def local_pool(jobs: int, threads: int | None = None) -> Iterator[Pool]:
    """See `pool`."""
    if jobs == 1:
        yield _Here()
        return
    with tempfile.TemporaryDirectory(prefix="ratecast-") as folder, _processes(jobs, threads) as ps:
        yield _Processes(jobs, ps, Path(folder))


class _Here:
    """The calling process. A call is finished when it is submitted."""

    count = 1

    def submit(self, label: str, call: Callable[..., T], *given: Any) -> Future[T]:
        """See `Pool`."""
        future: Future[T] = Future()
        future.set_result(call(*given))
        return future

    def share(self, value: T) -> Shared[T]:
        """See `Pool`."""
        return _Own(value)

    def serve(self, value: Any) -> Served:
        """See `Pool`."""
        return _Methods(value)


@dataclass(frozen=True)
class _Own(Generic[T]):
    own: T

    def value(self) -> T:
        """See `Shared`."""
        return self.own


@dataclass(frozen=True)
class _Methods:
    own: Any

    def call(self, method: str, *given: Any) -> Any:
        """See `Served`."""
        return getattr(self.own, method)(*given)


@dataclass
class _Processes:
    """Processes. folder: for what they share."""

    count: int
    executor: ProcessPoolExecutor
    folder: Path
    shared: int = 0

    def submit(self, label: str, call: Callable[..., T], *given: Any) -> Future[T]:
        """See `Pool`."""
        return self.executor.submit(labelled, label, call, *given)

    def share(self, value: T) -> Shared[T]:
        """See `Pool`."""
        path = self.folder / f"{self.shared}.pickle"
        self.shared += 1
        with path.open("wb") as file:
            pickle.dump(value, file, pickle.HIGHEST_PROTOCOL)
        return _InFile(path)

    def serve(self, value: Any) -> Served:
        """See `Pool`."""
        return _Methods(value)


def labelled(label: str, call: Callable[..., T], *given: Any) -> T:
    """The call, without bars; an error that is no user's has a note with the label."""
    with silent():
        try:
            return call(*given)
        except InputError:
            raise
        except Exception as error:
            error.add_note(label)
            raise


@dataclass(frozen=True)
class _InFile(Generic[T]):
    path: Path

    def value(self) -> T:
        """See `Shared`."""
        value: T = _read(self.path)
        return value


@lru_cache(maxsize=2)
def _read(path: Path) -> Any:
    # Written by the process that started this one, into a folder of its own.
    with path.open("rb") as file:
        return pickle.load(file)


@contextmanager
def _processes(count: int, threads: int | None) -> Iterator[ProcessPoolExecutor]:
    """A pool of `count` processes of some threads each; by default all cores, divided.

    Two pools of threads on the same cores wait for each other: 40 times slower for large matrices.
    An error in the block ends what has not begun. Raises `InputError` for a process that ended by
    itself.
    """
    each = threads or max(1, (os.cpu_count() or 1) // count)
    try:
        with (
            threads_of_children(each),
            ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin) as pool,
        ):
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool:
        raise InputError(
            f"a process ended before its work was done, as for want of memory; {_ALONE}"
        ) from None


@contextmanager
def threads_of_children(count: int) -> Iterator[None]:
    """Processes that are started in the block use so many threads each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ |= dict.fromkeys(THREADS, str(count))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def require_importable(what: object, verb: str) -> None:
    """Raise `InputError` for what another process cannot make from what it imports."""
    try:
        pickle.dumps(what)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{verb}: --jobs: {reason}; {_ALONE}") from None


def _begin() -> None:
    # Ctrl-C goes to every process of a terminal: one that goes on would begin the next call.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A killed command leaves no process that goes on with its work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
