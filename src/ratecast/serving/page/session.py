"""Who sits at the browser: remembered by a signed cookie and a small file beside the store."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from nicegui import app as pages
from nicegui.client import Client
from nicegui.storage import Storage

from ratecast.serving.catalogue import Id
from ratecast.serving.errors import Forbidden, Later, TooMany
from ratecast.serving.http.auth import Access
from ratecast.serving.http.middleware import Buckets
from ratecast.serving.service import Desk

# The least id that there can be, as a number and as a word alike: nobody is given it.
STRANGER = "-999999999999999999"
USER, SINCE = "user", "since"
# Over so many, pages that were asked for and never opened in a browser are soon let go.
MOST_PAGES, UNOPENED_SECONDS = 200, 5.0


@dataclass
class House:
    """What the page has of the service: its desk, once that is ready, and who may do what."""

    app: FastAPI
    clock: Callable[[], float] = time.monotonic
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._buckets = Buckets(self.app.state.limits.rate)
        Storage.path = self.app.state.home / "visitors"

    @property
    def desk(self) -> Desk | None:
        """None until the model is ready."""
        found: Desk | None = self.app.state.desk
        return found

    @property
    def access(self) -> Access:
        """Who may do what."""
        found: Access = self.app.state.access
        return found

    @property
    def closed(self) -> bool:
        """Whether only those with a token may see and change what is a user's."""
        return self.access.token is not None

    @property
    def secret(self) -> str:
        """What cookies are signed with: void, like every token, when the service's secret is."""
        return hmac.new(self.access.secret, b"page", hashlib.sha256).hexdigest()

    def spend(self, client: str) -> None:
        """One more write of this client. Raises `TooMany`, at the rate of the API."""
        if self._buckets.rate and not self._buckets.take(client, self.clock()):
            raise TooMany(f"at most {self._buckets.rate:g} ratings a second")

    async def visitor(self) -> "Visitor":
        """Whoever asks for the page that is being made."""
        if len(Client.instances) > MOST_PAGES:
            Client.prune_instances(client_age_threshold=UNOPENED_SECONDS)
        found = Visitor(self, pages.storage.user, self._lock)
        # While the store is away, answers go on.
        with suppress(Later):
            await found.checked()
        return found


@dataclass
class Visitor:
    """One browser. kept: what is remembered of it, the same in all its tabs."""

    house: House
    kept: MutableMapping[str, Any]
    lock: asyncio.Lock

    @property
    def desk(self) -> Desk:
        """The service's desk; pages are made only once there is one."""
        desk = self.house.desk
        assert desk is not None
        return desk

    @property
    def user(self) -> Id | None:
        """Whose ratings these are; None before the first."""
        return self.kept.get(USER)

    @property
    def asks_as(self) -> Id:
        """As whom forecasts are asked for: before the first rating, as a stranger."""
        return STRANGER if self.user is None else self.user

    @property
    def may_rate(self) -> bool:
        """Whether a rating needs no token first."""
        return self.user is not None or not self.house.closed

    async def checked(self) -> None:
        """Forget who it was, if the store does not know that user any more."""
        if self.user is not None:
            ledger = self.desk.ledger
            at = await ledger.run(ledger.store.registered_at, str(self.user))
            if at != self.kept.get(SINCE):
                self.leave()

    async def known(self) -> Id:
        """The user, made now if there is none yet; one for all tabs. Raises `Later`."""
        await self.checked()
        if self.user is None:
            async with self.lock:
                await self._made()
        assert self.user is not None
        return self.user

    async def _made(self) -> None:
        # Another tab may have been quicker.
        if self.user is None:
            if self.house.closed:
                raise Forbidden("give a token first")
            await self.enter(await self.desk.new_user())

    async def enter(self, user: Id) -> None:
        """Be this user from now on."""
        ledger = self.desk.ledger
        at = await ledger.run(ledger.store.registered_at, str(user))
        self.kept.update({USER: user, SINCE: at})

    def leave(self) -> None:
        """Be nobody again; nothing is deleted."""
        for name in (USER, SINCE):
            self.kept.pop(name, None)
