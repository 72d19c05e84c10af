"""Start the service: settings, checks, JSON log, and the server process."""

import ipaddress
import logging
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import orjson
import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.http.app import create_app
from ratecast.serving.http.auth import Access, signing_secret
from ratecast.serving.http.connections import server
from ratecast.serving.http.forwarded import Proxies
from ratecast.serving.http.limits import Limits
from ratecast.serving.http.page_mount import LoadPage
from ratecast.serving.live.published import KEEP, ArtifactStore
from ratecast.serving.private_files import private_home
from ratecast.serving.store.database import Store
from ratecast.serving.store.engine import reachable
from ratecast.serving.store.lock import exclusive_lock
from ratecast.systems import bound_socket, checked_port
from ratecast.visible_text import in_json

MIN_TOKEN_LENGTH = 16
GRACE_SECONDS = 5
REMOTE_RATE = 50.0
# Thread switch interval, so that loading a model does not delay requests. Python's default is 5 ms.
SWITCH_SECONDS = 0.0005


@dataclass(frozen=True)
class Settings:
    """Settings of the service.

    Args:
        home: folder of models, ratings and the secret.
        host: address to listen on.
        port: port to listen on.
        database: URL of the database; None is SQLite in `home`.
        token: service token; None allows every request.
        rate: requests per second and client; 0 is no limit; None is no limit on a loopback
            address and 50 otherwise.
        insecure: allow remote clients without a token.
        log_all: log every request, not only writes and errors.
        keep: how many older models that served are kept.
        private: forecasts of a user need a token too.
        proxy: addresses and networks of the proxies in front, with commas between them.
        root_path: path under which they have the service.
    """

    home: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database: str | None = None
    token: str | None = None
    rate: float | None = None
    insecure: bool = False
    log_all: bool = False
    keep: int = KEEP
    private: bool = False
    proxy: str | None = None
    root_path: str | None = None

    def checked(self) -> "Settings":
        """These settings.

        Raises `InputError` if remote clients could write without a token, or a value cannot be.
        """
        _ = self.proxies
        if not self.local and self.token is None and not self.insecure:
            raise InputError(
                f"serve: --host {self.host} allows remote clients, who could change everything "
                "without a token; give --token-file, or --insecure"
            )
        if self.private and self.token is None:
            raise InputError("serve: --private needs a token; give --token-file")
        if self.token is not None and len(self.token) < MIN_TOKEN_LENGTH:
            raise InputError(
                f"serve: a token must have {MIN_TOKEN_LENGTH} characters or more; make one by "
                "openssl rand -hex 32"
            )
        checked_port(self.port, "serve")
        if self.rate is not None and not 0 <= self.rate < float("inf"):
            raise InputError(
                f"serve: --rate_limit is {self.rate:g}; give requests a second, or 0 for no limit"
            )
        if self.keep < 0:
            raise InputError(
                f"serve: --keep is {self.keep}; give how many older models stay, from 0"
            )
        return self

    @property
    def local(self) -> bool:
        """Whether the host is a loopback address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def limits(self) -> Limits:
        """Limits of one request and one client."""
        default = 0.0 if self.local else REMOTE_RATE
        return Limits(rate=default if self.rate is None else self.rate, log_all=self.log_all)

    @property
    def proxies(self) -> Proxies:
        """The proxies in front. Raises `InputError` for what is no address or path."""
        return Proxies.of(self.proxy, self.root_path)

    @property
    def address(self) -> str:
        """Address of the page."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.proxies.root_path}/"

    @property
    def url(self) -> str | sa.URL:
        """URL of the database."""
        # A path in the text of a URL would lose what follows a question mark.
        default = sa.URL.create("sqlite", database=str(self.home.absolute() / "ratings.db"))
        return self.database or default


class JsonFormatter(logging.Formatter):
    """One JSON object per line. No header is logged, so tokens never are."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, event, and the facts of the event."""
        line = {
            "time": _utc(int(record.created)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        # JSON itself escapes only the first 32 control characters.
        return in_json(orjson.dumps(line, default=str).decode())


@lru_cache(maxsize=1)
def _utc(second: int) -> str:
    """Many lines are of one second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))


def serve(settings: Settings, page: Callable[[int], LoadPage | None] = lambda _: None) -> None:
    """Serve until the process gets a signal to stop.

    page: called once with the port, when that and the store are available; returns what imports
    the page.
    """
    settings.checked()
    private_home(settings.home)
    access = Access(settings.token, signing_secret(settings.home), settings.private)
    with reachable(settings.url):
        store = Store(settings.url)
    place = settings.host, settings.port, "serve", "--port or --host"
    with closing(store), exclusive_lock(store.lock), bound_socket(*place) as port:
        hot_swap = HotSwap(ArtifactStore(settings.home, settings.keep), store)
        load_page = page(port.getsockname()[1])
        app = create_app(hot_swap, access, settings.limits, load_page, settings.proxies)
        log_as_json()
        sys.setswitchinterval(SWITCH_SECONDS)
        bounded = server(
            app, settings.limits, settings.proxies, timeout_graceful_shutdown=GRACE_SECONDS
        )
        bounded.run(sockets=[port])


def log_as_json() -> None:
    """Log to stderr, one JSON object per line."""
    # Thread and process are not logged. Looking them up takes a third of the time of a log call.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("ratecast", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
