"""Load on a port of this machine: as many requests as can be had, or so many a second."""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

Ask = Callable[[], bytes]


@dataclass(frozen=True)
class Load:
    """Requests answered in `seconds`; ms: of each, from when it was due to its last byte."""

    seconds: float
    ms: list[float]
    failed: int

    def facts(self) -> dict[str, float]:
        """Requests a second, and milliseconds in which half, 99 % and all were answered."""
        half, most, all_of_them = np.quantile(self.ms, [0.5, 0.99, 1.0]).tolist()
        figures = {"per_second": len(self.ms) / self.seconds, "p50_ms": half, "p99_ms": most}
        rounded = {name: round(value, 2) for name, value in figures.items()}
        return rounded | {
            "max_ms": round(all_of_them, 2),
            "requests": len(self.ms),
            "failed": self.failed,
        }


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """The bytes of a request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def load(port: int, ask: Ask, seconds: float, clients: int = 16, rate: float = 0.0) -> Load:
    """Ask on `clients` connections at once; with a rate, each request is due at its own moment.

    What had to wait for its turn counts from when it was due, so that a stall is not left out
    (Tene 2013, "How not to measure latency").
    """
    return asyncio.run(_load(port, ask, seconds, (clients, rate)))


async def _load(port: int, ask: Ask, seconds: float, how: tuple[int, float]) -> Load:
    clients, rate = how
    ms: list[float] = []
    failed = 0
    start = time.perf_counter()
    due = _moments(start, rate)

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (now := time.perf_counter()) < start + seconds:
            at = next(due) if rate else now
            if at > now:
                await asyncio.sleep(at - now)
            writer.write(ask())
            failed += not await _answer(reader)
            ms.append(1000 * (time.perf_counter() - at))
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return Load(time.perf_counter() - start, ms, failed)


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Whether the answer is a good one; all of it is read."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    await reader.readexactly(length)
    return head[9:10] == b"2"


def _moments(start: float, rate: float) -> Iterator[float]:
    count = 0
    while True:
        yield start + count / rate
        count += 1
