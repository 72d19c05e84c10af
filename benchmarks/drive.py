"""Load generator for a local port: as fast as possible, or at a fixed rate.

Raw bytes on uvloop, because time that the client takes on two cores is lost to the service.
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

MakeRequest = Callable[[], bytes]
HEAD_END, LENGTH = b"\r\n\r\n", b"content-length:"


@dataclass(frozen=True)
class Load:
    """The result of a load. ms: latency of each request, from its due time to the last byte.

    taken: share of the machine's CPU time that the host gave to other machines (steal).
    """

    seconds: float
    ms: list[float]
    failed: int
    taken: float

    def facts(self) -> dict[str, float]:
        """Requests per second, and quantiles of the latency."""
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
    port: int,
    make_request: MakeRequest,
    seconds: float,
    clients: int = 16,
    *,
    rate: float = 0.0,
    most: int = 10**9,
) -> Load:
    """Send requests on `clients` connections; with a rate, each request has a due time.

    Latency counts from the due time, so that a stall is not left out (Tene 2013, "How not to
    measure latency"). most: maximum number of requests.
    """
    return uvloop.run(_load(port, Run(make_request, seconds, rate, most), clients))


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
    """CPU seconds that the host gave to other machines; 0 if unknown."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))


@dataclass
class Run:
    """State shared by all clients of a load."""

    make_request: MakeRequest
    seconds: float
    rate: float
    left: int
    start: float = 0.0
    ms: list[float] = field(default_factory=list)
    failed: int = 0

    def begin(self) -> None:
        """Start the clock; the first request is due now."""
        self.start = time.perf_counter()
        self.due_times: Iterator[float] = _due_times(self.start, self.rate)

    def record(self, due: float, good: bool) -> None:
        """Record one response."""
        self.ms.append(1000 * (time.perf_counter() - due))
        self.failed += not good


class Client(asyncio.Protocol):
    """One connection: sends the next request after the last response, but not before it is due.

    done: resolved when the load is over, or with an error if the service closes the connection.
    """

    def __init__(self, run: Run) -> None:
        self.run, self.due = run, 0.0
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self.transport = cast(asyncio.WriteTransport, transport)

    def next(self) -> None:
        """Send the next request, or end."""
        now = time.perf_counter()
        if now >= self.run.start + self.run.seconds or not self.run.left:
            self.done.set_result(None)
            self.transport.close()
            return
        self.run.left -= 1
        self.due = next(self.run.due_times) if self.run.rate else now
        if self.due > now:
            self.loop.call_later(self.due - now, self._send)
        else:
            self._send()

    def data_received(self, data: bytes) -> None:
        """Part of a response, or all of it."""
        self.received += data
        head, end, body = self.received.partition(HEAD_END)
        if end and len(body) >= int(head.lower().partition(LENGTH)[2].split(b"\r\n")[0]):
            self.run.record(self.due, head[9:10] == b"2")
            self.received = b""
            self.next()

    def connection_lost(self, error: Exception | None) -> None:
        """The connection closed too early: the load fails."""
        if not self.done.done():
            self.done.set_exception(
                error or ConnectionResetError("the service closed the connection")
            )

    def _send(self) -> None:
        self.transport.write(self.run.make_request())


def _due_times(start: float, rate: float) -> Iterator[float]:
    count = 0
    while True:
        yield start + count / rate
        count += 1
