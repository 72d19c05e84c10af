"""A reverse proxy that takes a prefix off the path, as nginx or Caddy does."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving.place import free_port

SAID = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: http")


@contextmanager
def proxied(port: int, prefix: str) -> Iterator[str]:
    """Address of a proxy to a service on `port`, which has it under `prefix`.

    It says that the client came from elsewhere, and refuses paths without the prefix.
    """
    loop, own = asyncio.new_event_loop(), free_port()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, rest = head.split(b" ", 2)
        if not path.startswith(prefix.encode() + b"/"):
            writer.write(b"HTTP/1.1 502 Outside\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            writer.close()
            return
        version, _, lines = rest.partition(b"\r\n")
        # One request on each connection, so that every head is looked at; an upgrade stays one.
        if b"upgrade:" not in lines.lower():
            kept = [
                one for one in lines.split(b"\r\n") if not one.lower().startswith(b"connection")
            ]
            lines = b"Connection: close\r\n" + b"\r\n".join(kept)
        said = "".join(f"{line}\r\n" for line in (*SAID, f"X-Forwarded-Prefix: {prefix}")).encode()
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        bare = path[len(prefix) :]
        outer.write(method + b" " + bare + b" " + version + b"\r\n" + said + lines)
        await asyncio.gather(_copy(reader, outer), _copy(inner, writer))

    async def run() -> None:
        async with await asyncio.start_server(client, "127.0.0.1", own):
            started.set()
            await stop.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    started, stop = threading.Event(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    started.wait(10)
    try:
        yield f"http://127.0.0.1:{own}{prefix}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while part := await reader.read(65536):
            writer.write(part)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()
