"""Hot swap: load the first model, and replace the served model without a restart."""

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
from ratecast.serving.errors import RequestError
from ratecast.serving.live import acceptance_checks
from ratecast.serving.live.published import SERVING, ArtifactStore
from ratecast.serving.live.served_model import ServedModel, load
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.service import RatingService
from ratecast.serving.store.database import Store
from ratecast.serving.writer import GroupCommitWriter

T = TypeVar("T")
log = logging.getLogger("ratecast.serving")
POLL_SECONDS = 1.0
# After a rebuild, the next one waits at least REBUILD_SECONDS and REST_FACTOR times its duration.
REBUILD_SECONDS, REST_FACTOR = 5.0, 20.0


class HotSwap:
    """Watches for newly published artifacts, and loads models in a thread of its own.

    The thread is always the same, because memory that one thread has freed is seldom used again by
    another thread.
    """

    def __init__(self, artifacts: ArtifactStore, store: Store) -> None:
        self.artifacts, self.store = artifacts, store
        self._metrics = Metrics()
        self._swap_lock, self._thread = asyncio.Lock(), ThreadPoolExecutor(1, "hot_swap")
        self._next_rebuild = 0.0

    @asynccontextmanager
    async def running(
        self, ready: Callable[[RatingService], None], metrics: Metrics
    ) -> AsyncIterator[None]:
        """Load the current model, call `ready`, and watch for newer ones."""
        self._metrics = metrics
        task = asyncio.create_task(self._run(ready))
        task.add_done_callback(_log_failure)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._thread.shutdown()

    async def _run(self, ready: Callable[[RatingService], None]) -> None:
        while (live := await self._or_none(self._in_thread(self._load_first))) is None:
            await asyncio.sleep(POLL_SECONDS)
        writer = GroupCommitWriter(self.store, live, self._metrics)
        service = RatingService(live, writer, lambda: self._rebuild(live))
        try:
            self._put_in_service(live.served)
            ready(service)
            while True:
                await asyncio.sleep(POLL_SECONDS)
                await self._or_none(self._poll(live))
        finally:
            await writer.close()

    async def _in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    async def _or_none(self, work: Awaitable[T]) -> T | None:
        """The result; None where the store is not available, so that the caller tries again."""
        try:
            return await work
        except SQLAlchemyError as error:
            reason = " ".join(str(error).split())[:200]
            log.warning("store unavailable", extra={"facts": {"reason": reason}})
            return None

    def _load_first(self) -> LiveState:
        """The newest artifact that was in service before, or else the published one.

        A newer published artifact is swapped in later, after the usual checks against this one.
        """
        stored = self.store.events_since()
        names = [*self.artifacts.accepted()] or [self.artifacts.current or ""]
        for name in filter(None, names):
            try:
                served = load(self.artifacts.folder(name), stored)
                acceptance_checks.check(served, None)
            except InputError as error:
                self._refuse(name, error)
                continue
            # Includes deleted users: their ids, and so their tokens, are never given again.
            deleted = [event.user for event in stored.removals]
            users = [*self.store.registered_users(), *deleted]
            return LiveState(served, stored.ratings, users, stored.seen)
        raise InputError(f"{self.artifacts.home}: no artifact that can serve; ratecast publish DIR")

    async def _poll(self, live: LiveState) -> None:
        """Swap in a newer artifact, or rebuild the model after a rating was deleted."""
        name, now = self.artifacts.current, time.monotonic()
        if name and name != live.served.name and self._may_serve(name):
            await self._swap(live, name)
        elif live.stale and now >= self._next_rebuild:
            await self._rebuild(live)
            rest = REST_FACTOR * (time.monotonic() - now)
            self._next_rebuild = time.monotonic() + max(REBUILD_SECONDS, rest)

    def _may_serve(self, name: str) -> bool:
        return self.artifacts.verdicts().get(name) in (None, SERVING)

    async def _rebuild(self, live: LiveState) -> None:
        """Load the same artifact again, and replay only the current ratings."""
        async with self._swap_lock:
            if live.stale:
                live.swap(await self._load(live, live.served.name))
                self._metrics.rebuilds.inc()

    async def _swap(self, live: LiveState, name: str) -> None:
        async with self._swap_lock:
            try:
                served = await self._load(live, name)
                await self._in_thread(acceptance_checks.check, served, live.served)
            except (InputError, RequestError) as error:
                self._refuse(name, error)
                return
            live.swap(served)
        self._put_in_service(served)
        self._metrics.swaps.inc()

    async def _load(self, live: LiveState, name: str) -> ServedModel:
        """An artifact updated with the whole store; `live` collects the events that come later."""
        live.backlog, live.stale = [], False

        def in_thread() -> ServedModel:
            return load(self.artifacts.folder(name), self.store.events_since(), live.served)

        try:
            return await self._in_thread(in_thread)
        except BaseException:
            live.backlog, live.stale = None, True
            raise

    def _put_in_service(self, served: ServedModel) -> None:
        # The model's objects stay for long. Frozen, they add no time to later garbage collections.
        gc.collect()
        gc.freeze()
        self._metrics.ready.set(1)
        self._metrics.model.clear()
        self._metrics.model.labels(served.name, served.model.name).set(1)
        self.artifacts.record_verdict(served.name, SERVING)
        facts = {"artifact": served.name, "model": served.model.name}
        log.info("model in service", extra={"facts": facts})

    def _refuse(self, name: str, error: Exception) -> None:
        self._metrics.refused.inc()
        self.artifacts.record_verdict(name, f"refused: {error}")
        facts = {"artifact": name, "reason": str(error)}
        log.error("model refused", extra={"facts": facts})


def _log_failure(task: asyncio.Task[None]) -> None:
    """Log why the watch ended; until a restart, the service reports that it is not ready."""
    if not task.cancelled() and task.exception() is not None:
        log.error("artifact watch stopped", exc_info=task.exception())
