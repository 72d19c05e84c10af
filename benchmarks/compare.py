"""ratecast beside its peers: writes benchmarks/results.json, docs/performance.md and its pictures.

    python -m benchmarks.compare [--only PART,PART] [--fresh] [--render]
    python -m benchmarks.compare --rows 2e5 [--runs 1] [--peers NAME,NAME]

Parts: loading, limits, tune, speed-1m, curve-1m, stages, growth, flagship, accuracy, tune-25m,
speed-25m, curve-25m, speed-100m, billion, cluster, cluster-large, cluster-nets, start. Each is
merged into the results when it is done; one that was stopped goes on where it was. With --rows, one
comparison at that size is printed, and not saved.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from benchmarks import (
    accuracy,
    billion,
    curve,
    environment,
    flagship,
    growth,
    large_on_cluster,
    limits,
    loading,
    nets_on_cluster,
    on_cluster,
    page,
    records,
    speed,
    stages,
    start,
)
from benchmarks.peers import METHODS
from benchmarks.records import Record, Step
from ratecast.errors import InputError

PARTS: dict[str, Callable[[], Sequence[Step]]] = {
    "loading": loading.steps,
    "limits": lambda: list(limits.steps()),
    "tune": lambda: list(speed.tuning("tune")),
    "speed-1m": lambda: list(speed.steps(speed.PLANS["speed-1m"])),
    "curve-1m": lambda: list(curve.steps("curve-1m")),
    "stages": lambda: list(stages.steps()),
    "growth": lambda: list(growth.steps()),
    "flagship": flagship.steps,
    "accuracy": lambda: list(accuracy.steps()),
    "tune-25m": lambda: list(speed.tuning("tune-25m")),
    "speed-25m": lambda: list(speed.steps(speed.PLANS["speed-25m"])),
    "curve-25m": lambda: list(curve.steps("curve-25m")),
    "speed-100m": lambda: list(speed.steps(speed.PLANS["speed-100m"])),
    "billion": billion.steps,
    "cluster": on_cluster.steps,
    "cluster-large": large_on_cluster.steps,
    "cluster-nets": nets_on_cluster.steps,
    "start": lambda: list(start.steps()),
}


def main(words: Sequence[str] | None = None) -> None:
    """Set up the peers, measure, merge, render."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="parts, with commas between them")
    parser.add_argument("--fresh", action="store_true", help="forget what a stopped run has done")
    parser.add_argument("--render", action="store_true", help="only write the page anew")
    parser.add_argument("--rows", type=float, help="compare at this size, and print it")
    parser.add_argument("--runs", type=int, default=1, help="with --rows: how often")
    parser.add_argument("--peers", help="with --rows: methods, with commas between them")
    given = parser.parse_args(words)
    peers, chosen = _named(given.peers), [] if given.render else _parts(given.only)
    if not given.render and not environment.ready():
        environment.make()
    if given.rows:
        print(page.speed_table(once(int(given.rows), given.runs, peers)))
        return
    for part in chosen:
        measure(part, given.fresh)
    page.write(records.read())


def measure(part: str, fresh: bool = False) -> None:
    """One part, into the results."""
    if fresh:
        records.progress(part).unlink(missing_ok=True)
    print(f"{part} ...", flush=True)
    machine = records.machine()
    workers = accuracy.WORKERS if part == "accuracy" else 1
    rows = records.done(part, PARTS[part](), workers)
    published = [row for row in rows if not row["key"].endswith(speed.COMPILED)]
    records.save(part, {"machine": machine, "rows": published})
    records.progress(part).unlink(missing_ok=True)


def once(rows: int, runs: int, names: tuple[str, ...]) -> Record:
    """A comparison that is not saved."""
    left = tuple(m.name for m in METHODS if names and m.name not in names)
    plan = speed.Plan(rows, runs=runs, once=(speed.LIGHTNING,), leave_out=left, single=False)
    part, machine = f"rows-{rows}", records.machine()
    records.progress(part).unlink(missing_ok=True)
    done = records.done(part, list(speed.steps(plan)))
    records.progress(part).unlink(missing_ok=True)
    return {"machine": machine, "rows": done}


def _parts(only: str | None) -> list[str]:
    names = only.split(",") if only else list(PARTS)
    for part in names:
        if part not in PARTS:
            raise SystemExit(f"compare: no part {part!r}; parts are {', '.join(PARTS)}")
    return names


def _named(peers: str | None) -> tuple[str, ...]:
    names = tuple(peers.split(",")) if peers else ()
    known = [method.name for method in METHODS]
    for name in names:
        if name not in known:
            raise SystemExit(f"compare: no method {name!r}; methods are {', '.join(known)}")
    return names


if __name__ == "__main__":
    # So that a measurement which is under way ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("compare: stopped; run it again to go on"))
    try:
        main()
    except InputError as error:
        raise SystemExit(f"compare: {error}") from None
