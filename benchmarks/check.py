"""Checks that ratecast is as fast, compared with its peers, as published. Exit code 1 if not.

    python -m benchmarks.check

A million ratings, in about a minute: seconds of a peer over ours (load and fit), and seconds to the
best RMSE that any peer reaches (fit), so that the machine cancels out. A ratio may fall to `SHARE`
of the one in benchmarks/results.json: runs differ, and a busy machine does not slow all alike.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks import environment, records
from benchmarks.curve import curves, target
from benchmarks.peers import METHODS, Method, with_epochs
from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record
from benchmarks.speed import WARMING, chosen
from benchmarks.summary import lines
from benchmarks.tables import CHOSEN_AT, grown
from ratecast.errors import InputError

ROWS, TURNS, LIMIT_SECONDS, SHARE = 1_000_000, 2, 60.0, 0.6
PUBLISHED, CURVE = "speed-1m", "curve-1m"
# Ours, and a peer that is quick enough for a check.
PAIRS = (
    ("ratecast mf_bias", "LIBMF"),
    ("ratecast mf_bias", "Cornac MF"),
    ("ratecast als", "cmfrec CMF"),
    ("ratecast bias", "Vowpal Wabbit"),
)


@dataclass(frozen=True)
class Fit:
    """What is timed: load and fit of a method, or its fit alone of so many `epochs`."""

    method: str
    threads: int
    epochs: int = 0

    def __str__(self) -> str:
        return f"{self.method} ({self.epochs} epochs)" if self.epochs else self.method


@dataclass(frozen=True)
class Floor:
    """How many times as long a peer must take, at least, as ratecast does."""

    ours: Fit
    peer: Fit
    ratio: float


def main() -> int:
    """Measure, compare, print."""
    results = records.read()
    if PUBLISHED not in results:
        print(f"check-perf: nothing to compare with; run make bench ONLY=tune,{PUBLISHED} first")
        return 1
    if not environment.ready():
        environment.make()
    least = [floor for floor in floors(results) if installed(floor.peer.method)]
    if not least:
        print("check-perf: no peer to compare with; see above")
        return 1
    taken = seconds(least)
    if gone := [str(fit) for fit, times in taken.items() if not times]:
        print(f"check-perf: {', '.join(gone)} could not be measured")
        return 1
    return verdict(least, {fit: median(times) for fit, times in taken.items()})


def installed(name: str) -> bool:
    """Whether a peer is installed; if not, a message is printed."""
    reason = environment.missing().get(_method(name).package)
    if reason:
        print(f"check-perf: {name} is left out, not installed: {reason}")
    return reason is None


def floors(results: Record) -> list[Floor]:
    """From the published medians; a peer that has none is left out."""
    measured_lines = {line.method: line for line in lines(results[PUBLISHED]) if line.values}
    known = {
        name: line.values["load"] + line.values["fit"] for name, line in measured_lines.items()
    }
    fits = {name: Fit(name, line.threads) for name, line in measured_lines.items()}
    of_speed = [
        Floor(fits[ours], fits[peer], SHARE * known[peer] / known[ours])
        for ours, peer in PAIRS
        if ours in known and peer in known
    ]
    return of_speed + (_of_curve(results[CURVE]) if CURVE in results else [])


def _of_curve(section: Record) -> list[Floor]:
    """The peer of the best RMSE, to there, and our first method, to where it has reached that."""
    found = curves(section)
    ours = next((curve for curve in found if curve.ours), None)
    if ours is None or (goal := target(found)) is None:
        return []
    peer, best = goal
    if (reached := ours.reaching(best.valid)) is None:
        return []
    quick = Fit(ours.method.name, ours.threads, reached.epochs)
    slow = Fit(peer.method.name, peer.threads, best.epochs)
    return [Floor(quick, slow, SHARE * best.seconds / reached.seconds)]


def verdict(
    least: list[Floor], taken: dict[Fit, float], write: Callable[[str], None] = print
) -> int:
    """0 where every ratio is above its floor. taken: seconds of each fit."""
    failed = 0
    for floor in least:
        ratio = taken[floor.peer] / taken[floor.ours]
        words = f"{floor.peer} takes {ratio:.2f} times as long as {floor.ours}"
        write(f"{words} (floor {floor.ratio:.2f}){': too slow' if ratio < floor.ratio else ''}")
        failed += ratio < floor.ratio
    return int(failed > 0)


def seconds(least: list[Floor]) -> dict[Fit, list[float]]:
    """Those of each fit, in turns; what numba compiles was compiled before."""
    taken: dict[Fit, list[float]] = {fit: [] for each in least for fit in (each.ours, each.peer)}
    for ours in {floor.ours.method: floor.ours for floor in least}.values():
        _fitted(ours, WARMING)
    for fit, times in list(taken.items()) * TURNS:
        record = _fitted(fit, ROWS)
        if "done" in record:
            stages = record["done"][0]["seconds"]
            times.append(stages["fit"] + (0.0 if fit.epochs else stages["load"]))
    return taken


def _fitted(fit: Fit, rows: int) -> Record:
    method = _method(fit.method)
    settings = method.settings | chosen(CHOSEN_AT).get(fit.method, {})
    if fit.epochs:
        settings = with_epochs(settings, method.epochs, fit.epochs)
    asked = job(grown(rows)["train"], {}, settings)
    return measured(ProcessTask(method.module, [asked], fit.threads, LIMIT_SECONDS))


def _method(name: str) -> Method:
    return next(method for method in METHODS if method.name == name)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        raise SystemExit(f"check-perf: {error}") from None
