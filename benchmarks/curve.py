"""The curve parts: RMSE against seconds of fit, after more and more epochs of each method."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

from benchmarks import environment, records, speed
from benchmarks.peers import METHODS, Method
from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record, Step
from benchmarks.summary import lines
from benchmarks.tables import CHOSEN_AT, grown

POINTS = (1, 2, 3, 5, 8, 13, 20)
# The speed part of the same table tells the threads that a method is quickest with.
SPEED_OF = {"curve-1m": "speed-1m", "curve-25m": "speed-25m"}
PLANS = {
    "curve-1m": replace(speed.PLANS["speed-1m"], limit_seconds=900.0),
    # Of these, ten iterations alone take longer than all epochs of the others.
    "curve-25m": replace(
        speed.PLANS["speed-25m"],
        runs=1,
        limit_seconds=3600.0,
        leave_out=(*speed.PLANS["speed-25m"].leave_out, "cmfrec CMF", "LensKit ALS"),
    ),
}


def steps(part: str) -> Iterator[Step]:
    """Every method that has epochs or sweeps, taking turns; one process for all of its fits."""
    plan, threads = PLANS[part], best_threads(part)
    grown(plan.rows)
    for turn in range(1, plan.runs + 1):
        for method in plan.methods:
            if method.epochs and (turn == 1 or method.name not in plan.once):
                given = threads.get(method.name, 2)
                yield f"{method.name}, {turn}", partial(_curve, method, plan, given)


def best_threads(part: str) -> dict[str, int]:
    """How many threads each method was quickest with on this table."""
    section = records.read().get(SPEED_OF[part])
    return {line.method: line.threads for line in lines(section)} if section else {}


def _curve(method: Method, plan: speed.Plan, threads: int) -> Record:
    tried = [speed.chosen(plan.rows).get(method.name, {})]
    if plan.rows > CHOSEN_AT:
        tried += [settings for settings in method.large if settings not in tried]
    about = {"method": method.name, "settings": method.settings | tried[0], "threads": threads}
    if reason := environment.missing().get(method.package):
        return about | {"failed": f"not installed: {reason}"}
    parts = grown(plan.rows)
    scored, asked = {name: parts[name] for name in ("valid", "test")}, []
    for settings in tried:
        one = job(parts["inner"], scored, method.settings | settings)
        asked.append(one | {"epochs": {"name": method.epochs, "points": POINTS}})
    result = measured(ProcessTask(method.module, asked, threads, plan.limit_seconds))
    if "failed" in result:
        return about | result
    least = [min(p["rmse"]["valid"] for p in done["points"]) for done in result["done"]]
    best = least.index(min(least))
    return about | {
        "settings": asked[best]["settings"],
        "points": result["done"][best]["points"],
        "tried": list(zip(tried, least, strict=True)),
        "whole": result["whole"],
    }


@dataclass(frozen=True)
class Point:
    """A fit of so many epochs. seconds: of the fit; valid, test: RMSE. Medians of the runs."""

    epochs: int
    seconds: float
    valid: float
    test: float


@dataclass(frozen=True)
class Curve:
    """One method: its points, by epochs, or why there are none. used: threads that were at work."""

    method: Method
    points: list[Point]
    threads: int
    used: float
    failed: str = ""

    @property
    def ours(self) -> bool:
        """Whether it is a method of ratecast."""
        return not self.method.package

    @property
    def best(self) -> Point:
        """The point of the least RMSE on validation."""
        return min(self.points, key=lambda point: point.valid)

    def reaching(self, rmse: float) -> Point | None:
        """The quickest point whose RMSE on validation is not above this one; None without any."""
        good = [point for point in self.points if point.valid <= rmse]
        return min(good, key=lambda point: point.seconds, default=None)


def curves(section: Record) -> list[Curve]:
    """The curve of each method, in the order of the table of methods."""
    found = []
    for method in METHODS:
        rows = [row for row in section["rows"] if row["method"] == method.name]
        good = [row for row in rows if "failed" not in row]
        if good:
            found.append(_median_curve(method, good))
        elif rows:
            found.append(Curve(method, [], rows[0]["threads"], 0.0, rows[0]["failed"]))
    return found


def target(found: list[Curve]) -> tuple[Curve, Point] | None:
    """The peer of the least RMSE on validation, and where; None where no peer has a point."""
    peers = [curve for curve in found if curve.points and not curve.ours]
    best = min(peers, key=lambda curve: curve.best.valid, default=None)
    return (best, best.best) if best else None


def _median_curve(method: Method, rows: list[Record]) -> Curve:
    together = list(zip(*(row["points"] for row in rows), strict=True))
    points = [
        Point(
            runs[0]["epochs"],
            median(run["seconds"] for run in runs),
            median(run["rmse"]["valid"] for run in runs),
            median(run["rmse"]["test"] for run in runs),
        )
        for runs in together
    ]
    used = median(run["cpu"] / run["seconds"] for run in together[-1])
    return Curve(method, points, rows[0]["threads"], used)
