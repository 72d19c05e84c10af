"""Hot swap: load the first model, and replace the served model without a restart.

Whatever goes wrong with a new model, the served one goes on, and so do the writes.
"""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from ratecast.errors import InputError
from ratecast.serving.errors import UnavailableError
from ratecast.serving.live import acceptance_checks
from ratecast.serving.live.published import SERVING, ArtifactStore
from ratecast.serving.live.rebuilds import next_rebuild
from ratecast.serving.live.served_model import ServedModel, load
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.retention import Retention
from ratecast.serving.service import RatingService
from ratecast.serving.store.database import Store
from ratecast.serving.store.scores import saved_scores
from ratecast.serving.supervision import Supervised
from ratecast.serving.worker_thread import ThreadEndedError, WorkerThread
from ratecast.serving.writer import GroupCommitWriter

log = logging.getLogger("ratecast.serving")
POLL_SECONDS = 1.0


class HotSwap:
    """Watches for newly published artifacts, and loads models in a thread of its own.

    The thread is always the same, because memory that one thread has freed is seldom used again by
    another thread.

    Two parts run beside the requests, and each is started again if it ends: the watch for
    artifacts, and the care of the threads and the writer, once a second.
    """

    def __init__(self, artifacts: ArtifactStore, store: Store) -> None:
        self.artifacts, self.store = artifacts, store
        self._metrics = Metrics()
        self._swap_lock, self._thread = asyncio.Lock(), WorkerThread("hot_swap")
        self._next_rebuild = 0.0
        self._retention = Retention(artifacts, store)
        self._service: RatingService | None = None
        self._ready: Callable[[RatingService], None] = lambda _: None
        self._watch, self._care = Supervised("watch", self._run), Supervised("care", self._tend)
        # Verdicts of this process, until they are in the file; the last trouble that was logged.
        self._unwritten: dict[str, str] = {}
        self._logged = ""

    @asynccontextmanager
    async def running(
        self, ready: Callable[[RatingService], None], metrics: Metrics
    ) -> AsyncIterator[None]:
        """Load the current model, call `ready`, and watch for newer ones."""
        self._metrics, self._ready = metrics, ready
        self._watch.start()
        self._care.start()
        try:
            yield
        finally:
            await self._care.stop()
            await self._watch.stop()
            if self._service is not None:
                await self._service.writer.close()
            self._thread.close()

    async def trouble(self) -> str | None:
        """What keeps the service from its work now; None where it is ready."""
        reason = await self._trouble()
        self._metrics.ready.set(reason is None)
        return reason

    async def _trouble(self) -> str | None:
        if self._service is None:
            return "the model is loading"
        if not (self._watch.is_alive and self._thread.is_alive):
            return "the watch for new models has ended; it is started again"
        try:
            await self._service.writer.check()
        except UnavailableError as error:
            return error.detail
        return None

    async def _tend(self) -> None:
        """Once a second: start threads again that have ended, and see whether writes work."""
        while True:
            await self.trouble()
            threads = [self._thread]
            threads += [] if self._service is None else [self._service.writer.thread]
            for thread in threads:
                if not thread.is_alive:
                    log.error("a thread ended", extra={"facts": {"part": thread.name}})
                    thread.restart()
            await asyncio.sleep(POLL_SECONDS)

    async def _run(self) -> None:
        """Begin, unless the service runs already, and look for artifacts again and again."""
        while True:
            try:
                if self._service is None:
                    await self._begin()
                else:
                    await self._poll(self._service.live, self._service.writer)
                if not self._unwritten:
                    self._logged = ""
            except Exception as error:
                self._log_once(error)
            await asyncio.sleep(POLL_SECONDS)

    async def _begin(self) -> None:
        live = await self._thread.run(self._load_first)
        writer = GroupCommitWriter(self.store, live, self._metrics)
        self._service = RatingService(live, writer, lambda: self._rebuild_now(live))
        self._put_in_service(live.served)
        self._ready(self._service)

    def _log_once(self, error: Exception) -> None:
        """Log what keeps the watch from its work, where it is another thing than before."""
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        if reason != self._logged:
            foreseen = isinstance(error, InputError | SQLAlchemyError | OSError)
            facts = {"reason": reason}
            trace = None if foreseen else error
            log.error("no new model can be served", exc_info=trace, extra={"facts": facts})
        self._logged = reason

    def _load_first(self) -> LiveState:
        """The newest artifact that was in service before, or else the published one.

        A newer published artifact is swapped in later, after the usual checks against this one.
        """
        stored = self.store.events_since()
        names = self.artifacts.accepted() or self.artifacts.names()
        failed: Exception | None = None
        for name in filter(self._may_serve, names):
            try:
                served = load(self.artifacts.folder(name), stored)
                acceptance_checks.check(served, None)
            except InputError as error:
                self._refuse(name, error)
                continue
            except Exception as error:
                # It may be of the moment, as where memory is short: no verdict, another try.
                failed = error
                continue
            users = self.store.registered_users()
            live = LiveState(served, stored.ratings, users, stored.deleted, stored.seen)
            live.resume(saved_scores(self.store))
            return live
        if failed is not None:
            raise failed
        raise InputError(f"{self.artifacts.home}: no artifact that can serve; ratecast publish DIR")

    async def _poll(self, live: LiveState, writer: GroupCommitWriter) -> None:
        """Swap in a newer artifact, or rebuild the model after a rating was deleted."""
        if self._unwritten or self.artifacts.verdicts().get(live.served.name) != SERVING:
            self._record(live.served.name, SERVING)
        name, now = self.artifacts.current, time.monotonic()
        if name and name != live.served.name and self._may_serve(name):
            await self._swap(live, writer, name)
        elif live.stale and now >= self._next_rebuild:
            try:
                await self._rebuild(live)
            finally:
                self._next_rebuild = next_rebuild(now)
        await live.shadow.follow(self.artifacts.shadow, partial(self._load_shadow, live))
        await self._retention.poll(live.served.name, writer)

    def _may_serve(self, name: str) -> bool:
        verdicts = self.artifacts.verdicts() | self._unwritten
        return verdicts.get(name) in (None, SERVING)

    async def _rebuild_now(self, live: LiveState) -> None:
        """For a request that deleted a rating. Raises `UnavailableError`."""
        try:
            await self._rebuild(live)
        except Exception as error:
            self._log_once(error)
            raise UnavailableError(
                "it is deleted from the store; the model is rebuilt as soon as it can be"
            ) from None

    async def _rebuild(self, live: LiveState) -> None:
        """Load the same artifact again, and replay only the current ratings."""
        async with self._swap_lock:
            if live.stale:
                live.swap(await self._load(live, live.served.name))
                self._metrics.rebuilds.inc()

    async def _swap(self, live: LiveState, writer: GroupCommitWriter, name: str) -> None:
        async with self._swap_lock:
            was_stale = live.stale
            try:
                served = await self._load(live, name)
                await self._thread.run(acceptance_checks.check, served, live.served)
                rows, folder = live.served.recent.rows(), self.artifacts.folder(name)
                await self._thread.run(acceptance_checks.check_recent, folder, served, rows)
                # What the model that serves now has forecast: after a kill the new one could not.
                await writer.save_scores(live.due_scores(None))
            except (SQLAlchemyError, ThreadEndedError, UnavailableError):
                # Not of the artifact: it is tried again.
                live.keep_serving(was_stale)
                raise
            except Exception as error:
                live.keep_serving(was_stale)
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
            return await self._thread.run(in_thread)
        except BaseException:
            live.backlog, live.stale = None, True
            raise

    async def _load_shadow(self, live: LiveState, name: str) -> ServedModel:
        """A model to run beside the served one, after the checks of any other."""
        now = live.served

        def in_thread() -> ServedModel:
            shadow = load(self.artifacts.folder(name), self.store.events_since(), now)
            acceptance_checks.check(shadow, now)
            return shadow

        shadow = await self._thread.run(in_thread)
        shadow.add_movies(list(live.served.new_movies.values()))
        return shadow

    def _put_in_service(self, served: ServedModel) -> None:
        # The model's objects stay for long. Frozen, they add no time to later garbage collections.
        gc.collect()
        gc.freeze()
        self._metrics.model.clear()
        self._metrics.model.labels(served.name, served.model.name).set(1)
        self._record(served.name, SERVING)
        facts = {"artifact": served.name, "model": served.model.name}
        log.info("model in service", extra={"facts": facts})

    def _refuse(self, name: str, error: Exception) -> None:
        self._metrics.refused.inc()
        foreseen = isinstance(error, InputError)
        text = str(error) if foreseen else f"{name}: {type(error).__name__}: {error}"
        reason = " ".join(text.split())
        self._record(name, f"refused: {reason}")
        facts = {"artifact": name, "reason": reason}
        trace = None if foreseen else error
        log.error("model refused", exc_info=trace, extra={"facts": facts})

    def _record(self, name: str, verdict: str) -> None:
        self._unwritten[name] = verdict
        try:
            self._write_verdicts()
        except OSError as error:
            # As on a full disk; until it can be written, the verdict holds in this process.
            self._log_once(error)

    def _write_verdicts(self) -> None:
        for name, verdict in [*self._unwritten.items()]:
            self.artifacts.record_verdict(name, verdict)
            del self._unwritten[name]
