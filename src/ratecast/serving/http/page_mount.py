"""The page beside the API, whose libraries are imported once the service is ready.

They take half as long as everything else of a start. A request of the page before that begins the
import at once, and waits for it.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from fastapi import FastAPI
from starlette.routing import Match, Mount
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ratecast.serving.errors import UnavailableError
from ratecast.serving.http.middleware import API
from ratecast.serving.http.problem_details import error_response

log = logging.getLogger("ratecast.serving")

# Makes the app of the page for that of the API.
MakePage = Callable[[FastAPI], FastAPI]
# Imports what the page needs; called in a thread.
LoadPage = Callable[[], MakePage]
GOING_AWAY = 1001


class PageMount(Mount):
    """The page's app at `/`, except for the API's paths, whose errors the API handles."""

    def matches(self, scope: Scope) -> tuple[Match, Any]:
        """Match every path that is not the API's."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if any(path == own or path.startswith(f"{own}/") for own in API):
            return Match.NONE, {}
        return super().matches(scope)


class DeferredPage:
    """ASGI app of the page. load: see `LoadPage`. api: the app beside which it is mounted."""

    def __init__(self, load: LoadPage, api: FastAPI) -> None:
        self._load, self._api = load, api
        self._loading: asyncio.Task[FastAPI] | None = None
        self._stack = AsyncExitStack()
        api.router.routes.append(PageMount("/", self))

    def begin(self) -> None:
        """Import the page, unless that has begun."""
        if self._loading is None:
            self._loading = asyncio.create_task(self._loaded())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the page once it is there."""
        self.begin()
        assert self._loading is not None
        try:
            # A client that leaves does not end it for others.
            page = await asyncio.shield(self._loading)
        except Exception:
            if scope["type"] == "websocket":
                await WebSocketClose(GOING_AWAY)(scope, receive, send)
            else:
                error = UnavailableError("the page cannot be loaded; the log says why")
                await error_response(error)(scope, receive, send)
            return
        await page(scope, receive, send)

    async def close(self) -> None:
        """End the page."""
        if self._loading is not None:
            await asyncio.wait([self._loading])
        await self._stack.aclose()

    async def _loaded(self) -> FastAPI:
        try:
            make = await asyncio.to_thread(self._load)
            page = make(self._api)
            await self._stack.enter_async_context(page.router.lifespan_context(page))
        except Exception:
            log.exception("the page cannot be loaded")
            raise
        return page
