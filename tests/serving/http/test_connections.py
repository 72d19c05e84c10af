"""Bounds of a connection: size and time of headers and body, and how many connections."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from ratecast.serving.http.connections import MOST_HELD, JoinedWrites
from ratecast.serving.http.limits import Limits
from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import Place

LIMITS = Limits(headers=4000, header_seconds=1.0, body_seconds=1.0, body_rate=1000)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, artifact: Path) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    ArtifactStore(home).publish(artifact)
    with Place(home, limits=LIMITS).open() as opened:
        yield opened


@contextmanager
def connected(client: httpx.Client) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", int(client.base_url.port or 0)), 60) as opened:
        yield opened


def until_closed(opened: socket.socket) -> str:
    """What the server sends until it closes the connection."""
    found = b""
    while part := opened.recv(65536):
        found += part
    return found.decode()


def answered(client: httpx.Client, sent: bytes) -> tuple[str, float]:
    """The answer to bytes that are no whole request, and the seconds until the end."""
    with connected(client) as opened:
        start = time.monotonic()
        opened.sendall(sent)
        return until_closed(opened), time.monotonic() - start


def test_large_headers_are_refused(client: httpx.Client) -> None:
    for headers in ({"x": "y" * 5000}, {f"x{k}": "y" * 50 for k in range(100)}):
        answer = client.get("/healthz", headers=headers)
        assert answer.status_code == 431
        assert answer.json()["detail"] == "at most 4000 bytes"
    assert client.get("/healthz", params={"x": "y" * 5000}).status_code == 431
    assert client.get("/healthz", headers={"x": "y" * 3000}).is_success
    # One that does not end is refused before its time is over.
    text, seconds = answered(client, b"GET /healthz HTTP/1.1\r\nx: " + b"y" * 5000)
    assert "431" in text
    assert seconds < LIMITS.header_seconds / 2
    # A body is not part of the headers.
    rating = {"movie": 50, "stars": 5, "x": "y" * 5000}
    assert client.post("/v1/users/1/ratings", json=rating).status_code == 422


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost:", "408 The request took too long"),
        (b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", "a body has 1"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n", "headers have 1"),
        (b"\r\n", "408"),
        (b"", ""),
    ],
)
def test_who_sends_too_slowly_is_cut_off(client: httpx.Client, sent: bytes, words: str) -> None:
    text, seconds = answered(client, sent)
    assert words in text
    assert bool(text) == bool(sent)
    assert LIMITS.header_seconds * 0.9 < seconds < LIMITS.header_seconds + 3


def test_a_body_that_comes_at_the_rate_may_take_longer(client: httpx.Client) -> None:
    body = b'{"requests": [{"user": 1, "movie": 50}]}'.ljust(4000)
    with connected(client) as opened:
        opened.sendall(b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nConnection: close\r\n")
        opened.sendall(b"Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n")
        for start in range(0, 4000, 1000):
            opened.sendall(body[start : start + 1000])
            time.sleep(0.6)
        assert "200 OK" in until_closed(opened)


def test_what_is_no_request_gets_a_problem(client: httpx.Client) -> None:
    text, _ = answered(client, b"nothing that is known\r\n\r\n")
    assert text.startswith("HTTP/1.1 400 ")
    assert "application/problem+json" in text


def test_only_so_many_connections_at_a_time(place: Place) -> None:
    place.limits = Limits(connections=4)
    with place.open() as client:
        opened = [socket.create_connection(("127.0.0.1", client.base_url.port)) for _ in range(4)]
        with socket.create_connection(("127.0.0.1", int(client.base_url.port or 0)), 60) as more:
            assert "503" in until_closed(more)
        for each in opened:
            each.close()
        deadline = time.monotonic() + 5
        while not _answers(client) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _answers(client)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


class Line:
    """A transport to a client who takes nothing of what is sent."""

    def __init__(self) -> None:
        self.unsent, self.aborted = 100, False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.aborted = True


def test_who_takes_no_response_is_cut_off() -> None:
    from ratecast.serving.http.connections import NOTHING, BoundedConnection

    line, now = Line(), [0.0]
    bounded: Any = BoundedConnection.__new__(BoundedConnection)
    bounded.limits, bounded.transport, bounded.awaited, bounded.since = LIMITS, line, NOTHING, 0.0
    bounded.unsent, bounded.unsent_since = 0, 0.0
    bounded.loop = type("Loop", (), {"time": lambda _: now[0]})()
    for seconds, unsent, aborted in ((0, 100, False), (29, 100, False), (50, 60, False),
                                     (70, 60, False), (81, 60, True)):  # fmt: skip
        now[0], line.unsent = seconds, unsent
        bounded.check()
        assert line.aborted is aborted


class Sent:
    """A transport that keeps what it is given, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def close(self) -> None:
        self.is_closed = True


def test_headers_and_body_go_to_the_system_by_one_call() -> None:
    sent = Sent()

    async def answers() -> None:
        joined = JoinedWrites(sent, asyncio.get_running_loop())
        for answer in (b"one", b"two"):
            joined.write(b"head ")
            joined.write(answer)
            await asyncio.sleep(0)
        # A long body does not wait, and nothing is lost at the end.
        joined.write(b"head ")
        joined.write(b"x" * MOST_HELD)
        joined.write(b"last")
        assert len(sent.calls) == 3
        joined.close()

    asyncio.run(answers())
    assert sent.calls == [b"head one", b"head two", b"head " + b"x" * MOST_HELD, b"last"]
    assert sent.is_closed
