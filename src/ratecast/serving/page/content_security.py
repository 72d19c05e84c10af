"""What stands around the page's own app: what its browser may do, and which paths are its own."""

import base64
import hashlib
import re
from typing import Any

from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ratecast.serving.http.middleware import API

INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# Vue compiles its templates in the browser, which is what 'unsafe-eval' is for; scripts that are
# written into the document run only if they came with it, and no handler in an attribute does.
RULES = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' {}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class Rules:
    """Adds the content security policy to every HTML document that leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; an HTML document is held until its scripts are known."""
        held: list[Message] = []

        async def ruled(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    await _release(held, send)

        await self.app(scope, receive, ruled if scope["type"] == "http" else send)


async def _release(held: list[Message], send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in held[1:])
    digests = (hashlib.sha256(script).digest() for script in INLINE.findall(body))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    policy = (b"content-security-policy", RULES.format(hashes).encode())
    await send({**held[0], "headers": [*held[0]["headers"], policy]})
    await send({"type": "http.response.body", "body": body})


def _is_page(message: Message) -> bool:
    kind = dict(message["headers"]).get(b"content-type", b"")
    return bool(kind.startswith(b"text/html"))


class Beside(Mount):
    """The page's app at `/`, but for the API's paths: what is wrong there, the API says."""

    def matches(self, scope: Scope) -> tuple[Match, Any]:
        """Every other path."""
        path = scope.get("path", "")
        if any(path == own or path.startswith(f"{own}/") for own in API):
            return Match.NONE, {}
        return super().matches(scope)
