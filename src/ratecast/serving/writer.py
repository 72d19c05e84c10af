"""Group commit: writes that arrive during a commit share the next one.

A request gets its response only after its rating is durable and the model is updated.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.serving.errors import RequestError, UnavailableError
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.store.database import Event, RatingEvent, RemovalEvent, Store, StoredEvents
from ratecast.serving.store.lock import LockedElsewhereError, LostLockError
from ratecast.serving.store.scores import save_scores
from ratecast.serving.worker_thread import ThreadEndedError, WorkerThread

T = TypeVar("T")
log = logging.getLogger("ratecast.serving")

MAX_GROUP = 500
CHECK_SECONDS = 3.0
# What a client gets to read; the log says more.
_DETAILS: dict[type[Exception], str] = {
    LockedElsewhereError: "another service writes to the store",
    LostLockError: "the lock of the store was lost; it is taken again",
    ThreadEndedError: "the writer has ended; it is started again",
}


@dataclass(eq=False)
class WriteRequest:
    """What one request writes.

    stars: movie to stars. remove: movies whose rating is deleted. forget: delete the user.
    register: a new user.
    """

    user: Id
    stars: Mapping[Id, float] = field(default_factory=dict)
    remove: tuple[Id, ...] = ()
    forget: bool = False
    register: bool = False


@dataclass(eq=False)
class PendingWrite:
    """A write request, and the future of its events."""

    request: WriteRequest
    done: asyncio.Future[list[Event]]

    def fail(self, error: Exception) -> None:
        """The commit failed."""
        if not self.done.done():
            self.done.set_exception(error)


class GroupCommitWriter:
    """The only writer of a store. It applies each commit to `live`, then resolves the requests.

    clock: UTC seconds.
    """

    def __init__(
        self,
        store: Store,
        live: LiveState,
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self._live, self._metrics, self._clock = store, live, metrics, clock
        self._pending: list[PendingWrite] = []
        self._task: asyncio.Task[None] | None = None
        self.thread = WorkerThread("writer")
        self._seq, self._commit_number = live.served.last_seq, 0
        # What the store holds beyond `live`: after a commit that failed, and at first.
        self._behind = True
        self._trouble: str | None = None

    async def write(self, request: WriteRequest) -> list[Event]:
        """The events of this request, once durable and applied. Raises `UnavailableError`."""
        pending = PendingWrite(request, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._commit_all())
        return await pending.done

    async def check(self) -> None:
        """Raise `UnavailableError` if a write would be refused now, with the reason."""
        try:
            # Not `wait_for`: in Python 3.11 it may take in that the caller is cancelled.
            async with asyncio.timeout(CHECK_SECONDS):
                await self.write(WriteRequest(""))
        except TimeoutError:
            raise UnavailableError("the writer does not answer") from None

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call `work` in the writer's thread, between two commits. Raises `UnavailableError`."""
        try:
            return await self.thread.run(work, *arguments)
        except RequestError:
            raise
        except Exception as error:
            raise self._unavailable(error) from None

    async def save_scores(self, due: bytes | None) -> None:
        """Save what is due of the scores. Raises `UnavailableError`."""
        if due is not None:
            seq = self._live.quality.scores.seq
            await self.run(save_scores, self.store, due)
            self._live.quality.was_saved(seq)

    async def close(self) -> None:
        """Finish the pending writes, and stop the thread."""
        if self._task is not None:
            await self._task
        self.thread.close()

    def _unavailable(self, error: Exception) -> UnavailableError:
        """What the client gets for an error, which is logged if it is another than before."""
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        if reason != self._trouble:
            foreseen = isinstance(error, SQLAlchemyError | OSError | InputError | LostLockError)
            trace = None if foreseen else error
            log.error("writes are refused", exc_info=trace, extra={"facts": {"reason": reason}})
        self._trouble = reason
        return UnavailableError(_DETAILS.get(type(error), "the store is not available"))

    async def _commit_all(self) -> None:
        try:
            while self._pending:
                await self._commit(self._next_group())
        finally:
            self._task = None

    def _next_group(self) -> list[PendingWrite]:
        """The writes of the next commit: at most one per user, so that each has its own second."""
        group: dict[Id, PendingWrite] = {}
        later: list[PendingWrite] = []
        for pending in self._pending:
            user = pending.request.user
            if user in group or len(group) == MAX_GROUP:
                later.append(pending)
            else:
                group[user] = pending
        self._pending = later
        return list(group.values())

    async def _commit(self, group: list[PendingWrite]) -> None:
        try:
            if self._behind:
                await self._catch_up()
            events = await self._written([pending.request for pending in group])
        except BaseException as error:
            # Whatever the error is, each waiting request must get one.
            self._metrics.failures.inc()
            known = error if isinstance(error, RequestError) else None
            for pending in group:
                pending.fail(known or self._unavailable(_exception(error)))
            if not isinstance(error, Exception):
                raise
            return
        if self._trouble is not None:
            self._trouble = None
            log.info("writes are accepted again")
        for pending, own in zip(group, events, strict=True):
            if not pending.done.done():
                pending.done.set_result(own)

    async def _written(self, requests: list[WriteRequest]) -> list[list[Event]]:
        """Commit what is requested, and apply it; the events of each request."""
        events = self._plan(requests)
        new = [(str(r.user), int(self._clock())) for r in requests if r.register]
        together = [event for own in events for event in own]
        # Before anything is written: whatever fails, the lock and the store are looked at again.
        self._behind = True
        await self.save_scores(self._live.due_scores(together))
        if together or new:
            await self.run(self.store.write, together, new)
        else:
            await self.run(self._check_store)
        self._behind = False
        self._apply(together)
        return events

    def _check_store(self) -> None:
        self.store.check(by_writing=self._trouble is not None)

    def _apply(self, events: list[Event]) -> None:
        """Update the live state and the metrics with committed events."""
        self._seq = max([self._seq, *(event.seq for event in events)])
        commits = (event.commit for event in events if isinstance(event, RatingEvent))
        self._commit_number = max([self._commit_number, *commits])
        if events:
            try:
                self._live.apply(events)
            except Exception:
                # They are durable: a model that cannot apply them is built anew from the store.
                log.exception("the model is rebuilt")
                self._live.stale = True
            self._metrics.commits.inc()
            ratings = sum(isinstance(event, RatingEvent) for event in events)
            self._metrics.ratings.inc(ratings)
            self._metrics.removals.inc(len(events) - ratings)

    async def _catch_up(self) -> None:
        """Hold the lock, and know all that the store holds, before numbers are assigned.

        What is new there is a commit of unknown outcome, or of a service that had the lock.
        """
        stored, commit, users = await self.run(self._read)
        self._live.register(users)
        self._live.add_movies(stored.movies)
        self._live.mark_all_seen(stored.seen)
        self._apply([*self._live.deletions(stored.deleted), *stored.removals, *stored.ratings])
        self._seq = max(self._seq, stored.last)
        self._commit_number = max(self._commit_number, commit)
        self._behind = False

    def _read(self) -> tuple[StoredEvents, int, list[str]]:
        """In the thread: the events after those that are known, commit number and users."""
        if not self.store.lock.held():
            self.store.lock.take()
        stored = self.store.events_since(self._seq)
        return stored, self.store.last_numbers()[1], self.store.registered_users()

    def _plan(self, requests: list[WriteRequest]) -> list[list[Event]]:
        """The events of each request, with the sequence numbers that follow the last commit."""
        numbers = itertools.count(self._seq + 1)
        return [list(self._events(request, numbers)) for request in requests]

    def _events(self, request: WriteRequest, numbers: Iterator[int]) -> Iterator[Event]:
        user = str(request.user)
        if request.forget:
            yield RemovalEvent(user, None, next(numbers))
            return
        writes = request.stars or request.remove
        current = self._live.ratings_of(request.user) if writes else {}
        for movie in (*request.remove, *request.stars):
            if movie in current:
                yield RemovalEvent(user, str(movie), next(numbers))
        if request.stars:
            # Later than every rating of the user, so that the commits of a user have an order.
            last = max((at or 0 for _, at in current.values()), default=0)
            at, commit = max(int(self._clock()), 1 + last), self._commit_number + 1
            for movie, stars in request.stars.items():
                yield RatingEvent(user, str(movie), stars, at, commit, next(numbers))


def _exception(error: BaseException) -> Exception:
    """An error that a future can hold."""
    return error if isinstance(error, Exception) else RuntimeError(repr(error))
