"""Checks that ratecast is as fast, compared with its peers, as published. Exit code 1 if not.

    python -m benchmarks.check

A million ratings, in under a minute: seconds of a peer over ours (load and fit), so that the
machine cancels out. A ratio may fall to `SHARE` of the one in benchmarks/results.json: runs differ,
and a busy machine does not slow all alike.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import environment, records
from benchmarks.peers import METHODS, Method
from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record
from benchmarks.speed import WARMING, chosen
from benchmarks.summary import lines
from benchmarks.tables import grown

ROWS, TURNS, LIMIT_SECONDS, SHARE = 1_000_000, 2, 60.0, 0.6
PUBLISHED = "speed-1m"
# Ours, and a peer that is quick enough for a check.
PAIRS = (
    ("ratecast mf_bias", "LIBMF"),
    ("ratecast mf_bias", "Cornac MF"),
    ("ratecast als", "cmfrec CMF"),
)


@dataclass(frozen=True)
class Floor:
    """How many times as long a peer must take, at least, as ratecast does."""

    ours: str
    peer: str
    ratio: float


def main() -> int:
    """Measure, compare, print."""
    results = records.read()
    if PUBLISHED not in results:
        print(f"check-perf: nothing to compare with; run make bench ONLY=tune,{PUBLISHED} first")
        return 1
    if not environment.ready():
        environment.make()
    least = [floor for floor in floors(results) if installed(floor.peer)]
    if not least:
        print("check-perf: no peer to compare with; see above")
        return 1
    taken = seconds(least)
    if gone := [name for name, times in taken.items() if not times]:
        print(f"check-perf: {', '.join(gone)} could not be measured")
        return 1
    return verdict(least, {name: median(times) for name, times in taken.items()})


def installed(name: str) -> bool:
    """Whether a peer is installed; if not, a message is printed."""
    reason = environment.missing().get(_method(name).package)
    if reason:
        print(f"check-perf: {name} is left out, not installed: {reason}")
    return reason is None


def floors(results: Record) -> list[Floor]:
    """From the published medians; a peer that has none is left out."""
    figures = {line.method: line.values for line in lines(results[PUBLISHED]) if line.values}
    known = {name: values["load"] + values["fit"] for name, values in figures.items()}
    return [
        Floor(ours, peer, SHARE * known[peer] / known[ours])
        for ours, peer in PAIRS
        if ours in known and peer in known
    ]


def verdict(
    least: list[Floor], taken: dict[str, float], write: Callable[[str], None] = print
) -> int:
    """0 where every ratio is above its floor. taken: seconds of each method."""
    failed = 0
    for floor in least:
        ratio = taken[floor.peer] / taken[floor.ours]
        words = f"{floor.peer} takes {ratio:.2f} times as long as {floor.ours}"
        write(f"{words} (floor {floor.ratio:.2f}){': too slow' if ratio < floor.ratio else ''}")
        failed += ratio < floor.ratio
    return int(failed > 0)


def seconds(least: list[Floor]) -> dict[str, list[float]]:
    """Load and fit of each method, in turns; what numba compiles was compiled before."""
    taken: dict[str, list[float]] = {name: [] for each in least for name in (each.ours, each.peer)}
    for ours in {floor.ours for floor in least}:
        _fitted(ours, WARMING)
    for name, times in list(taken.items()) * TURNS:
        record = _fitted(name, ROWS)
        if "done" in record:
            stages = record["done"][0]["seconds"]
            times.append(stages["load"] + stages["fit"])
    return taken


def _fitted(name: str, rows: int) -> Record:
    method = _method(name)
    settings = method.settings | chosen().get(name, {})
    fit = job(grown(rows)["train"], {}, settings)
    return measured(ProcessTask(method.module, [fit], 2, LIMIT_SECONDS))


def _method(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)


if __name__ == "__main__":
    sys.exit(main())
