"""A service on a port of its own, in this process or in another one, as a client sees it."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.http.app import create_app
from ratecast.serving.http.auth import Access, signing_secret
from ratecast.serving.http.connections import server
from ratecast.serving.http.forwarded import Proxies
from ratecast.serving.http.limits import Limits
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.store.database import Store

TOKEN = "a-token-of-the-service"
TIMEOUT_SECONDS = 60.0


@dataclass
class Place:
    """home: the service's folder. database: its address, SQLite in the folder without one."""

    home: Path
    database: str | None = None
    token: str | None = None
    limits: Limits = field(default_factory=Limits)
    private: bool = False
    proxies: Proxies = field(default_factory=Proxies)

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.home / 'ratings.db'}"

    @contextmanager
    def open(self, ready: bool = True) -> Iterator[httpx.Client]:
        """The service in a thread; a client that sends the service's token.

        ready: wait until it is.
        """
        store = Store(self.url)
        access = Access(self.token, signing_secret(self.home), self.private)
        hot_swap = HotSwap(ArtifactStore(self.home), store)
        app = create_app(hot_swap, access, self.limits, proxies=self.proxies)
        port = free_port()
        running = server(app, self.limits, self.proxies, port=port, lifespan="on")
        thread = threading.Thread(target=running.run)
        thread.start()
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            address = f"http://127.0.0.1:{port}"
            # A kernel may be compiled for the first request.
            with httpx.Client(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS) as client:
                wait(client, path="/readyz" if ready else "/healthz")
                yield client
        finally:
            running.should_exit = True
            thread.join()
            store.close()


@contextmanager
def process(
    home: Path, *words: str, port: int | None = None, module: str = "ratecast.cli"
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """`ratecast serve` as a process of its own, on a port of its own; killed at the end.

    module: what is run in its place.
    """
    port = port or free_port()
    command = [sys.executable, "-m", module, "serve"]
    command += [f"--home={home}", f"--port={port}", *words]
    log = (home / "serve.log").open("a")
    running = subprocess.Popen(command, stdout=log, stderr=log, text=True, env={**os.environ})
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            yield running, client
    finally:
        running.kill()
        running.wait()
        log.close()


def wait(
    client: httpx.Client,
    status: int = 200,
    path: str = "/readyz",
    seconds: float = TIMEOUT_SECONDS,
) -> float:
    """Until the path answers so; the seconds that it took."""
    start = time.monotonic()
    while True:
        try:
            if client.get(path).status_code == status:
                return time.monotonic() - start
        except httpx.TransportError:
            pass
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"{path} never answered {status}")
        time.sleep(0.02)


def smuggled(home: Path, artifact: Path) -> str:
    """Make an artifact the current one as it is, without the checks of publishing; its name."""
    models = home / "models"
    name = f"29991231T{len(list(models.iterdir())):06d}Z-smuggled"
    shutil.copytree(artifact, models / name)
    (home / "current").write_text(name + "\n")
    return name


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def get(client: httpx.Client, path: str, **params: Any) -> Any:
    """What a successful GET answers."""
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()
