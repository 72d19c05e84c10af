"""ASGI middleware: body and rate limits, security headers, access log, metrics.

Plain ASGI, because Starlette's `BaseHTTPMiddleware` takes as long as a forecast.
"""

import logging
import re
import time
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratecast.serving.errors import RateLimitedError, RequestError
from ratecast.serving.http.problem_details import error_response
from ratecast.serving.metrics import Metrics

log = logging.getLogger("ratecast.serving")

PROBES = ("/healthz", "/readyz")
# Free of the rate limit: the page's static files, of which one view loads about twenty and caches
# them, and the probes of whoever runs the service, which may share an address with its clients.
UNLIMITED = ("/_nicegui/", *PROBES)
# Where the page takes files.
UPLOADS = re.compile(r"/_nicegui/client/[^/]+/upload/\d+")
API = ("/v1", *PROBES, "/metrics", "/openapi.json")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
API_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
DOCS_POLICY = (
    b"content-security-policy",
    b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"frame-ancestors 'none'; base-uri 'none'",
)
NO_STORE = (b"cache-control", b"no-store")


class BodyTooLargeError(RequestError):
    """The request body is over the limit: HTTP 413."""

    status, title = 413, "The body is too large"


class InvalidAddressError(RequestError):
    """An address whose bytes are no text: HTTP 400."""

    status, title = 400, "The request is not valid HTTP"


@dataclass(frozen=True)
class Limits:
    """Limits of one request and one client.

    body: bytes of a request body. upload: bytes of one with which the page takes files. rate:
    requests per second and client, 0 for no limit; a burst may have twice as many. log_all: log
    every request, not only writes and errors.
    """

    body: int = 1 << 20
    upload: int = 16 << 20
    rate: float = 0.0
    log_all: bool = False


@dataclass
class TokenBuckets:
    """Rate limit by a token bucket per client: capacity 2 * rate, refilled by `rate` a second.

    levels: client to (tokens, time of the last request).
    """

    rate: float
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, client: str, now: float) -> bool:
        """Take one token; False if this client has none. now: seconds."""
        before, then = self.levels.get(client, (2 * self.rate, now))
        level = min(2 * self.rate, before + (now - then) * self.rate)
        if len(self.levels) > 10_000:
            # A bucket that was not used for two seconds is full again.
            self.levels = {c: v for c, v in self.levels.items() if now - v[1] < 2}
        self.levels[client] = (max(level - 1, 0.0) if level >= 1 else level, now)
        return level >= 1


class ServiceMiddleware:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self.app, self.limits, self.metrics = app, limits, metrics
        self.buckets = TokenBuckets(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse the request."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        start, status = time.perf_counter(), 500
        _keep_encoded(scope)
        most = self.limits.upload if UPLOADS.fullmatch(scope["path"]) else self.limits.body

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(scope["path"], message)]
            await send(message)

        try:
            refused = self._refused(scope, most)
            if refused is not None:
                await error_response(refused)(scope, receive, send_with_headers)
            else:
                await self.app(scope, _counted(receive, most), send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - start)
        return None

    def _refused(self, scope: Scope, most: int) -> RequestError | None:
        if not _is_utf8(scope):
            return InvalidAddressError("the address is not UTF-8")
        if self.limits.rate and not scope["path"].startswith(UNLIMITED):
            client = scope["client"][0] if scope["client"] else ""
            if not self.buckets.take(client, time.monotonic()):
                return RateLimitedError(f"at most {self.limits.rate:g} requests per second")
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > most:
            return BodyTooLargeError(f"at most {most} bytes")
        return None

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        # The path of an upload holds the id that authorises a page's messages.
        upload = UPLOADS.fullmatch(scope["path"])
        route = "upload" if upload else getattr(scope.get("route"), "path", "other")
        method = scope["method"] if route != "other" else "any"
        self.metrics.requests.labels(route, method, status).inc()
        self.metrics.seconds.labels(route).observe(seconds)
        if self.limits.log_all or status >= 400 or method not in ("GET", "any"):
            facts = {"method": scope["method"], "route": route, "status": status}
            log.info("request", extra={"facts": facts | {"ms": round(1000 * seconds, 2)}})


def _keep_encoded(scope: Scope) -> None:
    """Leave the path of the API percent-encoded, so that an id in it may have any character.

    Decoded before it is divided, an id with a slash would be two parts. The parts are decoded by
    the endpoints (`api.decoded`). Reference: RFC 3986, section 2.4.
    """
    if scope["path"].startswith("/v1/") and scope.get("raw_path"):
        scope["path"] = scope["raw_path"].decode("ascii")


def _is_utf8(scope: Scope) -> bool:
    """Whether path and query are UTF-8; otherwise two ids could be read as the same."""
    for encoded in (scope.get("raw_path") or b"", scope["query_string"]):
        if b"%" in encoded:
            try:
                unquote_to_bytes(encoded).decode()
            except UnicodeDecodeError:
                return False
    return True


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive` with a limit on the total body size, for bodies without a length header."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            # FastAPI replaces any other exception while it reads a body.
            raise HTTPException(413, f"at most {limit} bytes")
        return message

    return counted


def _headers(path: str, message: Message) -> list[tuple[bytes, bytes]]:
    """Security headers for this path."""
    if path.startswith(API):
        return [*SECURITY_HEADERS, API_POLICY, NO_STORE]
    present = {name for name, _ in message["headers"]}
    return (
        SECURITY_HEADERS
        if DOCS_POLICY[0] in present or not path.startswith("/docs")
        else [*SECURITY_HEADERS, DOCS_POLICY]
    )
