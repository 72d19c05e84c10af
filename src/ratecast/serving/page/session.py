"""The visitor of the page: a signed cookie, and a small file beside the store."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from nicegui import app as pages
from nicegui.client import Client
from nicegui.storage import Storage

from ratecast.artifact import beside
from ratecast.data.trained_table import FILE, TrainedTable
from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.serving.bias_terms import UNKNOWN
from ratecast.serving.errors import ForbiddenError, RateLimitedError, UnavailableError
from ratecast.serving.http.auth import Access
from ratecast.serving.http.limits import TokenBuckets
from ratecast.serving.item_words import ItemWord
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.page.table_scores import TableScores
from ratecast.serving.service import RatingService

UNKNOWN_USER = UNKNOWN
USER, SINCE = "user", "since"
# With more pages than this, those that no browser has opened are dropped soon.
MAX_PAGES, UNOPENED_SECONDS = 200, 5.0


@dataclass
class PageContext:
    """What the views share: the service, access checks, limits.

    word: what the items are called, if not as the served table says. scores: of a comparison.
    """

    app: FastAPI
    word: ItemWord | None = None
    scores: TableScores | None = None
    clock: Callable[[], float] = time.monotonic
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Matching a file takes a thread for seconds, and few may run beside the forecasts.
    matching: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))

    def __post_init__(self) -> None:
        self._buckets = TokenBuckets(self.app.state.limits.rate)
        Storage.path = self.app.state.home / "visitors"

    @property
    def service(self) -> RatingService | None:
        """None until the first model is loaded."""
        service: RatingService | None = self.app.state.service
        return service

    @property
    def table(self) -> TrainedTable | None:
        """What the served model was trained on; None where that is not known."""
        if self.service is None:
            return None
        artifacts = ArtifactStore(self.app.state.home)
        return _table_of(artifacts.folder(self.service.live.served.name))

    @property
    def items(self) -> ItemWord:
        """What the items of the served table are called."""
        column = None if self.table is None else self.table.item_column
        return self.word or (ItemWord() if column is None else ItemWord.of_column(column))

    @property
    def access(self) -> Access:
        """Checks tokens."""
        access: Access = self.app.state.access
        return access

    @property
    def requires_token(self) -> bool:
        """Whether a user's data needs a token."""
        return self.access.token is not None

    @property
    def secret(self) -> str:
        """Key that signs cookies; derived from the service's secret."""
        return hmac.new(self.access.secret, b"page", hashlib.sha256).hexdigest()

    def limit_rate(self, client: str) -> None:
        """Count one write of this client. Raises `RateLimitedError` above the limit of the API."""
        if self._buckets.rate and not self._buckets.take(client, self.clock()):
            raise RateLimitedError(f"at most {self._buckets.rate:g} ratings a second")

    async def visitor(self) -> "Visitor":
        """The visitor who requests the current page."""
        if len(Client.instances) > MAX_PAGES:
            Client.prune_instances(client_age_threshold=UNOPENED_SECONDS)
        visitor = Visitor(self, pages.storage.user, self._lock)
        # Forecasts work while the store is not available.
        with suppress(UnavailableError):
            await visitor.forget_deleted_user()
        return visitor


@dataclass
class Visitor:
    """One browser. storage: its session data, shared by all its tabs."""

    context: PageContext
    storage: MutableMapping[str, Any]
    lock: asyncio.Lock

    @property
    def service(self) -> RatingService:
        """The service; views are shown only after it is ready."""
        service = self.context.service
        assert service is not None
        return service

    @property
    def items(self) -> ItemWord:
        """What the items of the served table are called."""
        return self.context.items

    @property
    def user(self) -> Id | None:
        """The user id of this browser; None before the first rating."""
        return self.storage.get(USER)

    @property
    def forecast_user(self) -> Id:
        """The user id for forecasts: an unknown one before the first rating."""
        return UNKNOWN_USER if self.user is None else self.user

    @property
    def may_rate(self) -> bool:
        """Whether the visitor may rate without entering a token."""
        return self.user is not None or not self.context.requires_token

    async def forget_deleted_user(self) -> None:
        """Sign out if the user was deleted from the store."""
        if self.user is not None:
            writer = self.service.writer
            at = await writer.run(writer.store.registered_at, str(self.user))
            if at != self.storage.get(SINCE):
                self.sign_out()

    async def ensure_user(self) -> Id:
        """The user id; registers a new user if there is none. Raises `UnavailableError`."""
        await self.forget_deleted_user()
        if self.user is None:
            async with self.lock:
                await self._register()
        assert self.user is not None
        return self.user

    async def _register(self) -> None:
        # Another tab may have registered the user meanwhile.
        if self.user is None:
            if self.context.requires_token:
                raise ForbiddenError("a token is required")
            await self.sign_in(await self.service.new_user())

    async def sign_in(self, user: Id) -> None:
        """Use this user id from now on."""
        writer = self.service.writer
        at = await writer.run(writer.store.registered_at, str(user))
        self.storage.update({USER: user, SINCE: at})

    def sign_out(self) -> None:
        """Remove the user id from the browser; no rating is deleted."""
        for name in (USER, SINCE):
            self.storage.pop(name, None)


@lru_cache(8)
def _table_of(folder: Path) -> TrainedTable | None:
    try:
        file = beside(folder, FILE)
    except InputError:
        # Changed since the model was loaded.
        return None
    return None if file is None else TrainedTable.read(file)
