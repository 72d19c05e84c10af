"""From nothing to a model that serves, and from one model to the next, without a stop."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from ratecast.errors import InputError
from ratecast.serving.errors import Refusal
from ratecast.serving.live import acceptance
from ratecast.serving.live.published import SERVING, Shelf
from ratecast.serving.live.served_model import Loaded, load
from ratecast.serving.live.state import Live
from ratecast.serving.metrics import Measures
from ratecast.serving.service import Desk
from ratecast.serving.store.database import Store
from ratecast.serving.writer import Ledger

T = TypeVar("T")
log = logging.getLogger("ratecast.serving")
LOOK_SECONDS = 1.0
REBUILD_SECONDS, RESTING = 5.0, 20.0


class Renewal:
    """Watches the shelf, and makes models ready in a thread of their own.

    It is always the same thread: each has memory of its own, which one model after another can use
    again, but no other thread's.
    """

    def __init__(self, shelf: Shelf, store: Store) -> None:
        self.shelf, self.store = shelf, store
        self._measures = Measures()
        self._one, self._thread = asyncio.Lock(), ThreadPoolExecutor(1, "renewal")
        self._rest = 0.0

    @asynccontextmanager
    async def running(
        self, ready: Callable[[Desk], None], measures: Measures
    ) -> AsyncIterator[None]:
        """Make the present model ready, tell `ready`, and watch for newer ones."""
        self._measures = measures
        task = asyncio.create_task(self._run(ready))
        task.add_done_callback(_say_why)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._thread.shutdown()

    async def _run(self, ready: Callable[[Desk], None]) -> None:
        while (live := await self._tried(self._beside(self._first))) is None:
            await asyncio.sleep(LOOK_SECONDS)
        ledger = Ledger(self.store, live, self._measures)
        desk = Desk(live, ledger, lambda: self._again(live))
        try:
            self._in_force(live.loaded)
            ready(desk)
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                await self._tried(self._look(live))
        finally:
            await ledger.close()

    async def _beside(self, work: Callable[..., T], *given: Any) -> T:
        """What takes long, in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)

    async def _tried(self, work: Awaitable[T]) -> T | None:
        """What it gives; where the store does not answer, it is tried again later."""
        try:
            return await work
        except SQLAlchemyError as error:
            log.warning("store away", extra={"facts": {"why": " ".join(str(error).split())[:200]}})
            return None

    def _first(self) -> Live:
        """The newest artifact that has served before; only without one, what was published.

        A newer one is taken up like any other, once this one serves.
        """
        written = self.store.so_far()
        names = [*self.shelf.served()] or [self.shelf.current or ""]
        for name in filter(None, names):
            try:
                loaded = load(self.shelf.folder(name), written)
                acceptance.check(loaded, None)
            except InputError as error:
                self._refuse(name, error)
                continue
            # Who was forgotten counts as well: an id, and its token, is nobody else's ever.
            gone = [event.user for event in written.removed]
            return Live(loaded, written.given, [*self.store.registered(), *gone])
        raise InputError(f"{self.shelf.home}: no artifact that can serve; ratecast publish DIR")

    async def _look(self, live: Live) -> None:
        """Take up a newer artifact, or forget what was taken back since this one was made ready."""
        name, now = self.shelf.current, time.monotonic()
        if name and name != live.loaded.name and self.shelf.verdicts().get(name) in (None, SERVING):
            await self._renew(live, name)
        elif live.stale and now >= self._rest:
            await self._again(live)
            self._rest = time.monotonic() + max(REBUILD_SECONDS, RESTING * (time.monotonic() - now))

    async def _again(self, live: Live) -> None:
        """The same artifact, told only of what is in force now."""
        async with self._one:
            if live.stale:
                live.swap(await self._made(live, live.loaded.name))
                self._measures.rebuilds.inc()

    async def _renew(self, live: Live, name: str) -> None:
        async with self._one:
            try:
                loaded = await self._made(live, name)
                await self._beside(acceptance.check, loaded, live.loaded)
            except (InputError, Refusal) as error:
                self._refuse(name, error)
                return
            live.swap(loaded)
        self._in_force(loaded)
        self._measures.swaps.inc()

    async def _made(self, live: Live, name: str) -> Loaded:
        """An artifact, told of everything in the store; `live` notes down what comes meanwhile."""
        live.since, live.stale = [], False

        def make() -> Loaded:
            return load(self.shelf.folder(name), self.store.so_far(), live.loaded)

        try:
            return await self._beside(make)
        except BaseException:
            live.since, live.stale = None, True
            raise

    def _in_force(self, loaded: Loaded) -> None:
        # What stands now stays: to look through it for garbage would hold up answers.
        gc.collect()
        gc.freeze()
        self._measures.ready.set(1)
        self._measures.model.clear()
        self._measures.model.labels(loaded.name, loaded.model.name).set(1)
        self.shelf.judge(loaded.name, SERVING)
        log.info("serving", extra={"facts": {"artifact": loaded.name, "model": loaded.model.name}})

    def _refuse(self, name: str, error: Exception) -> None:
        self._measures.refused.inc()
        self.shelf.judge(name, f"refused: {error}")
        log.error("refused", extra={"facts": {"artifact": name, "why": str(error)}})


def _say_why(task: asyncio.Task[None]) -> None:
    """The service goes on answering that it is not ready; the log says why."""
    if not task.cancelled() and task.exception() is not None:
        log.error("stopped watching", exc_info=task.exception())
