"""Start the service: the settings it takes, what it refuses, and the process itself."""

import ipaddress
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson
import uvicorn

from ratecast.errors import InputError
from ratecast.serving.hot_swap import Renewal
from ratecast.serving.http.app import Page, create_app
from ratecast.serving.http.auth import Access, secret_of
from ratecast.serving.http.middleware import Limits
from ratecast.serving.live.published import Shelf
from ratecast.serving.store.database import Store, reachable
from ratecast.serving.store.lock import sole

LEAST_TOKEN = 16
GRACE_SECONDS = 5
RATE_ABROAD = 50.0
# How long an answer waits at most for a thread that makes a model ready; Python's own is 5 ms.
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True)
class Settings:
    """How the service is started.

    home: its folder. database: its address, SQLite in `home` without one. token: of the service.
    rate: requests a second of one client; None: as many as one likes on this machine, 50 from
    elsewhere. insecure: reachable from elsewhere without a token. all_lines: log every request.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database: str | None = None
    token: str | None = None
    rate: float | None = None
    insecure: bool = False
    all_lines: bool = False

    def checked(self) -> "Settings":
        """These settings, unless they would open what should be closed. Raises `InputError`."""
        if not self.local and self.token is None and not self.insecure:
            raise InputError(
                f"serve: --host {self.host} lets others in, and without a token they could change "
                "everything; give --token, or say --insecure"
            )
        if self.token is not None and len(self.token) < LEAST_TOKEN:
            raise InputError(f"serve: a token needs {LEAST_TOKEN} characters or more")
        return self

    @property
    def local(self) -> bool:
        """Whether only this machine can reach the service."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def limits(self) -> Limits:
        """What one request, and one client, may ask."""
        usual = 0.0 if self.local else RATE_ABROAD
        return Limits(rate=usual if self.rate is None else self.rate, all_lines=self.all_lines)

    @property
    def url(self) -> str:
        """Address of the database."""
        return self.database or f"sqlite:///{self.home.absolute() / 'ratings.db'}"


class Lines(logging.Formatter):
    """One JSON object a line; tokens never come near it, since no header is logged."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, what happened, and its facts."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        line = {"at": at, "level": record.levelname.lower(), "what": record.getMessage()}
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


def serve(settings: Settings, page: Callable[[], Page | None] = lambda: None) -> None:
    """Serve until the process is told to stop. page: gives what mounts the page, asked once."""
    settings.checked()
    settings.home.mkdir(parents=True, exist_ok=True)
    access = Access(settings.token, secret_of(settings.home))
    with reachable(settings.url):
        store = Store(settings.url)
    with sole(store), _port(settings) as port:
        app = create_app(Renewal(Shelf(settings.home), store), access, settings.limits, page())
        log_in_lines()
        sys.setswitchinterval(SWITCH_SECONDS)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[port])
    store.close()


@contextmanager
def _port(settings: Settings) -> Iterator[socket.socket]:
    """The port to listen at. Raises `InputError` where it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as opened:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((settings.host, settings.port))
        except OSError as error:
            raise InputError(
                f"serve: {settings.host}:{settings.port} cannot be listened at "
                f"({error.strerror}); give another --port or --host"
            ) from None
        yield opened


def log_in_lines() -> None:
    """Let everything that is logged be lines of JSON on stderr."""
    # What no line says need not be found out: a third of the time of each.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("ratecast", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
