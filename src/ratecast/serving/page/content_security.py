"""Content security policy of the page."""

import base64
import hashlib
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
# 'unsafe-eval' is needed because Vue compiles its templates in the browser. Inline scripts run only
# if their hash is in the policy, and event handlers in attributes never run.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval' {}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


class ContentSecurityPolicy:
    """ASGI middleware that adds the content security policy to every HTML document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app; hold an HTML document back until all its inline scripts are known."""
        held: list[Message] = []

        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                held.append(message)
            elif not held:
                await send(message)
            else:
                held.append(message)
                if not message.get("more_body"):
                    await _release(held, send)

        await self.app(scope, receive, send_with_policy if scope["type"] == "http" else send)


async def _release(held: list[Message], send: Send) -> None:
    body = b"".join(message.get("body", b"") for message in held[1:])
    digests = (hashlib.sha256(script).digest() for script in INLINE.findall(body))
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    policy = (b"content-security-policy", POLICY.format(hashes).encode())
    await send({**held[0], "headers": [*held[0]["headers"], policy]})
    await send({"type": "http.response.body", "body": body})


def _is_page(message: Message) -> bool:
    kind = dict(message["headers"]).get(b"content-type", b"")
    return bool(kind.startswith(b"text/html"))
