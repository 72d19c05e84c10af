"""Workers on a Ray cluster, by tasks of Ray Core alone."""

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from ratecast.errors import InputError
from ratecast.visible_text import one_line
from ratecast.workers.contract import Served, Shared
from ratecast.workers.local import labelled
from ratecast.workers.place import Ray
from ratecast.workers.ray_cluster import cluster, on_node, ray_package, require_shared

T = TypeVar("T")
# How often a call is begun again whose worker or node has ended.
RETRIES = 3


@contextmanager
def ray_pool(place: Ray, threads: int, folders: Collection[Path]) -> "Iterator[RayPool]":
    """See `pool`."""
    with cluster(place, threads) as count:
        if place.address is not None:
            require_shared(folders)
        workers = RayPool(count, threads)
        try:
            yield workers
        except BaseException:
            workers.cancel()
            raise


class RayPool:
    """Tasks, each on `threads` cores."""

    def __init__(self, count: int, threads: int) -> None:
        ray = ray_package()
        self.count, self.threads = count, threads
        self._nodes = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]
        # Ray would begin it again itself, and not say so.
        self._task = ray.remote(num_cpus=threads, max_retries=0)(_run)
        self._running: dict[Future[Any], Any] = {}
        self._cancelled = False

    def submit(self, label: str, call: Callable[..., T], *given: Any) -> "Future[T]":
        """See `Pool`."""
        found: Future[T] = Future()
        self._begin(_Call(label, (call, *given), found))
        return found

    def _begin(self, call: "_Call") -> None:
        reference = self._task.remote(call.label, *call.given)
        self._running[call.found] = reference
        reference.future().add_done_callback(partial(self._finish, call))

    def share(self, value: T) -> Shared[T]:
        """See `Pool`."""
        return _InStore(ray_package().put(value))

    def serve(self, value: Any) -> Served:
        """See `Pool`."""
        ray = ray_package()
        here = ray.get_runtime_context().get_node_id()
        # Without a core: it waits for the workers.
        actor = ray.remote(num_cpus=0)(_Server).options(scheduling_strategy=on_node(here))
        return _Remote(actor.remote(value))

    def cancel(self) -> None:
        """End what was submitted."""
        ray, self._cancelled = ray_package(), True
        for reference in list(self._running.values()):
            ray.cancel(reference, force=True)

    def _finish(self, call: "_Call", done: "Future[Any]") -> None:
        self._running.pop(call.found, None)
        error = done.exception()
        if error is None:
            call.found.set_result(done.result())
        elif call.left and is_lost(error) and not self._cancelled:
            why = first_line(error).partition(". ")[0]
            say(f"{call.label}: its worker was lost ({why}); it is begun again")
            again = replace(call, left=call.left - 1)
            # Not in this thread, which brings the answers that a new call needs.
            threading.Thread(target=self._begin, args=[again], daemon=True).start()
        else:
            call.found.set_exception(as_raised(error, call.label, self._nodes))


@dataclass(frozen=True)
class _Call:
    """A call of a pool. left: how often it may be begun again."""

    label: str
    given: tuple[Any, ...]
    found: "Future[Any]"
    left: int = field(default_factory=lambda: RETRIES)


def is_lost(error: BaseException) -> bool:
    """Whether a worker or a node has ended: what a call raises once, it raises always."""
    exceptions = ray_package().exceptions
    return isinstance(error, exceptions.RayError) and not isinstance(
        error, exceptions.RayTaskError | exceptions.TaskCancelledError
    )


def say(line: str) -> None:
    """Print a line on stderr, above the progress bar."""
    print(one_line(line), file=sys.stderr)


def as_raised(error: BaseException, label: str, nodes: Sequence[str]) -> BaseException:
    """What a call raised, without what Ray wraps it in; an `InputError` for a lost worker.

    nodes: of the cluster; Ray does not say on which one a worker was.
    """
    ray = ray_package()
    if isinstance(error, ray.exceptions.RayTaskError):
        cause: BaseException = error.cause
        # Of a call that waited for another one.
        while isinstance(cause, ray.exceptions.RayTaskError):
            cause = cause.cause
        if not isinstance(cause, InputError):
            # It has the lines of the code of the worker.
            cause.__cause__ = error
        return cause
    if isinstance(error, ray.exceptions.OutOfMemoryError):
        return InputError(
            f"{label}: its node had too little memory ({first_line(error)}); use fewer workers, "
            "or nodes with more memory"
        )
    if isinstance(error, ray.exceptions.RayError):
        return InputError(
            f"{label}: its worker on {' or '.join(nodes)} ended {1 + RETRIES} times "
            f"({first_line(error)}); look for the reason there, as too little memory"
        )
    return error


def first_line(error: BaseException) -> str:
    """The first line of its message, without a full stop."""
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__


@dataclass(frozen=True)
class _InStore(Generic[T]):
    """In the object store. Ray gives an argument that is a reference anew to each task."""

    reference: Any

    def value(self) -> T:
        """See `Shared`."""
        value: T = _taken(self.reference)
        return value


@lru_cache(maxsize=2)
def _taken(reference: Any) -> Any:
    return ray_package().get(reference)


class _Server:
    """An actor on the machine of the driver."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def call(self, method: str, given: tuple[Any, ...]) -> Any:
        return getattr(self._value, method)(*given)


@dataclass(frozen=True)
class _Remote:
    actor: Any

    def call(self, method: str, *given: Any) -> Any:
        """See `Served`."""
        return ray_package().get(self.actor.call.remote(method, given))


def _run(label: str, call: Callable[..., T], *given: Any) -> T:
    """The call, in a process of the cluster."""
    node = ray_package().util.get_node_ip_address()
    return labelled(f"{label}, on node {node}", call, *given)
