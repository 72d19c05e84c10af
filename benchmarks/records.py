"""benchmarks/results.json, part by part; a part that was stopped goes on where it was."""

import json
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from benchmarks import environment
from benchmarks.environment import ROOT
from ratecast import data
from ratecast.atomic_write import write_text

RESULTS = ROOT / "benchmarks" / "results.json"
# Where others took more of the cores than this before, times are those of a busy machine.
BUSY = 0.1

Record = dict[str, Any]
Step = tuple[str, Callable[[], Record]]


def read() -> Record:
    """Every part that was measured."""
    results: Record = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return results


def save(part: str, section: Record) -> None:
    """Put one part into the results, beside the others."""
    write_text(RESULTS, json.dumps(read() | {part: section}, indent=1) + "\n")


def done(part: str, steps: Iterable[Step], workers: int = 1) -> list[Record]:
    """The record of each step, in order; a step that an ended run has done is not done again."""
    path = progress(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    known: dict[str, Record] = {record["key"]: record for record in map(json.loads, lines)}
    planned = list(steps)
    for key, record in _run_steps([step for step in planned if step[0] not in known], workers):
        known[key] = {"key": key} | record
        with path.open("a", encoding="utf-8") as out:
            out.write(json.dumps(known[key]) + "\n")
        print(f"{part}: {key}: {described(record)}", flush=True)
    return [known[key] for key, _ in planned]


def progress(part: str) -> Path:
    """What a run of this part has done so far."""
    return data.home() / "bench" / "progress" / f"{part}.jsonl"


def _run_steps(steps: list[Step], workers: int) -> Iterator[tuple[str, Record]]:
    """In order; with one worker in this thread, so that an interrupt ends what is under way."""
    if workers == 1:
        yield from ((key, work()) for key, work in steps)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        running = [(key, pool.submit(work)) for key, work in steps]
        yield from ((key, future.result()) for key, future in running)
    finally:
        pool.shutdown(cancel_futures=True)


def machine() -> Record:
    """What the figures are of, and how busy it was before."""
    taken = round(psutil.cpu_percent(interval=1.0) / 100, 2)
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "taken_before": taken,
        "busy": taken > BUSY,
        "python": platform.python_version(),
        "ratecast": version("ratecast"),
        "numpy": version("numpy"),
        "numba": version("numba"),
        "peers": environment.versions(),
        "python_of_peers": environment.RELEASE,
    }


def processor() -> str:
    """What the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def where(section: Record) -> str:
    """When, and on what."""
    machine = section["machine"]
    return (
        f"Measured {machine['at'][:10]}: {machine['cores']} cores ({machine['processor']}), "
        f"{machine['memory_gb']:.0f} GB, Python {machine['python']}"
    )


def measured_at(section: Record) -> str:
    """The same, and whether the machine had other work, which times suffer from."""
    machine = section["machine"]
    taken = f"{machine['taken_before']:.0%} of the cores were taken before"
    return where(section) + (f", **busy machine** ({taken})." if machine["busy"] else ".")


def versions(section: Record) -> str:
    """Of ratecast and of the peers, and their Python where it is another one."""
    machine = section["machine"]
    peers = ", ".join(f"{name} {number}" for name, number in machine["peers"].items())
    python = machine.get("python_of_peers")
    with_python = f"; peers on Python {python}" if python else ""
    return f"ratecast {machine['ratecast']}, {peers}{with_python}."


def described(record: Record) -> str:
    """A few words about a record."""
    if "failed" in record:
        return str(record["failed"])
    rmse = record.get("rmse") or record.get("tuned", {}).get("by_time", {})
    points = [f"{p['epochs']}: {p['seconds']:.1f} s {p['rmse']}" for p in record.get("points", [])]
    words = points + [f"{stage} {s:.1f} s" for stage, s in record.get("seconds", {}).items()]
    words += [f"{part} {x:.4f}" for part, x in rmse.items()]
    return ", ".join(words) or "done"
