"""A private PostgreSQL server, on a socket in a folder of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam

MISSING = "no PostgreSQL here (initdb, postgres): what is tested on it is left out"


def here() -> bool:
    """Whether the server's programs are installed."""
    return all(shutil.which(name) for name in ("initdb", "postgres")) and _user() != "missing"


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://ratecast@/postgres?host={self.folder}"

    def created(self, name: str) -> str:
        """Make an empty database; its address, which libpq understands too."""
        import psycopg

        with psycopg.connect(
            f"host={self.folder} user=ratecast dbname=postgres", autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://ratecast@/{name}?host={self.folder}"

    def start(self) -> None:
        words = ["postgres", "-D", str(self.folder / "data"), "-k", str(self.folder)]
        words += ["-c", "listen_addresses="]
        self._running = subprocess.Popen(
            words, user=_user(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(600):
            if (self.folder / ".s.PGSQL.5432").exists() and self._answers():
                return
            time.sleep(0.05)
        raise TimeoutError("PostgreSQL does not start")

    def stop(self) -> None:
        """At once, as in a crash; what was committed is on the disk."""
        if self._running is not None:
            self._running.send_signal(3)
            self._running.wait()
            self._running = None

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(f"host={self.folder} user=ratecast dbname=postgres").close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def server() -> Iterator[Server]:
    """A fresh server, running; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ratecast-pg-", dir="/tmp"))
    try:
        if user := _user():
            shutil.chown(folder, user)
        words = ["initdb", "-D", str(folder / "data"), "-U", "ratecast", "-A", "trust", "-N"]
        subprocess.run(words, user=user, check=True, capture_output=True)
        made = Server(folder)
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as its own user."""
    if os.geteuid() != 0:
        return None
    try:
        return getpwnam("postgres").pw_name
    except KeyError:
        return "missing"
