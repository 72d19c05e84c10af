"""ASGI middleware: body and rate limits, security headers, access log, metrics.

Plain ASGI, because Starlette's `BaseHTTPMiddleware` takes as long as a forecast.
"""

import logging
import re
import time
from urllib.parse import unquote_to_bytes, urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratecast.serving.errors import RateLimitedError, RequestError
from ratecast.serving.http.limits import Limits, TokenBuckets
from ratecast.serving.http.problem_details import error_response
from ratecast.serving.metrics import Metrics

log = logging.getLogger("ratecast.serving")

PROBES = ("/healthz", "/readyz")
# Free of the rate limit: the page's static files, of which one view loads about twenty and caches
# them, and the probes of whoever runs the service, which may share an address with its clients.
UNLIMITED = ("/_nicegui/", *PROBES)
# Where the page takes files.
UPLOADS = re.compile(r"/_nicegui/client/[^/]+/upload/\d+")
_ROOT_OF_COOKIE = re.compile(rb";\s*path=/(?=;|$)", re.IGNORECASE)
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
# The page's files, whose address has their version. NiceGUI knows them by a path without root.
_ASSET = re.compile(r"/_nicegui/[^/]+/(static|libraries|components|resources|esm)/")
_KEPT = (b"cache-control", b"public, max-age=31536000, immutable")


class BodyTooLargeError(RequestError):
    """The request body is over the limit: HTTP 413."""

    status, title = 413, "The body is too large"


class InvalidAddressError(RequestError):
    """An address whose bytes are no text: HTTP 400."""

    status, title = 400, "The request is not valid HTTP"


class ServiceMiddleware:
    """The layer around the app, within that of the proxies' headers.

    It gets the path without the root path, which the app gets in front of it.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        self.app, self.limits, self.metrics = app, limits, metrics
        self.buckets = TokenBuckets(limits.rate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app, or refuse the request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                _add_root(scope)
            return await self.app(scope, receive, send)
        start, status, method = time.perf_counter(), 500, scope["method"]
        _keep_encoded(scope)
        # What the app does to the scope is of the part that answers.
        path, root = scope["path"], scope.get("root_path", "")
        most = self.limits.upload if _is_upload(path) else self.limits.body
        if method == "HEAD":
            # A copy, as the server looks at its own for whether a body is sent.
            scope = {**scope, "method": "GET"}

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [_adapted(header, scope, path, root) for header in message["headers"]]
                message["headers"] = [*own, *_headers(path, message)]
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        try:
            refused = self._refused(scope, most)
            _add_root(scope)
            if refused is not None:
                await error_response(refused)(scope, receive, send_with_headers)
            else:
                await self.app(scope, _counted(receive, most), send_with_headers)
        finally:
            self._record(scope, (path, method, status), time.perf_counter() - start)
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

    def _record(self, scope: Scope, about: tuple[str, str, int], seconds: float) -> None:
        """Count the request, and log it. about: path, method and status."""
        path, verb, status = about
        # The path of an upload holds the id that authorises a page's messages.
        upload = _is_upload(path)
        route = "upload" if upload else getattr(scope.get("route"), "path", "other")
        method = verb if route != "other" else "any"
        self.metrics.count((route, method, str(status)), seconds)
        if self.limits.log_all or status >= 400 or method not in ("GET", "HEAD", "any"):
            facts = {"method": verb, "route": route, "status": status}
            log.info("request", extra={"facts": facts | {"ms": round(1000 * seconds, 2)}})


def _is_upload(path: str) -> bool:
    return path.startswith("/_nicegui/client/") and UPLOADS.fullmatch(path) is not None


def _keep_encoded(scope: Scope) -> None:
    """Leave the path of the API percent-encoded, so that an id in it may have any character.

    Decoded before it is divided, an id with a slash would be two parts. The parts are decoded by
    the endpoints (`api.decoded`). Reference: RFC 3986, section 2.4.
    """
    if scope["path"].startswith("/v1/") and scope.get("raw_path"):
        scope["path"] = scope["raw_path"].decode("ascii")


def _add_root(scope: Scope) -> None:
    """Put the root path in front of the path, where ASGI has it."""
    root = scope.get("root_path")
    if root:
        scope["path"] = root + scope["path"]
        scope["raw_path"] = root.encode("ascii") + (scope.get("raw_path") or b"")


def _adapted(
    header: tuple[bytes, bytes], scope: Scope, path: str, root: str
) -> tuple[bytes, bytes]:
    """A header of a response: redirects without scheme and host, cookies for our path only.

    Behind TLS a cookie is secure. With HEAD, which every path with GET takes, `Allow` names both.
    path: of the request, without the root path. root: that path.
    """
    name, value = header
    if name == b"location":
        # A proxy may have changed both.
        parts = urlsplit(value.decode("latin-1"))
        if parts.netloc.encode("latin-1") == dict(scope["headers"]).get(b"host"):
            value = parts._replace(scheme="", netloc="").geturl().encode("latin-1")
    elif name == b"set-cookie":
        value = _ROOT_OF_COOKIE.sub(b"; path=" + (root or "/").encode("ascii"), value, count=1)
        value += b"; secure" if scope["scheme"] == "https" else b""
    elif name == b"allow" and value == b"GET":
        value = b"GET, HEAD"
    elif name == _KEPT[0] and _ASSET.match(path):
        value = _KEPT[1]
    return name, value


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
    headers = [*SECURITY_HEADERS]
    if path.startswith("/docs") and DOCS_POLICY[0] not in present:
        headers.append(DOCS_POLICY)
    if _ASSET.match(path) and message["status"] == 200 and _KEPT[0] not in present:
        headers.append(_KEPT)
    return headers
