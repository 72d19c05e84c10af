"""One thread that does one piece of work after another, and that can be started again."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple["Future[Any]", Callable[..., Any], tuple[Any, ...]]


class ThreadEndedError(RuntimeError):
    """The thread ended before it had done the work."""


class WorkError(RuntimeError):
    """What work raised that is no `Exception`, such as a panic of a library."""


class WorkerThread:
    """A thread called `name`. Work that fails does not end it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._now: Future[Any] | None = None
        self._thread = self._started()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call `work` in the thread. Raises `ThreadEndedError`, and what `work` raises."""
        if not self.is_alive:
            raise ThreadEndedError(f"the thread {self.name} has ended")
        future: Future[T] = Future()
        self._queue.put((future, work, arguments))
        return await asyncio.wrap_future(future)

    def restart(self) -> None:
        """Start a new thread in place of one that has ended; the work that it left fails."""
        queue, now = self._queue, self._now
        self._queue, self._now = SimpleQueue(), None
        self._thread = self._started()
        left = [] if now is None else [now]
        while not queue.empty():
            left += [item[0] for item in [queue.get()] if item is not None]
        for future in left:
            if not future.done():
                future.set_exception(ThreadEndedError(f"the thread {self.name} has ended"))

    def close(self) -> None:
        """Do the work that was given, and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _started(self) -> Thread:
        # A daemon, so that work without an end does not keep the process.
        thread = Thread(target=self._work, args=(self._queue,), name=self.name, daemon=True)
        thread.start()
        return thread

    def _work(self, queue: "SimpleQueue[_Work | None]") -> None:
        while (item := queue.get()) is not None:
            self._now, work, arguments = item
            if not self._now.set_running_or_notify_cancel():
                continue
            try:
                self._now.set_result(work(*arguments))
            except Exception as error:
                self._now.set_exception(error)
            except BaseException as error:
                # As it is, it would end the event loop or the task that waits.
                self._now.set_exception(WorkError(f"{type(error).__name__}: {error}"))
            self._now = None
            # What is not needed any more may be large.
            del item, work, arguments
