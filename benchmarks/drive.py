"""Load on a port of this machine: as many requests as can be had, or so many a second.

Bytes in, bytes out, on uvloop: what the asking process takes of a machine with two cores, the
service cannot have.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import psutil
import uvloop

Ask = Callable[[], bytes]
HEAD_END, LENGTH = b"\r\n\r\n", b"content-length:"


@dataclass(frozen=True)
class Load:
    """Requests answered in `seconds`; ms: of each, from when it was due to its last byte.

    taken: the share of the machine's time that its host gave to others meanwhile.
    """

    seconds: float
    ms: list[float]
    failed: int
    taken: float

    def facts(self) -> dict[str, float]:
        """Requests a second, and milliseconds in which half, 99 % and all were answered."""
        half, most, all_of_them = np.quantile(self.ms, [0.5, 0.99, 1.0]).tolist()
        figures = {"per_second": len(self.ms) / self.seconds, "p50_ms": half, "p99_ms": most}
        rounded = {name: round(value, 2) for name, value in figures.items()}
        return rounded | {
            "max_ms": round(all_of_them, 2),
            "requests": len(self.ms),
            "failed": self.failed,
            "taken_percent": round(100 * self.taken, 2),
        }


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def load(
    port: int, ask: Ask, seconds: float, clients: int = 16, *, rate: float = 0.0, most: int = 10**9
) -> Load:
    """Ask on `clients` connections at once; with a rate, each request is due at its own moment.

    What had to wait for its turn counts from when it was due, so that a stall is not left out
    (Tene 2013, "How not to measure latency"). most: after so many requests it ends earlier.
    """
    return uvloop.run(_load(port, Run(ask, seconds, rate, most), clients))


async def _load(port: int, run: "Run", clients: int) -> Load:
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Client(run), "127.0.0.1", port) for _ in range(clients)
    ]
    before = _stolen()
    run.begin()
    for _, client in made:
        client.next()
    await asyncio.gather(*(client.done for _, client in made))
    seconds = time.perf_counter() - run.start
    taken = (_stolen() - before) / (seconds * (os.cpu_count() or 1))
    return Load(seconds, run.ms, run.failed, taken)


def _stolen() -> float:
    """Seconds in which a processor of this machine was another's; 0 where nobody says so."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


@dataclass
class Run:
    """What all clients of a load share."""

    ask: Ask
    seconds: float
    rate: float
    left: int
    start: float = 0.0
    ms: list[float] = field(default_factory=list)
    failed: int = 0

    def begin(self) -> None:
        """The first request is due now."""
        self.start = time.perf_counter()
        self.moments: Iterator[float] = _moments(self.start, self.rate)

    def answered(self, due: float, good: bool) -> None:
        """One more answer."""
        self.ms.append(1000 * (time.perf_counter() - due))
        self.failed += not good


class Client(asyncio.Protocol):
    """One connection: a request is sent once the one before is answered, and not before it is due.

    done: when the load is over, or with an error where the service hangs up.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.due = run, 0.0
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def next(self) -> None:
        """The next request, or the end."""
        now = time.perf_counter()
        if now >= self.run.start + self.run.seconds or not self.run.left:
            self.done.set_result(None)
            self.transport.close()
            return
        self.run.left -= 1
        self.due = next(self.run.moments) if self.run.rate else now
        if self.due > now:
            self.loop.call_later(self.due - now, self._send)
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        """Part of an answer, or all of it."""
        self.got += data
        head, end, body = self.got.partition(HEAD_END)
        if end and len(body) >= int(head.lower().partition(LENGTH)[2].split(b"\r\n")[0]):
            self.run.answered(self.due, head[9:10] == b"2")
            self.got = b""
            self.next()

    def connection_lost(self, error: Exception | None) -> None:
        """Too early: the load fails."""
        if not self.done.done():
            self.done.set_exception(error or ConnectionResetError("the service hung up"))

    def _send(self) -> None:
        self.transport.write(self.run.ask())


def _moments(start: float, rate: float) -> Iterator[float]:
    count = 0
    while True:
        yield start + count / rate
        count += 1
