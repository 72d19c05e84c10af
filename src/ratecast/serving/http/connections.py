"""The HTTP server, with bounds on each connection that uvicorn does not have.

uvicorn closes a connection on which no next request begins (`timeout_keep_alive`). Of a request
that has begun it bounds neither the size of the headers nor the time.
"""

import asyncio
import ipaddress
from functools import lru_cache
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ratecast.serving.errors import RequestError, UnavailableError
from ratecast.serving.http.forwarded import Proxies
from ratecast.serving.http.limits import Limits
from ratecast.serving.http.problem_details import MEDIA_TYPE, Problem

KEEP_ALIVE_SECONDS = 5
# How many ticks of uvicorn, a tenth of a second each, are between two looks at all connections.
TICKS = 5
# So many bytes of a response wait for what may follow in the same turn of the loop.
MOST_HELD = 1 << 14
HEADERS, BODY, NOTHING = "headers", "body", "nothing"


class HeadersTooLargeError(RequestError):
    """The request line and headers are over the limit: HTTP 431."""

    status, title = 431, "The headers are too large"


class NoHttpError(RequestError):
    """What was sent is no request: HTTP 400."""

    status, title = 400, "The request is not valid HTTP"


class TooSlowError(RequestError):
    """The request did not arrive in time: HTTP 408."""

    status, title = 408, "The request took too long"


class BoundedConnection(HttpToolsProtocol):
    """One connection.

    awaited: which part of a request has begun and is not there yet. since: when it began, in
    seconds of the loop. size: how many bytes of it have come. unsent: bytes of the response that
    wait for the client, and since when no fewer.
    """

    def __init__(self, *args: Any, limits: Limits, proxies: Proxies, **more: Any) -> None:
        super().__init__(*args, **more)
        self.limits, self.proxies = limits, proxies
        self.awaited, self.since, self.size = NOTHING, 0.0, 0
        self.unsent, self.unsent_since = 0, 0.0
        self.refusal: RequestError | None = None

    def connection_made(self, transport: Any) -> None:
        """Take the connection; refuse it if there are too many."""
        joined: Any = JoinedWrites(transport, self.loop)
        super().connection_made(joined)
        self._await(HEADERS)
        if self._too_many():
            self._refuse(UnavailableError("too many connections; close some"))

    def handle_websocket_upgrade(self) -> None:
        """Give the connection to web sockets, as it was."""
        joined = self.transport
        assert isinstance(joined, JoinedWrites)
        joined.flush()
        self.transport = joined.transport
        super().handle_websocket_upgrade()

    def data_received(self, data: bytes) -> None:
        """Take bytes of a request; refuse it as soon as its headers are too large."""
        if self.transport.is_closing():
            return
        if self.awaited == NOTHING:
            self._await(HEADERS)
        if self.awaited == HEADERS:
            self.size += len(data)
        super().data_received(data)
        # The parser keeps a header that does not end, and says nothing of it.
        if self.awaited == HEADERS and self.size > self.limits.headers:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        """Begin a request, which may follow another one in the same bytes."""
        if self.awaited == NOTHING:
            self._await(HEADERS)
            self.size = 1
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer, or refuse headers that came as a whole and are too large."""
        if self.size > self.limits.headers:
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            if size > self.limits.headers:
                self.refusal = self._too_large()
                # The parser stops, and `send_400_response` is called.
                raise ValueError(self.refusal.detail)
        self._await(BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self.size += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is there."""
        self.awaited = NOTHING
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not take."""
        self._refuse(self.refusal or NoHttpError(msg.rstrip(".")))

    def check(self) -> None:
        """Close the connection if the client is too slow."""
        now, limits = self.loop.time(), self.limits
        self._check_reader(now)
        took = now - self.since
        if self.awaited == HEADERS and took > limits.header_seconds:
            if not self.size:
                # Opened in advance, as browsers do: an answer would be taken for a next request's.
                return self.transport.close()
            self._refuse(TooSlowError(f"headers have {limits.header_seconds:g} seconds"))
        elif self.awaited == BODY and took > limits.body_seconds + self.size / limits.body_rate:
            more = f"and one for each {limits.body_rate} bytes"
            self._refuse(TooSlowError(f"a body has {limits.body_seconds:g} seconds, {more}"))
        return None

    def _check_reader(self, now: float) -> None:
        """Cut the connection if the client does not take its response."""
        unsent = self.transport.get_write_buffer_size()
        if not self.unsent or unsent < self.unsent:
            self.unsent_since = now
        elif now - self.unsent_since > self.limits.write_seconds:
            self.transport.abort()
        self.unsent = unsent

    def _await(self, part: str) -> None:
        self.awaited, self.since, self.size = part, self.loop.time(), 0

    def _too_large(self) -> RequestError:
        return HeadersTooLargeError(f"at most {self.limits.headers} bytes")

    def _too_many(self) -> bool:
        if len(self.connections) > self.limits.connections:
            return True
        host = self.client[0] if self.client else ""
        if _is_loopback(host) or self.proxies.trusts(host):
            return False
        peers = (getattr(each, "client", None) for each in self.connections)
        own: int = sum(peer is not None and peer[0] == host for peer in peers)
        return own > self.limits.connections_of_client

    def _refuse(self, error: RequestError) -> None:
        """Answer by a problem, unless an answer has begun, and close the connection."""
        self.awaited = NOTHING
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_answer(error))
        self.transport.close()


class JoinedWrites:
    """A transport that sends what is written in one turn of the loop by one call of the system.

    uvicorn writes headers and body one after the other, and each such call takes a tenth of the
    time of a forecast. transport: what has everything else.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self.transport, self._loop = transport, loop
        self._held: list[bytes] = []
        self._size = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Send it at the end of this turn, or now if it is much."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST_HELD:
            self.flush()

    def flush(self) -> None:
        """Send what is held."""
        if self._held:
            held, self._held, self._size = self._held, [], 0
            self.transport.write(held[0] if len(held) == 1 else b"".join(held))

    def close(self) -> None:
        """Send what is held, and close."""
        self.flush()
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn's server, which looks at all connections twice a second."""

    async def on_tick(self, counter: int) -> bool:
        """Close the connections of clients that are too slow."""
        if counter % TICKS == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedConnection):
                    connection.check()
        return await super().on_tick(counter)


def server(app: ASGIApp, limits: Limits, proxies: Proxies | None = None, **options: Any) -> Server:
    """A server of `app`. options: further ones of `uvicorn.Config`."""

    def connection(*args: Any, **more: Any) -> BoundedConnection:
        return BoundedConnection(*args, limits=limits, proxies=proxies or Proxies(), **more)

    config = uvicorn.Config(
        app,
        http=connection,  # type: ignore[arg-type]
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        ws_max_size=limits.body,
        **options,
    )
    return Server(config)


def _answer(error: RequestError) -> bytes:
    body = orjson.dumps(Problem(error.title, error.status, error.detail))
    lines = [
        f"HTTP/1.1 {error.status} {error.title}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    if isinstance(error, UnavailableError):
        lines.append(f"retry-after: {error.seconds}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


@lru_cache(4096)
def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
