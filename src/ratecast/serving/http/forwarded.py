"""What a proxy says of a request: the client's address, scheme and host, and the path in front.

Headers of that kind are believed only from the proxies that were named; from others they are
dropped, so that nothing behind this layer reads them. `Forwarded` (RFC 7239) is not read.
"""

import ipaddress
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from ratecast.errors import InputError

log = logging.getLogger("ratecast.serving")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Header = tuple[bytes, bytes]
# With underscores too, which an environment of CGI does not tell from hyphens.
_DROPPED = (b"x-forwarded-", b"x_forwarded_", b"forwarded")
_FOR, _PROTO = b"x-forwarded-for", b"x-forwarded-proto"
_HOST, _PREFIX = b"x-forwarded-host", b"x-forwarded-prefix"
_SCHEMES = {"http": ("http", "ws"), "https": ("https", "wss")}
_HOST_FORM = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_ROOT_FORM = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class Proxies:
    """The proxies in front. networks: their addresses. root_path: the path under which we are."""

    networks: tuple[Network, ...] = ()
    root_path: str = ""

    @classmethod
    def of(cls, addresses: str | None, root_path: str | None = None) -> "Proxies":
        """Addresses and networks with commas between them, and a path such as /ratecast.

        Raises `InputError` for something else.
        """
        given = [] if addresses is None else addresses.split(",")
        root = root_path_of(root_path or "")
        if root is None:
            raise InputError(
                f"serve: --root-path {root_path!r} is no path; give letters, digits, and any of "
                "._~- after each slash, as in /ratecast"
            )
        return cls(tuple(_network(text.strip()) for text in given), root)

    def trusts(self, host: str) -> bool:
        """Whether this is the address of a proxy."""
        return bool(self.networks) and _is_within(self.networks, host)


class ForwardedHeaders:
    """ASGI middleware, the outermost: puts what a proxy says into the scope of a request.

    The scope then has the path without `root_path`, however the proxy passes it on.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self.app, self.proxies, self.warned = app, proxies, False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the app with the client, scheme, host and root path that hold."""
        if scope["type"] in ("http", "websocket"):
            scope["root_path"] = root = self.proxies.root_path
            _strip(scope, root)
            given = [each for each in scope["headers"] if each[0].startswith(_DROPPED)]
            if given:
                self._forwarded(scope, given)
        await self.app(scope, receive, send)

    def _forwarded(self, scope: Scope, given: list[Header]) -> None:
        scope["headers"] = [each for each in scope["headers"] if each not in given]
        peer = scope["client"][0] if scope["client"] else ""
        if self.proxies.trusts(peer):
            _apply(scope, given, self.proxies)
        elif not self.warned:
            self.warned = True
            advice = f"if this is your proxy, start with --proxy {peer}"
            log.warning("headers X-Forwarded ignored", extra={"facts": {"of": peer, "do": advice}})


def root_path_of(text: str) -> str | None:
    """The path without a slash at its end, empty for none; None if it is no path."""
    root = text.rstrip("/")
    return root if _ROOT_FORM.fullmatch(root) else None


def _apply(scope: Scope, given: list[Header], proxies: Proxies) -> None:
    kind = 1 if scope["type"] == "websocket" else 0
    proto = _first(given, _PROTO).lower()
    if proto in _SCHEMES:
        scope["scheme"] = _SCHEMES[proto][kind]
    if client := _client(_values(given, _FOR), proxies):
        scope["client"] = (client, 0)
    added = []
    if _HOST_FORM.fullmatch(host := _first(given, _HOST)):
        added = [(b"host", host.encode("ascii"))]
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"host"]
    if scope["scheme"] == _SCHEMES["https"][kind]:
        # The page's socket takes the scheme of its own address from here.
        added.append((_PROTO, b"https"))
    scope["headers"] += added
    if prefix := root_path_of(_first(given, _PREFIX)):
        scope["root_path"] = prefix


def _client(hosts: list[str], proxies: Proxies) -> str | None:
    """The last address that is no proxy's, as each proxy adds the one that it was called from."""
    client = None
    for host in reversed(hosts):
        address = _address(host)
        if address is None:
            break
        client = address
        if not proxies.trusts(address):
            break
    return client


def _address(text: str) -> str | None:
    """The address in a text that may have a port; None if it has none."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _values(given: list[Header], name: bytes) -> list[str]:
    """The values of all headers of a name, which are lists with commas."""
    return [
        text for key, value in given if key == name for text in value.decode("latin-1").split(",")
    ]


def _first(given: list[Header], name: bytes) -> str:
    values = _values(given, name)
    return values[0].strip() if values else ""


def _strip(scope: Scope, root: str) -> None:
    """Take the root path off the path, where the proxy has left it there."""
    encoded = root.encode("ascii")
    path, raw = scope["path"], scope.get("raw_path") or b""
    if root and f"{path}/".startswith(f"{root}/") and (raw + b"/").startswith(encoded + b"/"):
        scope["path"] = path[len(root) :] or "/"
        scope["raw_path"] = raw[len(encoded) :] or b"/"


@lru_cache(4096)
def _is_within(networks: Sequence[Network], host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Of a socket that takes both kinds.
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in networks)


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise InputError(
            f"serve: --proxy {text!r} is no address; give one or more, with commas between them, "
            "as in 127.0.0.1,10.0.0.0/8"
        ) from None
