"""Writes, gathered into commits: whoever waits is answered when the disk has the rating.

While one commit is on its way, further writes gather for the next (group commit).
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

from ratecast.serving.catalogue import Id
from ratecast.serving.errors import Later
from ratecast.serving.live.state import Live
from ratecast.serving.metrics import Measures
from ratecast.serving.store.database import Event, Given, Removed, Store

T = TypeVar("T")

MOST_AT_ONCE = 500


@dataclass(eq=False)
class Wish:
    """What one request wants written: stars of movies, movies to take back, or a whole user."""

    user: Id
    stars: Mapping[Id, float] = field(default_factory=dict)
    remove: tuple[Id, ...] = ()
    forget: bool = False
    register: bool = False


@dataclass(eq=False)
class Waiting:
    """A wish, and whoever waits for its events."""

    wish: Wish
    done: asyncio.Future[list[Event]]

    def fail(self, error: Exception) -> None:
        """Nothing was written, as far as is known."""
        if not self.done.done():
            self.done.set_exception(error)


class Ledger:
    """The one writer of a store; every commit is heard by `live` before anybody is answered."""

    def __init__(
        self,
        store: Store,
        live: Live,
        measures: Measures,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.store, self._live, self._measures, self._clock = store, live, measures, clock
        self._waiting: list[Waiting] = []
        self._busy: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, "ledger")
        self._seq, self._moment = store.last()
        self._unsure = False

    async def write(self, wish: Wish) -> list[Event]:
        """What was written for this wish, once it is durable and heard. Raises `Later`."""
        waiting = Waiting(wish, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._busy is None:
            self._busy = asyncio.create_task(self._commit_all())
        return await waiting.done

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """Something else to be done with the store, between two commits. Raises `Later`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)
        except (DBAPIError, PoolTimeout):
            raise Later("the store does not answer; ask again in a moment") from None

    async def close(self) -> None:
        """Finish what was begun."""
        if self._busy is not None:
            await self._busy
        self._thread.shutdown()

    async def _commit_all(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._next())
        finally:
            self._busy = None

    def _next(self) -> list[Waiting]:
        """Who is written now: of each user the first, so that what follows is a later moment."""
        now: dict[Id, Waiting] = {}
        later: list[Waiting] = []
        for waiting in self._waiting:
            user = waiting.wish.user
            if user in now or len(now) == MOST_AT_ONCE:
                later.append(waiting)
            else:
                now[user] = waiting
        self._waiting = later
        return list(now.values())

    async def _commit(self, group: list[Waiting]) -> None:
        try:
            await self._catch_up()
            events = self._planned([waiting.wish for waiting in group])
            fresh = [(str(w.wish.user), int(self._clock())) for w in group if w.wish.register]
            self._unsure = True
            await self.run(self.store.write, [e for own in events for e in own], fresh)
            self._unsure = False
            self._heard([event for own in events for event in own])
        except Exception as error:
            # Whatever it was, somebody waits to hear of it.
            self._measures.failures.inc()
            for waiting in group:
                waiting.fail(error)
            return
        for waiting, own in zip(group, events, strict=True):
            if not waiting.done.done():
                waiting.done.set_result(own)

    def _heard(self, events: list[Event]) -> None:
        self._seq = max([self._seq, *(event.seq for event in events)])
        self._moment = max([self._moment, *(e.moment for e in events if isinstance(e, Given))])
        if events:
            self._live.hear(events)
            self._measures.commits.inc()
            given = sum(isinstance(event, Given) for event in events)
            self._measures.ratings.inc(given)
            self._measures.removals.inc(len(events) - given)

    async def _catch_up(self) -> None:
        """After a commit of which nobody knows whether it arrived: hear it, if it did."""
        if self._unsure:
            written = await self.run(self.store.so_far, self._seq)
            self._heard([*written.removed, *written.given])
            self._unsure = False

    def _planned(self, wishes: list[Wish]) -> list[list[Event]]:
        """The events of each wish, numbered on from the last commit."""
        numbers = itertools.count(self._seq + 1)
        return [list(self._events(wish, numbers)) for wish in wishes]

    def _events(self, wish: Wish, numbers: Iterator[int]) -> Iterator[Event]:
        user = str(wish.user)
        if wish.forget:
            yield Removed(user, None, next(numbers))
            return
        own = self._live.of(wish.user) if wish.stars or wish.remove else {}
        for movie in (*wish.remove, *wish.stars):
            if movie in own:
                yield Removed(user, str(movie), next(numbers))
        if wish.stars:
            at = max(int(self._clock()), 1 + max((at or 0 for _, at in own.values()), default=0))
            for movie, stars in wish.stars.items():
                yield Given(user, str(movie), stars, at, self._moment + 1, next(numbers))
