"""Fits, lists and comparisons on a Ray cluster of this machine, by one worker, two, and without.

Each measurement is a process of its own; workers have one core each.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import ratecast as rc
from benchmarks import tables
from benchmarks.environment import ROOT
from benchmarks.loading import peak
from benchmarks.process import environment_of
from benchmarks.records import Record, Step
from ratecast import data
from ratecast.arrays import F64
from ratecast.evaluation.list_parts import Lists, write_lists
from ratecast.evaluation.part_runs import SavedModel
from ratecast.models.mf_bias.sgd_epochs import DescentSettings
from ratecast.queries.id_lists import candidates
from ratecast.workers import Labelled, Local, Place, gathered, pool
from ratecast.workers.actors import actors
from ratecast.workers.contract import Actors

ROWS, FACTORS, EPOCHS, ITERATIONS, FITS = 25_000_000, 64, 6, 3, 8
# No cluster: this process with one thread; its own processes; workers of a cluster.
ALONE = "without Ray, one thread"
PLACES: dict[str, Place] = {
    ALONE: Local(),
    "one worker": rc.Ray(workers=1),
    "two workers": rc.Ray(workers=2),
}


def steps(rows: int = ROWS) -> list[Step]:
    """Every work at every place, the places taking turns."""
    work = [(name, place) for name in WORK for place in PLACES]
    return [(f"{name}, {place}", partial(_alone, name, place, rows)) for name, place in work]


def _alone(name: str, place: str, rows: int) -> Record:
    words = [sys.executable, "-m", "benchmarks.on_cluster", name, place, str(rows)]
    ran = subprocess.run(
        words, cwd=ROOT, env=environment_of(1), check=True, capture_output=True, text=True
    )
    found: Record = json.loads(ran.stdout.splitlines()[-1])
    return {"work": name, "place": place} | found


def _descent(place: Place, rows: int) -> Record:
    """Seconds of an epoch of mf_bias."""
    settings = DescentSettings(epochs=EPOCHS, patience=EPOCHS)
    model = rc.BiasedMatrixFactorization(factors=FACTORS, solver="kernel", descent=settings)
    ends: list[float] = []
    model.on_epoch = lambda *_: ends.append(time.perf_counter())
    whole = _fit(model, place, rows)
    # The first has the start of the workers in it.
    seconds = {"each": median(_between(ends)), "whole": whole}
    return {"seconds": seconds, "unit": "epoch"} | _size(model)


def _alternation(place: Place, rows: int) -> Record:
    """Seconds of half an iteration of als."""
    model = rc.ALS(factors=FACTORS, solver="gradients", iterations=ITERATIONS)
    ends, iterate = list[float](), model.iterate

    def timed(*given: Any) -> None:
        iterate(*given)
        ends.append(time.perf_counter())

    model.iterate = timed  # type: ignore[assignment, method-assign]
    whole = _fit(model, place, rows)
    seconds = {"each": median(_between(ends)), "whole": whole}
    return {"seconds": seconds, "unit": "half iteration"} | _size(model)


def _size(model: rc.Model) -> Record:
    """What a simulation of the fit needs to know."""
    size = {"users": len(model.users), "movies": len(model.movies), "factors": FACTORS}
    return {"size": {"ratings": int(model.counts.of_users.sum())} | size}


def _between(ends: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(ends)]


def _fit(model: rc.Model, place: Place, rows: int) -> float:
    """Seconds of the fit out of core, with the preparation of the rows."""
    parts = tables.grown(rows)
    on = place if isinstance(place, rc.Ray) else None
    with tempfile.TemporaryDirectory(dir=data.home()) as home:
        fit = partial(
            rc.fit_out_of_core, parts=[parts["inner"]], folder=f"{home}/work",
            valid=parts["valid"], notify=lambda _: None,
        )  # fmt: skip
        return _seconds(lambda: fit(model, on=on))


def _lists(place: Place, rows: int) -> Record:
    """Seconds of the lists of a thousand users, the ten best of all movies, by als."""
    saved = SavedModel.at(_saved_als(rows))
    model = saved.load()
    users = model.users.known
    lists = Lists(saved, 10, candidates(model), rc.Requests.of([], []))
    with tempfile.TemporaryDirectory(dir=data.home()) as home:
        whole = _seconds(lambda: write_lists(Path(home) / "lists", lists, users, place))
    return {"seconds": {"each": whole / len(users) * 1000, "whole": whole}, "unit": "1,000 lists"}


def _saved_als(rows: int) -> Path:
    """A model of the grown table, fitted once: how well does not matter here."""
    folder = data.home() / "bench" / f"als-{rows}"
    if not folder.exists():
        ratings = rc.load(tables.grown(rows)["train"])
        rc.ALS(factors=FACTORS, solver="gradients", iterations=1).fit(ratings).save(folder)
    return folder


def _compare(place: Place, rows: int) -> Record:
    """Seconds of fits of als with several seeds on a table of 150,000 ratings at most."""
    split = rc.holdout(rc.load(tables.grown(min(rows, 150_000))["train"]))
    jobs = place if isinstance(place, rc.Ray) else 1
    model = rc.ALS(factors=16, solver="exact")
    whole = _seconds(lambda: rc.compare([rc.Mean(), model], split, seeds=FITS, jobs=jobs))
    return {"seconds": {"each": whole / FITS, "whole": whole}, "unit": "fit"}


def _messages(place: Place, _: int) -> Record:
    """Seconds of a hundred megabytes that a worker makes and another one copies, 1 MB at a time."""
    with pool(place) as workers:
        both = actors(workers, "messages", _Messages, [()] * min(workers.count, 2))
        last = min(workers.count, 2) - 1
        _passed_on(both, last, 1)
        whole = _seconds(lambda: _passed_on(both, last, 100))
        both.end()
    return {"seconds": {"each": whole, "whole": whole}, "unit": "100 MB"}


def _passed_on(both: Actors, last: int, count: int) -> None:
    made = [both.call(0, "make")[0] for _ in range(count)]
    both.get([both.call(last, "take", each)[0] for each in made])


class _Messages:
    """What an actor makes, and another one copies."""

    def make(self) -> F64:
        """A megabyte."""
        return np.ones(1 << 17)

    def take(self, array: F64) -> float:
        """Copy it."""
        return float(array.copy()[0])


def _start(place: Place, _: int) -> Record:
    """Seconds from nothing to the result of a first call."""

    def first() -> None:
        with pool(place) as workers:
            list(gathered(workers, {"first": (abs, -1)}, Labelled("start", "calls")))

    whole = _seconds(first)
    return {"seconds": {"each": whole, "whole": whole}, "unit": "start"}


def _seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


WORK: dict[str, Callable[[Place, int], Record]] = {
    "start": _start,
    "messages": _messages,
    "mf_bias": _descent,
    "als": _alternation,
    "lists": _lists,
    "compare": _compare,
}


if __name__ == "__main__":
    name, place, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    print(json.dumps(WORK[name](PLACES[place], rows) | {"driver_gb": peak()}))
