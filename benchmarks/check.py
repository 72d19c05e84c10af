"""Is ratecast still as quick, against its peers, as it was? Exit code 1 where it is not.

    python -m benchmarks.check

A million ratings, one run each, under a minute: seconds of a peer over ours, so that the machine
cancels out. Each ratio has a floor, which lies below what was measured by what runs differ.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import environment
from benchmarks.peers import METHODS
from benchmarks.process import Asked, job, measured
from benchmarks.records import Record
from benchmarks.speed import WARMING
from benchmarks.tables import grown

ROWS, TURNS, LIMIT_SECONDS = 1_000_000, 2, 60.0


@dataclass(frozen=True)
class Floor:
    """How many times as long a peer must take, at least, as ratecast does; fit, load included."""

    ours: str
    peer: str
    ratio: float


FLOORS = (
    Floor("ratecast mf_bias", "LIBMF", 0.5),
    Floor("ratecast mf_bias", "Cornac MF", 0.9),
    Floor("ratecast als", "cmfrec CMF", 0.7),
)


def main() -> int:
    """Measure, compare, say."""
    if not environment.ready():
        environment.make()
    taken = seconds()
    if gone := [name for name, found in taken.items() if not found]:
        print(f"check-perf: {', '.join(gone)} could not be measured")
        return 1
    return verdict({name: median(found) for name, found in taken.items()})


def verdict(taken: dict[str, float], say: Callable[[str], None] = print) -> int:
    """0 where every ratio is above its floor. taken: seconds of each method."""
    failed = 0
    for floor in FLOORS:
        ratio = taken[floor.peer] / taken[floor.ours]
        words = f"{floor.peer} takes {ratio:.2f} times as long as {floor.ours}"
        say(f"{words} (floor {floor.ratio:.2f}){': too slow' if ratio < floor.ratio else ''}")
        failed += ratio < floor.ratio
    return int(failed > 0)


def seconds() -> dict[str, list[float]]:
    """Load and fit of each method, in turns; what numba compiles was compiled before."""
    names = dict.fromkeys(name for floor in FLOORS for name in (floor.ours, floor.peer))
    taken: dict[str, list[float]] = {name: [] for name in names}
    for ours in {floor.ours for floor in FLOORS}:
        _fitted(ours, WARMING)
    for name, kept in list(taken.items()) * TURNS:
        found = _fitted(name, ROWS)
        if "done" in found:
            stages = found["done"][0]["seconds"]
            kept.append(stages["load"] + stages["fit"])
    return taken


def _fitted(name: str, rows: int) -> Record:
    (method,) = (method for method in METHODS if method.name == name)
    parts = grown(rows)
    fit = job(parts["train"], {"test": parts["test"]}, method.settings)
    return measured(Asked(method.module, [fit], 2, LIMIT_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
