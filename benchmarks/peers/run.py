"""One process, one peer: reads a request, fits, predicts, writes the results.

    python -m benchmarks.peers.run REQUEST.json ANSWER.json

Needs numpy and polars beside the peer: it runs in the environment of the peers, and in ratecast's.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers import learned
from benchmarks.peers.fits import fits, processor_seconds
from benchmarks.peers.table import RATING, Predict, columns


def main(request: Path, output: Path) -> None:
    """request: module and jobs; each job: settings, train and the parts to predict."""
    task = json.loads(request.read_text("utf-8"))
    peer = import_module(f"benchmarks.peers.{task['module']}")
    if hasattr(peer, "warm"):
        peer.warm(task["jobs"][0]["settings"])
    try:
        results = [done(peer, job) for job in task["jobs"]]
    except learned.NotLearnedError as error:
        raise SystemExit(f"benchmarks/peers/{task['module']}.py: {error}") from None
    output.write_text(json.dumps(results), "utf-8")


def done(peer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """The figures of one job."""
    if hasattr(peer, "walk"):
        return _walked(peer, job)
    return _curve(peer, job) if "epochs" in job else _fitted(peer, job)


def _walked(peer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """As-of RMSE of each part."""
    parts = _parts(job)
    predicted = peer.walk(Path(job["train"]), list(parts.values()), job["settings"])
    pairs = zip(parts.items(), predicted, strict=True)
    return {"rmse": {name: _rmse(path, stars, job) for (name, path), stars in pairs}}


def _fitted(peer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """RMSE, wall-clock and processor seconds and peak memory of one fit and its forecasts."""
    clock = _Clock()
    data = peer.load(Path(job["train"]))
    clock.mark("load")
    predict = peer.fit(data, job["settings"])
    clock.mark("fit")
    _check(peer, predict, job)
    rmse: dict[str, float] = {}
    rate = None
    for name, path in _parts(job).items():
        users, movies, _ = columns(path)
        clock.mark("between")
        predicted = predict(users, movies)
        clock.mark("predict")
        rmse[name] = _rmse(path, predicted, job)
        rate = len(predicted) / clock.seconds["predict"]
    figures = {"seconds": clock.seconds, "cpu": clock.cpu, "peak_gb": clock.peaks}
    return {"rmse": rmse, "per_second": rate} | figures | getattr(peer, "facts", {})


def _curve(peer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """RMSE of each part after so many epochs, and the seconds that a fit of them takes."""
    data, points = _loaded(peer.load, Path(job["train"])), []
    for fit in fits(peer, data, job["settings"], job["epochs"]):
        _check(peer, fit.predict, job)
        rmse = {
            name: _rmse(path, fit.predict(*columns(path)[:2]), job)
            for name, path in _parts(job).items()
        }
        figures = {"epochs": fit.epochs, "seconds": fit.seconds, "cpu": fit.cpu}
        points.append(figures | {"rmse": rmse})
    return {"points": points}


@lru_cache(1)
def _loaded(load: Callable[[Path], Any], train: Path) -> Any:
    """Read once for all settings of a curve, whose seconds are those of fits alone."""
    return load(train)


def _parts(job: dict[str, Any]) -> dict[str, Path]:
    return {name: Path(path) for name, path in job["parts"].items()}


def _check(peer: Any, predict: Predict, job: dict[str, Any]) -> None:
    rows = learned.sample(Path(job["train"]))
    learned.check(predict, rows, getattr(peer, "RANKS_ONLY", False))


def _rmse(path: Path, predicted: Any, job: dict[str, Any]) -> float:
    """Over all rows, clipped to the scale; a gap is an error."""
    stars = pl.read_parquet(path, glob=False)[RATING].to_numpy()
    if len(predicted) != len(stars) or not np.isfinite(predicted).all():
        raise ValueError(f"{path}: {len(stars)} rows, and not as many forecasts")
    clipped = np.clip(predicted, *job["scale"])
    return float(np.sqrt(np.mean((clipped - stars) ** 2, dtype=np.float64)))


class _Clock:
    """Seconds of each stage, by the wall clock and of all cores, and peak memory up to its end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self._at, self._cpu_at = time.perf_counter(), processor_seconds()

    def mark(self, stage: str) -> None:
        now, cpu_now = time.perf_counter(), processor_seconds()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._at
        self.cpu[stage] = self.cpu.get(stage, 0.0) + cpu_now - self._cpu_at
        self.peaks[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        self._at, self._cpu_at = now, cpu_now


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
