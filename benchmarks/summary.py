"""Medians of the runs of each method, and how they are to those of ratecast."""

from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.peers import METHODS
from benchmarks.records import Record
from benchmarks.speed import OWN, SINGLE, THREADS, TUNED

# What is compared, and whether less of it is better.
FIGURES = {"load": True, "fit": True, "memory": True, "whole": True, "rmse": True, "rate": False}


@dataclass(frozen=True)
class Line:
    """One method. values: median of each figure; seconds, GB, stars and forecasts a second.

    ratios: to ratecast's method of the same family, in the same run. own: RMSE with the
    regularisation that the package has by itself. failed: why there are no values. threads: how
    many it was given, one where that was quicker; used: processor seconds of a fit over its
    seconds, None where they were not read.
    """

    method: str
    family: str
    ours: bool
    runs: int
    values: dict[str, float]
    ratios: dict[str, float]
    own: float | None
    failed: str
    ranks_only: bool
    threads: int
    used: float | None

    def wins(self, figure: str) -> bool:
        """Whether a peer is better than ratecast here."""
        ratio = self.ratios.get(figure)
        if self.ours or ratio is None or (self.ranks_only and figure == "rmse"):
            return False
        return ratio < 1 if FIGURES[figure] else ratio > 1


def lines(section: Record) -> list[Line]:
    """Every method that was run, in the order of the table of methods."""
    result: list[Line] = []
    base: dict[str, dict[str, float]] = {}
    for method in METHODS:
        kind, runs = _quickest(section, method.name)
        if not runs:
            continue
        good = [run for run in runs if "failed" not in run]
        values = _medians(good) if good else {}
        if not method.package:
            base.setdefault(method.family, values)
        first = base.get(method.family, {})
        ratios = {name: value / first[name] for name, value in values.items() if name in first}
        own = [run["rmse"]["test"] for run in _runs(section, method.name, OWN) if "rmse" in run]
        failed = "" if good else str(runs[0]["failed"])
        about = (method.name, method.family, not method.package, len(runs))
        more = own[0] if own else None, failed, method.ranks_only
        result.append(Line(*about, values, ratios, *more, THREADS[kind], _used(good)))
    return result


def _quickest(section: Record, name: str) -> tuple[str, list[Record]]:
    """The runs on all threads, or the one on a single thread where its fit was quicker."""
    every, alone = (_runs(section, name, kind) for kind in (TUNED, SINGLE))
    fits = [
        [run["seconds"]["fit"] for run in runs if "failed" not in run] for runs in (every, alone)
    ]
    quicker = all(fits) and median(fits[1]) < median(fits[0])
    return (SINGLE, alone) if quicker else (TUNED, every)


def _used(runs: list[Record]) -> float | None:
    """Threads that were at work in a fit, by the median of the runs."""
    shares = [run["cpu"]["fit"] / run["seconds"]["fit"] for run in runs if "cpu" in run]
    return float(median(shares)) if shares else None


def _runs(section: Record, name: str, kind: str) -> list[Record]:
    return [row for row in section["rows"] if row["key"].startswith(f"{name}, {kind}, ")]


def _medians(runs: list[Record]) -> dict[str, float]:
    each: list[dict[str, Any]] = [
        {
            "load": run["seconds"]["load"],
            "fit": run["seconds"]["fit"],
            "memory": run["whole"]["peak_gb"],
            "whole": run["whole"]["seconds"],
            "rmse": run["rmse"]["test"],
            "rate": run["per_second"],
        }
        for run in runs
    ]
    return {name: float(median(one[name] for one in each)) for name in each[0]}
