"""Limits of one request, one connection and one client."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """Limits of one request, one connection and one client.

    body: bytes of a request body. upload: bytes of one with which the page takes files. rate:
    requests per second and client, 0 for no limit; a burst may have twice as many. log_all: log
    every request, not only writes and errors. headers: bytes of the request line and the headers.
    header_seconds: for these. body_seconds: for the body, and one second more for each `body_rate`
    bytes of it that have come. write_seconds: how long a client may take nothing of its response.
    connections: how many at a time, those of the page's sockets included. connections_of_client:
    how many of one address, but for this machine's and a proxy's.
    """

    body: int = 1 << 20
    upload: int = 16 << 20
    rate: float = 0.0
    log_all: bool = False
    headers: int = 32 << 10
    header_seconds: float = 10.0
    body_seconds: float = 20.0
    body_rate: int = 16 << 10
    write_seconds: float = 30.0
    connections: int = 1000
    connections_of_client: int = 100


@dataclass
class TokenBuckets:
    """Rate limit by a token bucket per client: capacity 2 * rate, refilled by `rate` a second.

    levels: client to (tokens, time of the last request).
    """

    rate: float
    levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def take(self, client: str, now: float) -> bool:
        """Take one token; False if this client has none. now: seconds."""
        before, then = self.levels.get(client, (2 * self.rate, now))
        level = min(2 * self.rate, before + (now - then) * self.rate)
        if len(self.levels) > 10_000:
            # A bucket that was not used for two seconds is full again.
            self.levels = {c: v for c, v in self.levels.items() if now - v[1] < 2}
        self.levels[client] = (max(level - 1, 0.0) if level >= 1 else level, now)
        return level >= 1
