"""What every request passes first: limits, safe headers, a line in the log, a mark in the measures.

Plain ASGI, since a wrapper in a task of its own would cost as much as a forecast.
"""

import logging
import time
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratecast.serving.errors import Refusal, TooMany
from ratecast.serving.http.problem_details import refusal
from ratecast.serving.metrics import Measures

log = logging.getLogger("ratecast.serving")

# Files of the page, of which one view needs a score; a browser keeps them.
ASSETS = "/_nicegui/"
API = ("/v1", "/healthz", "/readyz", "/metrics", "/openapi.json")
SAFE = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
NOTHING = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
OWN = (
    b"content-security-policy",
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"frame-ancestors 'none'; base-uri 'none'",
)
FRESH = (b"cache-control", b"no-store")


class TooLarge(Refusal):
    """A body over the limit."""

    status, title = 413, "The body is too large"


@dataclass(frozen=True)
class Limits:
    """What one request, and one client, may ask.

    body: bytes of a request. rate: requests a second of one client, 0 for no limit; twice as
    many at once. all_lines: log every request, not only writes and errors.
    """

    body: int = 1 << 20
    rate: float = 0.0
    all_lines: bool = False


@dataclass
class Buckets:
    """How much each client may still ask, filled again as time goes on (a token bucket)."""

    rate: float
    left: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, client: str, now: float) -> bool:
        """Whether this client may ask once more."""
        had, then = self.left.get(client, (2 * self.rate, now))
        has = min(2 * self.rate, had + (now - then) * self.rate)
        if len(self.left) > 10_000:
            self.left = {c: v for c, v in self.left.items() if now - v[1] < 2}
        self.left[client] = (max(has - 1, 0.0) if has >= 1 else has, now)
        return has >= 1


class Front:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, limits: Limits, measures: Measures) -> None:
        self.app, self.limits, self.measures = app, limits, measures
        self.buckets = Buckets(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, status = time.perf_counter(), 500

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(scope["path"], message)]
            await send(message)

        try:
            refused = self._refused(scope)
            if refused is not None:
                await refusal(refused)(scope, receive, answered)
            else:
                await self.app(scope, _counted(receive, self.limits.body), answered)
        finally:
            self._note(scope, status, time.perf_counter() - start)
        return None

    def _refused(self, scope: Scope) -> Refusal | None:
        if self.limits.rate and not scope["path"].startswith(ASSETS):
            client = scope["client"][0] if scope["client"] else ""
            if not self.buckets.take(client, time.monotonic()):
                return TooMany(f"at most {self.limits.rate:g} requests a second")
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self.limits.body:
            return TooLarge(f"at most {self.limits.body} bytes")
        return None

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" else "any"
        self.measures.requests.labels(route, method, status).inc()
        self.measures.seconds.labels(route).observe(seconds)
        if self.limits.all_lines or status >= 400 or method not in ("GET", "any"):
            facts = {"method": scope["method"], "route": route, "status": status}
            log.info("request", extra={"facts": facts | {"ms": round(1000 * seconds, 2)}})


def _counted(receive: Receive, most: int) -> Receive:
    """`receive`, which refuses a body that grows over the limit while it comes."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > most:
            # Of all errors, this one FastAPI lets through while it reads a body.
            raise HTTPException(413, f"at most {most} bytes")
        return message

    return counted


def _headers(path: str, message: Message) -> list[tuple[bytes, bytes]]:
    """Headers that keep a browser from doing what nobody asked for."""
    if path.startswith(API):
        return [*SAFE, NOTHING, FRESH]
    present = {name for name, _ in message["headers"]}
    return SAFE if OWN[0] in present or not path.startswith("/docs") else [*SAFE, OWN]
