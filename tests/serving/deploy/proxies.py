"""nginx and Caddy with the files in deploy/, on ports of this machine, before a service."""

import os
import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.serving.deploy import tools
from tests.serving.deploy.files import DEPLOY
from tests.serving.place import free_port

ROOT_PATH = "/ratecast"
SECONDS = 20.0


@dataclass(frozen=True)
class Front:
    """A proxy that runs. plain: its address without TLS. trust: of its own certificate."""

    address: str
    plain: str
    trust: ssl.SSLContext

    def client(self, source: str = "127.0.0.1") -> httpx.Client:
        """A client at an address of this machine."""
        transport = httpx.HTTPTransport(verify=self.trust, local_address=source)
        return httpx.Client(base_url=self.address, transport=transport, timeout=SECONDS)


@contextmanager
def nginx(port: int, folder: Path) -> Iterator[Front]:
    """nginx before the service on `port`."""
    program, secure, plain = tools.program("nginx"), free_port(), free_port()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    words = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    words += f" -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    tools.run(tools.program("openssl"), *words.split())
    site = (DEPLOY / "nginx.conf").read_text("utf-8")
    changed = {
        r" +listen \[::\].*\n": "",
        r"listen 80;": f"listen 127.0.0.1:{plain};",
        r"listen 443 ": f"listen 127.0.0.1:{secure} ",
        r"server_name films\.example": "server_name localhost",
        r"/etc/\S+fullchain\.pem": str(certificate),
        r"/etc/\S+privkey\.pem": str(key),
        r"127\.0\.0\.1:8000": f"127.0.0.1:{port}",
    }
    for pattern, text in changed.items():
        site, count = re.subn(pattern, text, site)
        assert count, pattern
    (folder / "site.conf").write_text(site)
    parts = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{part}_temp_path {folder / part};\n" for part in parts)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\npid {folder / 'pid'};\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {folder / 'site.conf'};\n}}\n"
    )
    command = [program, "-e", "stderr", "-c", str(folder / "nginx.conf")]
    tools.run(*command, "-t")
    trust = ssl.create_default_context(cafile=certificate)
    with _running(command, folder, {}):
        yield _ready(Front(f"https://localhost:{secure}", f"http://127.0.0.1:{plain}", trust))


@contextmanager
def caddy(port: int, folder: Path) -> Iterator[Front]:
    """Caddy before the service on `port`, with a certificate of an authority of its own."""
    program, secure, plain = tools.program("caddy"), free_port(), free_port()
    (folder / "Caddyfile").write_text(
        f"{{\nadmin off\nskip_install_trust\nhttp_port {plain}\nhttps_port {secure}\n}}\n"
        f"import {DEPLOY / 'Caddyfile'}\n"
    )
    environment = {
        "RATECAST_SITE": f"localhost:{secure}",
        "RATECAST_SERVICE": f"127.0.0.1:{port}",
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "HOME": str(folder),
    }
    command = [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    root = folder / "data" / "caddy" / "pki" / "authorities" / "local" / "root.crt"
    with _running(command, folder, environment):
        _until(root.exists)
        trust = ssl.create_default_context(cafile=root)
        yield _ready(Front(f"https://localhost:{secure}", f"http://localhost:{plain}", trust))


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextmanager
def _running(command: list[str], folder: Path, environment: dict[str, str]) -> Iterator[None]:
    with (folder / "proxy.log").open("w") as log:
        running = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, **environment}
        )
        try:
            yield
        finally:
            running.terminate()
            running.wait(SECONDS)


def _ready(front: Front) -> Front:
    def answers() -> bool:
        with front.client() as client:
            try:
                return client.get(f"{ROOT_PATH}/healthz").is_success
            except httpx.TransportError:
                return False

    _until(answers)
    return front


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < end, "the proxy does not start"
        time.sleep(0.05)
