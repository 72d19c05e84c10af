"""Calls that are computed by the workers of a place, with one progress bar."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, as_completed
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from ratecast.progress import bar
from ratecast.workers.contract import Pool
from ratecast.workers.local import require_importable
from ratecast.workers.place import LOCAL, Place
from ratecast.workers.pool import pool

K = TypeVar("K")
T = TypeVar("T")


class Labelled(NamedTuple):
    """What a progress bar and messages call the calls. unit: what is counted, in the plural."""

    title: str
    unit: str


def computed(
    calls: Mapping[K, Callable[[], T]],
    place: Place,
    about: Labelled,
    *,
    folders: Collection[Path] = (),
) -> Iterator[tuple[K, T]]:
    """The result of each call as it is ready; in this process where the place is one local job.

    calls: by what messages call them, as text. folders: see `pool`.
    """
    if place != LOCAL:
        require_importable(list(calls.values()), about.title)
    with pool(place, folders=folders) as workers:
        yield from gathered(workers, {key: (call,) for key, call in calls.items()}, about)


def gathered(
    workers: Pool, calls: Mapping[K, tuple[Any, ...]], about: Labelled
) -> Iterator[tuple[K, Any]]:
    """The result of each call as it is ready. calls: function and arguments, by their name.

    No more are submitted than the workers can begin soon, so that memory does not grow with them.
    """
    # One that is the calling process is at work in `submit`.
    most = 1 if workers.count == 1 else 2 * workers.count
    waiting = iter(calls.items())
    pending: dict[Future[Any], K] = {}

    def submit() -> None:
        for key, (call, *given) in waiting:
            pending[workers.submit(f"{about.title}: {key}", call, *given)] = key
            if len(pending) >= most:
                return

    with bar(about.title, len(calls), unit=about.unit) as progress:
        submit()
        while pending:
            future = next(as_completed(pending))
            key = pending.pop(future)
            yield key, future.result()
            progress.advance()
            submit()


def in_order(found: Iterable[tuple[K, T]], keys: Iterable[K]) -> Iterator[tuple[K, T]]:
    """Results in the order of their keys; what is ready too early waits."""
    results: dict[K, T] = {}
    left = deque(keys)
    for ready, result in found:
        results[ready] = result
        while left and left[0] in results:
            key = left.popleft()
            yield key, results.pop(key)
