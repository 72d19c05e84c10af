"""The service that the tools ask: one that runs elsewhere, or that of an artifact in this process.

Both are asked by the same HTTP requests, so that they give the same answers.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from ratecast.atomic_write import write_text
from ratecast.ids import Id
from ratecast.importing.client import (
    TIMEOUT_SECONDS,
    TRANSPORT_ERRORS,
    WAIT_SECONDS,
    Client,
    seconds_to_wait,
)
from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.http.app import create_app
from ratecast.serving.http.auth import Access
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.live.served_model import LEARNED_TO
from ratecast.serving.store.database import Store
from ratecast.serving.store.lock import exclusive_lock

# Of the service of an artifact, which no network reaches.
_IN_PROCESS = "http://artifact"


class AsyncClient:
    """Asks a service without holding up other requests.

    client: whose address and token are used, and whose messages. http: sends the requests, to an
    address that it knows.
    """

    def __init__(self, client: Client, http: httpx.AsyncClient) -> None:
        self.client, self._http = client, http

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON of a path under /v1. What is None in the query is left out."""
        return await self._request("GET", path, params=_given(query))

    async def post(self, path: str, body: Any, **query: Any) -> Any:
        """The JSON that a path under /v1 gives for a body."""
        return await self._request("POST", path, json=body, params=_given(query))

    async def get_of_user(self, user: Id, path: str, **query: Any) -> Any:
        """The JSON of a path of one user, whose id is sent in the query."""
        return await self.get(f"users/-/{path}", user_id=user, **query)

    async def post_of_user(self, user: Id, path: str, body: Any) -> Any:
        """The JSON that a path of one user gives for a body."""
        return await self.post(f"users/-/{path}", body, user_id=user)

    async def _request(self, method: str, path: str, **content: Any) -> Any:
        """Waits where the service is busy or loads its model. Raises `InputError` in one line."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                answer = await self._http.request(method, f"v1/{path}", **content)
            except TRANSPORT_ERRORS as error:
                raise self.client.unreachable(error) from None
            wait = seconds_to_wait(answer)
            if wait is None or time.monotonic() + wait > until:
                return self.client.content(answer, path)
            await asyncio.sleep(wait)


@asynccontextmanager
async def of_service(client: Client) -> AsyncIterator[AsyncClient]:
    """A running service; it need not be there yet."""
    async with httpx.AsyncClient(
        base_url=client.url, headers=client.headers, timeout=TIMEOUT_SECONDS
    ) as http:
        yield AsyncClient(client, http)


@asynccontextmanager
async def of_artifact(folder: Path, home: Path) -> AsyncIterator[AsyncClient]:
    """The service of the model in `folder`, without a port, for as long as the block runs.

    home: an empty folder, which gets a copy of the artifact and the ratings that are given. Raises
    `InputError` for a folder that is no artifact, or whose model gives no valid forecasts.
    """
    artifacts = ArtifactStore(home)
    name = artifacts.publish(folder)
    # The store is empty, whatever the store was that the artifact has learned from.
    write_text(artifacts.folder(name) / LEARNED_TO, "0\n")
    store = Store(f"sqlite:///{home / 'ratings.db'}")
    try:
        with exclusive_lock(store.lock):
            app = create_app(HotSwap(artifacts, store), Access(None, secrets.token_bytes(32)))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url=_IN_PROCESS) as http,
            ):
                yield AsyncClient(Client(str(folder)), http)
    finally:
        store.close()


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
