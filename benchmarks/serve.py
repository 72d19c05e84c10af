"""Latency, throughput and memory of the service: benchmarks/serving.json, docs/performance.md.

    python -m benchmarks.serve [--model NAME] [--artifact DIR] [--soak SECONDS] [--render]

The service runs in a process of its own; this process sends the load over loopback. Two cores are
enough. Results are kept by model. Each load is repeated, six times at most, until the host takes
almost no CPU time for other machines; the run with the least is published.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.drive import Load, MakeRequest, load, request
from benchmarks.marks import with_section
from benchmarks.records import machine, measured_at
from ratecast.atomic_write import write_text
from ratecast.models import load_model

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "benchmarks" / "serving.json", ROOT / "docs" / "performance.md"
MARKS = "<!-- service: written by `make bench-serve` -->", "<!-- /service -->"
USERS, MOVIES = 943, 240
TRIES, QUIET = 6, 0.003
WARMING, PIECES = 3, 40
# The one that the goals are of, and the one that `auto` chooses on this table.
MODELS = "state_space", "blend"
GOALS = {
    "predict, 500 a second": "p99 at most 10 ms",
    "predict": "1,500 a second",
    "recommend, first time": "400 a second",
    "recommend": "400 a second",
    "rate, SQLite": "1,000 a second",
}


def main() -> None:
    """Measure, write, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=MODELS[0], help="trained on ml-100k")
    parser.add_argument("--artifact", type=Path, help="a fitted one, instead of training it")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--soak", type=float, default=600.0, help="seconds at half load")
    parser.add_argument("--render", action="store_true", help="only write the page")
    given = parser.parse_args()
    if not given.render:
        model = given.model if given.artifact is None else load_model(given.artifact).name
        facts = measure(model, given.artifact, given.seconds, given.soak)
        known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
        write_text(RESULTS, json.dumps(known | {model: facts}, indent=1) + "\n")
    results = json.loads(RESULTS.read_text("utf-8"))
    write_text(PAGE, with_section(PAGE.read_text("utf-8"), MARKS, section(results)))
    print(section(results))


def measure(model: str, artifact: Path | None, seconds: float, soak: float) -> dict[str, Any]:
    """All figures, and the machine they were measured on."""
    about = machine() | {name: version(name) for name in ("fastapi", "uvicorn")}
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        if artifact is not None:
            _cli("publish", str(artifact), f"--home={home}")
        with serving(home, model) as (first, port, _):
            loads = _reads(port, seconds)
            rate = _rate()
            loads["rate, SQLite"] = _quietest(lambda: load(port, rate, seconds / TRIES, 64))
        with serving(home, model) as (again, port, pid):
            steady = _soak(port, pid, soak, loads["predict"]["per_second"] / 2)
    return {
        "machine": about,
        "seconds_each": seconds,
        "trained": artifact is None,
        "ready_seconds": {"first": first, "with the ratings given": again},
        "loads": loads,
        "soak": steady,
    }


def _reads(port: int, seconds: float) -> dict[str, dict[str, float]]:
    drawn = random.Random(0)
    users = iter(random.Random(1).sample(range(1, USERS + 1), USERS))

    def predict() -> bytes:
        user, movie = drawn.randint(1, USERS), drawn.randint(1, MOVIES)
        return request("GET", f"/v1/predict?user={user}&movie={movie}")

    def recommend() -> bytes:
        return request("GET", f"/v1/users/{drawn.randint(1, USERS)}/recommendations?n=10")

    def first() -> bytes:
        return request("GET", f"/v1/users/{next(users)}/recommendations?n=10")

    load(port, predict, 2)
    steady = _quietest(lambda: load(port, predict, seconds, rate=500))
    most = _quietest(lambda: load(port, predict, seconds))
    # Each user once, so that nothing is cached.
    fresh = _quietest(lambda: load(port, first, seconds, 8, most=USERS // TRIES))
    load(port, recommend, seconds)
    cached = _quietest(lambda: load(port, recommend, seconds))
    return {
        "predict, 500 a second": steady,
        "predict": most,
        "recommend, first time": fresh,
        "recommend": cached,
    }


def _quietest(run: Callable[[], Load]) -> dict[str, float]:
    """Repeat a load; returns the run with the least steal, whatever its latency."""
    runs = [run()]
    while runs[-1].taken > QUIET and len(runs) < TRIES:
        runs.append(run())
    return min(runs, key=lambda done: done.taken).facts()


def _rate(users: int = 4000, movies: int = MOVIES) -> MakeRequest:
    drawn = random.Random(2)

    def rate() -> bytes:
        user, movie = drawn.randint(5001, 5000 + users), drawn.randint(1, movies)
        body = json.dumps({"movie": movie, "stars": drawn.randint(1, 5)})
        return request("POST", f"/v1/users/{user}/ratings", body.encode())

    return rate


def _soak(port: int, pid: int, seconds: float, rate: float) -> dict[str, float]:
    """Memory under a steady load with 10 % writes: median of the last quarter against the first."""
    drawn, write = random.Random(3), _rate(users=200, movies=20)

    def mixed() -> bytes:
        if drawn.random() < 0.1:
            return write()
        user, movie = drawn.randint(1, USERS), drawn.randint(1, MOVIES)
        return request("GET", f"/v1/predict?user={user}&movie={movie}")

    load(
        port, mixed, seconds / WARMING, rate=rate
    )  # Until every rating that is overwritten exists.
    memory, failed = [], 0
    for _ in range(PIECES):
        failed += load(port, mixed, seconds / PIECES, rate=rate).failed
        memory.append(megabytes_of(pid))
    first, last = (median(part) for part in (memory[: PIECES // 4], memory[-PIECES // 4 :]))
    change = 100 * (last / first - 1)
    return {
        "seconds": seconds,
        "per_second": round(rate, 1),
        "failed": failed,
        "megabytes": round(memory[-1], 1),
        "change_percent": round(change, 2),
    }


@contextmanager
def serving(home: Path, model: str, port: int = 8642) -> Iterator[tuple[float, int, int]]:
    """Run a service; yields the seconds until it was ready, its port and its process id."""
    command = [sys.executable, "-m", "ratecast.cli", "serve", f"--home={home}", f"--port={port}"]
    command.append(f"--model={model}")
    with (home / "log").open("a") as log:
        start = time.monotonic()
        running = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while not _ready(port):
                time.sleep(0.02)
                if running.poll() is not None:
                    raise SystemExit(f"the service stopped; see {home / 'log'}")
            yield round(time.monotonic() - start, 2), port, running.pid
        finally:
            running.kill()
            running.wait()


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def megabytes_of(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _cli(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "ratecast.cli", *words], check=True)


def section(results: dict[str, Any]) -> str:
    """The section of docs/performance.md: a table for each model."""
    return "\n\n".join(_table(model, facts) for model, facts in sorted(results.items(), key=_place))


def _place(named: tuple[str, Any]) -> int:
    """Those with goals first."""
    return MODELS.index(named[0]) if named[0] in MODELS else len(MODELS)


def _table(model: str, facts: dict[str, Any]) -> str:
    soak, ready = facts["soak"], facts["ready_seconds"]
    columns = "a second | half within | 99 % within | requests | failed | taken by others"
    lines = [
        f"`{model}`. {measured_at(facts)} Load from a second process.",
        "",
        f"| load | {columns} | goal |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, goal in GOALS.items():
        if name in facts["loads"]:
            figures = facts["loads"][name]
            lines.append(
                f"| {name} | {figures['per_second']:,.0f} | {figures['p50_ms']:.1f} ms | "
                f"{figures['p99_ms']:.1f} ms | {figures['requests']:,} | {figures['failed']} | "
                f"{figures['taken_percent']:.1f} % | {goal if model == MODELS[0] else ''} |"
            )
    trained = ", training included" if facts["trained"] else ""
    about = (
        f"Soak, {soak['seconds']:.0f} s at {soak['per_second']:,.0f} a second, a tenth of "
        f"them ratings: {soak['failed']} failed, memory {soak['change_percent']:+.1f} % to "
        f"{soak['megabytes']:.0f} MB. Ready after {ready['first']:.1f} s{trained}; started again, "
        f"with the ratings given above in the store, after {ready['with the ratings given']:.1f} s."
    )
    return "\n".join([*lines, "", about])


if __name__ == "__main__":
    main()
