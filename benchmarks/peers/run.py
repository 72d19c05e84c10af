"""One process, one peer: reads a request, fits, predicts, writes the results.

    python -m benchmarks.peers.run REQUEST.json ANSWER.json

Needs numpy and polars beside the peer: it runs in the environment of the peers, and in ratecast's.
"""

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.peers.table import RATING, columns


def main(request: Path, output: Path) -> None:
    """request: module and jobs; each job: settings, train and the parts to predict."""
    task = json.loads(request.read_text("utf-8"))
    peer = import_module(f"benchmarks.peers.{task['module']}")
    if hasattr(peer, "warm"):
        peer.warm(task["jobs"][0]["settings"])
    results = [done(peer, job) for job in task["jobs"]]
    output.write_text(json.dumps(results), "utf-8")


def done(peer: Any, job: dict[str, Any]) -> dict[str, Any]:
    """RMSE, seconds and peak memory of one fit and its forecasts."""
    parts = {name: Path(path) for name, path in job["parts"].items()}
    low, high = job["scale"]
    if hasattr(peer, "walk"):
        predicted = peer.walk(Path(job["train"]), list(parts.values()), job["settings"])
        return {
            "rmse": {
                n: _rmse(p, np.clip(s, low, high))
                for (n, p), s in zip(parts.items(), predicted, strict=True)
            }
        }
    clock = _Clock()
    data = peer.load(Path(job["train"]))
    clock.mark("load")
    predict = peer.fit(data, job["settings"])
    clock.mark("fit")
    rmse: dict[str, float] = {}
    rate = None
    for name, path in parts.items():
        users, movies, _ = columns(path)
        clock.mark("between")
        predicted = predict(users, movies)
        clock.mark("predict")
        rmse[name] = _rmse(path, np.clip(predicted, low, high))
        rate = len(predicted) / clock.seconds["predict"]
    figures = {"seconds": clock.seconds, "peak_gb": clock.peaks}
    return {"rmse": rmse, "per_second": rate} | figures | getattr(peer, "facts", {})


def _rmse(path: Path, predicted: Any) -> float:
    """Over all rows; a gap is an error."""
    stars = pl.read_parquet(path, glob=False)[RATING].to_numpy()
    if len(predicted) != len(stars) or not np.isfinite(predicted).all():
        raise ValueError(f"{path}: {len(stars)} rows, and not as many forecasts")
    return float(np.sqrt(np.mean((predicted - stars) ** 2, dtype=np.float64)))


class _Clock:
    """Wall-clock seconds of each stage, and the most memory that was held up to its end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self._at = time.perf_counter()

    def mark(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._at
        self.peaks[stage] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
        self._at = now


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
