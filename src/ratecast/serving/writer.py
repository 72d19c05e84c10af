"""Group commit: writes that arrive during a commit share the next one.

A request gets its response only after its rating is durable and the model is updated.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ratecast.ids import Id
from ratecast.serving.errors import UnavailableError
from ratecast.serving.live.state import LiveState
from ratecast.serving.metrics import Metrics
from ratecast.serving.store.database import Event, RatingEvent, RemovalEvent, Store
from ratecast.serving.store.scores import save_scores

T = TypeVar("T")

MAX_GROUP = 500


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
        self._thread = ThreadPoolExecutor(1, "writer")
        self._seq, self._commit_number = store.last_numbers()
        self._outcome_unknown = False
        self._planned: list[Event] = []

    async def write(self, request: WriteRequest) -> list[Event]:
        """The events of this request, once durable and applied. Raises `UnavailableError`."""
        pending = PendingWrite(request, asyncio.get_running_loop().create_future())
        self._pending.append(pending)
        if self._task is None:
            self._task = asyncio.create_task(self._commit_all())
        return await pending.done

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """Call `work` in the writer's thread, between two commits. Raises `UnavailableError`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)
        except (DBAPIError, PoolTimeout):
            raise UnavailableError("the store is not available") from None

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
        self._thread.shutdown()

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
            await self._catch_up()
            events = self._plan([pending.request for pending in group])
            registrations = [
                (str(pending.request.user), int(self._clock()))
                for pending in group
                if pending.request.register
            ]
            planned = [event for own in events for event in own]
            await self.save_scores(self._live.due_scores(planned))
            self._planned = planned
            self._outcome_unknown = True
            await self.run(self.store.write, self._planned, registrations)
            self._outcome_unknown = False
            self._apply(self._planned)
        except Exception as error:
            # Whatever the error is, each waiting request must get it.
            self._metrics.failures.inc()
            for pending in group:
                pending.fail(error)
            return
        for pending, own in zip(group, events, strict=True):
            if not pending.done.done():
                pending.done.set_result(own)

    def _apply(self, events: list[Event]) -> None:
        """Update the live state and the metrics with committed events."""
        self._seq = max([self._seq, *(event.seq for event in events)])
        commits = (event.commit for event in events if isinstance(event, RatingEvent))
        self._commit_number = max([self._commit_number, *commits])
        if events:
            self._live.apply(events)
            self._metrics.commits.inc()
            ratings = sum(isinstance(event, RatingEvent) for event in events)
            self._metrics.ratings.inc(ratings)
            self._metrics.removals.inc(len(events) - ratings)

    async def _catch_up(self) -> None:
        """After a commit with an unknown outcome: apply it if it was written, all or nothing."""
        if self._outcome_unknown:
            last, _ = await self.run(self.store.last_numbers)
            self._apply([event for event in self._planned if event.seq <= last])
            self._outcome_unknown = False

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
