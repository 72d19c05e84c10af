"""Work that must not end: it is started again, after a pause that grows to a bound."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

log = logging.getLogger("ratecast.serving")

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0


class Supervised:
    """A part of the service that runs `work` as long as the service runs.

    The event loop itself starts it again, so nothing is left that would have to be watched.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self.name, self._work = name, work
        self._pause, self._began = FIRST_PAUSE, 0.0
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    @property
    def is_alive(self) -> bool:
        """Whether the work is running now, and not waiting to be started again."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Start the work, in the running event loop."""
        self._began = time.monotonic()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End the work for good."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        while self._task is not None and not self._task.done():
            # Again, should the work have taken one in.
            self._task.cancel()
            await asyncio.wait([self._task], timeout=FIRST_PAUSE)

    async def _run(self) -> None:
        await self._work()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if self._stopped:
            return
        if time.monotonic() - self._began > LONGEST_PAUSE:
            self._pause = FIRST_PAUSE
        facts = {"part": self.name, "again_in_seconds": self._pause}
        log.error("a part of the service ended", exc_info=error, extra={"facts": facts})
        self._timer = asyncio.get_running_loop().call_later(self._pause, self.start)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
