"""The service's page: seconds of its first view in a browser, and memory with many pages open.

    python -m benchmarks.pages [--pages N] [--render]

The page is that of `bias` on ml-100k. A view is of a new visitor, in a browser without a cache,
until the first movie can be rated. Open pages are held as a browser holds them, by a socket each,
but without a browser, which would need the machine's memory itself.
"""

import argparse
import asyncio
import json
import re
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import socketio

from benchmarks.marks import with_section
from benchmarks.records import machine, measured_at
from benchmarks.serve import PAGE, ROOT, megabytes_of, serving
from docs.pictures import browser
from ratecast.atomic_write import write_text

RESULTS = ROOT / "benchmarks" / "pages.json"
MARKS = "<!-- page: written by `make bench-serve` -->", "<!-- /page -->"
MODEL, VIEWS, SETTLED_SECONDS = "bias", 5, 5.0
# The words with which the page connects its socket.
_QUERY = re.compile(r"query: \{.*'client_id': '([^']+)', 'next_message_id': (\d+)")


def main() -> None:
    """Measure, write, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200, help="how many are opened")
    parser.add_argument("--render", action="store_true", help="only write the page")
    given = parser.parse_args()
    if not given.render:
        write_text(RESULTS, json.dumps(measure(given.pages), indent=1) + "\n")
    text = section(json.loads(RESULTS.read_text("utf-8")))
    write_text(PAGE, with_section(PAGE.read_text("utf-8"), MARKS, text))
    print(text)


def measure(pages: int) -> dict[str, Any]:
    """All figures, and the machine they were measured on."""
    about = machine()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), MODEL) as (_, port, pid):
        time.sleep(SETTLED_SECONDS)
        before = megabytes_of(pid)
        seconds = first_views(port)
        idle = megabytes_of(pid)
        opened = asyncio.run(_held(port, pid, pages))
    return {
        "machine": about,
        "first_view_seconds": {"first": seconds[0], "median": median(seconds)},
        "pages": pages,
        "megabytes": {"before": before, "after views": idle, "with pages": opened},
    }


def first_views(port: int) -> list[float]:
    """Seconds of each visitor's first view."""
    found = []
    with browser.opened() as opened:
        for _ in range(VIEWS):
            context = opened.new_context()
            page = context.new_page()
            start = time.perf_counter()
            page.goto(f"http://127.0.0.1:{port}/")
            page.locator(".rating-card").first.wait_for()
            found.append(time.perf_counter() - start)
            context.close()
    return found


async def _held(port: int, pid: int, pages: int) -> float:
    """Megabytes of the service while so many pages are open."""
    sockets = [await _opened(port, k) for k in range(pages)]
    await asyncio.sleep(SETTLED_SECONDS)
    connected = sum(socket.connected for socket in sockets)
    if connected != pages:
        raise SystemExit(f"pages: {connected} of {pages} pages stayed open")
    found = megabytes_of(pid)
    for socket in sockets:
        await socket.disconnect()
    return found


async def _opened(port: int, number: int) -> socketio.AsyncClient:
    """One page of a new visitor, and its socket."""
    address = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{address}/")
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    words = _QUERY.search(answer.text)
    if words is None:
        raise SystemExit("pages: the page connects its socket in another way than before")
    query = {"client_id": words[1], "next_message_id": words[2], "implicit_handshake": "true"}
    query |= {"tab_id": f"tab-{number}", "document_id": f"page-{number}"}
    socket = socketio.AsyncClient()
    text = "&".join(f"{name}={value}" for name, value in query.items())
    await socket.connect(
        f"{address}?{text}",
        {"Cookie": cookies},
        ["websocket"],
        socketio_path="/_nicegui_ws/socket.io",
    )
    return socket


def section(results: dict[str, Any]) -> str:
    """The section of docs/performance.md."""
    views, memory = results["first_view_seconds"], results["megabytes"]
    times = memory["with pages"] / memory["before"]
    return (
        f"{measured_at(results)} First view of the first visitor after {views['first']:.2f} s, the "
        f"median of {VIEWS} visitors {views['median']:.2f} s. Memory {memory['before']:.0f} MB "
        f"before, {memory['after views']:.0f} MB after these, {memory['with pages']:.0f} MB with "
        f"{results['pages']} pages open: {times:.2f} times."
    )


if __name__ == "__main__":
    main()
