"""A billion ratings on two workers of a Ray cluster: a sweep of als, and lists of a million users.

python -m benchmarks.large_on_cluster ROWS USERS     the same at another size, printed, not saved
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

import ratecast as rc
from benchmarks import billion
from benchmarks.environment import ROOT
from benchmarks.process import environment_of
from benchmarks.records import Record, Step
from ratecast import data
from ratecast.evaluation.list_parts import Lists, write_lists
from ratecast.evaluation.part_runs import SavedModel
from ratecast.queries.id_lists import candidates
from ratecast.workers import Place

ROWS, USERS, FACTORS, COUNT = 1_000_000_000, 1_000_000, 32, 10
PLACE: Place = rc.Ray(workers=2)
SWEEP, LISTS = "a sweep of als", "lists"
_POLL = 1.0


def steps(rows: int = ROWS, users: int = USERS) -> list[Step]:
    """The fit, and the lists of the model that it left."""
    return [(what, partial(_alone, what, rows, users)) for what in (SWEEP, LISTS)]


def _alone(what: str, rows: int, users: int) -> Record:
    words = [sys.executable, "-m", "benchmarks.large_on_cluster", what, str(rows), str(users)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(1), check=True, stdout=subprocess.PIPE, text=True
    )
    found: Record = json.loads(ran.stdout.splitlines()[-1])
    return {"work": what} | found


def _model(rows: int) -> Path:
    return data.home() / "bench" / f"als-sweep-{rows}"


def sweep(rows: int) -> Record:
    """Seconds of the preparation and of each half of one iteration, the start of workers apart."""
    model = rc.ALS(factors=FACTORS, solver="gradients", iterations=1)
    ends, iterate = list[float](), model.iterate

    def timed(*given: Any) -> None:
        if not ends:
            ends.append(time.perf_counter())
        iterate(*given)
        ends.append(time.perf_counter())

    model.iterate = timed  # type: ignore[assignment, method-assign]
    on, start = PLACE if isinstance(PLACE, rc.Ray) else None, time.perf_counter()
    with tempfile.TemporaryDirectory(dir=data.home()) as home:
        rc.fit_out_of_core(
            model, billion.grown(rows), Path(home) / "work", valid=billion.HELD / rows, on=on,
            notify=lambda _: None,
        )  # fmt: skip
        whole = time.perf_counter() - start
    halves = [after - before for before, after in pairwise(ends)]
    model.save(_model(rows))
    seconds = {"whole": whole, "preparation": ends[0] - start, "sweep": sum(halves)}
    seconds["the rest"] = whole - seconds["preparation"] - seconds["sweep"]
    sizes = {"ratings": rows, "users": len(model.users), "movies": len(model.movies)}
    return {"sizes": sizes, "seconds": seconds}


def lists(rows: int, users: int) -> Record:
    """Seconds of the ten best of all movies for the first users of the model, as Parquet."""
    saved = SavedModel.at(_model(rows))
    model = saved.load()
    known, movies = model.users.known[:users], candidates(model)
    sizes = {"users": len(known), "movies": len(movies)}
    wanted = Lists(saved, COUNT, movies, rc.Requests.of([], []))
    with tempfile.TemporaryDirectory(dir=data.home()) as home:
        start = time.perf_counter()
        parts = write_lists(Path(home) / "lists", wanted, known, PLACE)
        whole = time.perf_counter() - start
    written = sum(part.rows for part in parts)
    assert written == COUNT * len(known)
    return {"sizes": sizes | {"rows": written}, "seconds": {"whole": whole}}


class Memory:
    """The most that this process and all that it began held at a time, in GB."""

    def __init__(self) -> None:
        self.peak = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Sample it in the block."""
        ended = threading.Event()

        def sample() -> None:
            while not ended.wait(_POLL):
                self.peak = max(self.peak, _gigabytes())
            self.peak = max(self.peak, _gigabytes())

        sampler = threading.Thread(target=sample)
        sampler.start()
        try:
            yield
        finally:
            ended.set()
            sampler.join()


def _gigabytes() -> float:
    """Of all processes now. What several share, such as the object store, counts once."""
    first, total = psutil.Process(), 0
    for process in (first, *first.children(recursive=True)):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total / 1e9


if __name__ == "__main__":
    if len(sys.argv) == 3:
        for key, step in steps(int(float(sys.argv[1])), int(float(sys.argv[2]))):
            print(key, json.dumps(step(), indent=1))
    else:
        memory, what = Memory(), sys.argv[1]
        ratings, count = (int(word) for word in sys.argv[2:])
        with memory.watched():
            found = sweep(ratings) if what == SWEEP else lists(ratings, count)
        print(json.dumps(found | {"peak_gb": memory.peak}))
