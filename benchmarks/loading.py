"""How long a table as large as ml-25m takes to generate, read, cache, read again and describe.

Each step starts from a new process; of what is measured thrice, the best is given. Peak memory is
that of the process, imports and mapped files included.
"""

import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.records import Step
from ratecast import data
from ratecast.audit import audit
from ratecast.data.cache import VARIABLE
from ratecast.data.expand import Form, expand
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import MOVIE, USER
from ratecast.splits import chronological

RUNS, ROWS, EDITION = 3, 25_000_000, "ml-25m"
PEAK = "peak GB"
Measured = dict[str, float]


def keep(folder: Path) -> Measured:
    """From CSV to the tables in the cache, and the split that follows from them."""
    seconds, _ = timed(lambda: data.fetch(EDITION, folder, notify=lambda _: None))
    return {"CSV to canonical tables": seconds, f"CSV to canonical tables, {PEAK}": peak()}


def again(_: Path) -> Measured:
    """What every later start does, and what a model and the commands need."""
    load, table = timed(lambda: data.load(EDITION))
    split, parts = timed(lambda: chronological(table))
    figures = {"load again": load, "chronological split": split, f"load and split, {PEAK}": peak()}
    figures["fingerprint of train"], _ = timed(parts.train.fingerprint)
    figures["number the ids"], _ = timed(
        lambda: [
            Vocabulary.of(ids, side).encode(ids)
            for ids, side in (
                (table.frame[USER], table.frame[[USER]]),
                (table.frame[MOVIE], table.movies),
            )
        ]
    )
    figures["describe"], _ = timed(lambda: data.describe(table))
    figures["audit"], _ = timed(lambda: audit(parts, table))
    return figures | {f"all of these, {PEAK}": peak()}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of wall-clock time, and what came of it."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def peak() -> float:
    """The most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def grow_csv(folder: Path) -> Measured:
    """The table itself, in the layout of ml-25m."""
    return _grown(folder, ROWS, "csv", "grow 25 million ratings, CSV")


def grow_parquet(folder: Path) -> Measured:
    """Four times as many, to Parquet: as much memory."""
    return _grown(folder, 4 * ROWS, "parquet", "grow 100 million ratings, Parquet")


def _grown(folder: Path, rows: int, form: Form, name: str) -> Measured:
    source = data.load("ml-100k", notify=lambda _: None)
    seconds, _ = timed(lambda: expand(source, rows, folder, form=form, name="ml-100k"))
    return {name: seconds, f"{name}, {PEAK}": peak()}


def steps() -> list[Step]:
    """The only one."""
    return [("loading", lambda: {"figures": measured()})]


def measured() -> Measured:
    """The best of each figure over the runs; each step in a process of its own."""
    with tempfile.TemporaryDirectory(dir=data.home()) as place:
        csv, home = Path(place) / "csv", Path(place) / "home"
        figures = _fresh(grow_csv, csv, data.home())
        figures |= _fresh(grow_parquet, Path(place) / "parquet", data.home())
        for step in [keep, again] * RUNS:
            seen = _fresh(step, csv, home)
            figures |= {name: min(value, figures.get(name, value)) for name, value in seen.items()}
    return figures


def _fresh(step: Callable[[Path], Measured], folder: Path, home: Path) -> Measured:
    """In a process that has imported nothing; `home` holds its cache."""
    with ProcessPoolExecutor(1, get_context("spawn"), _at_home, (str(home),)) as fresh:
        return fresh.submit(step, folder).result()


def _at_home(home: str) -> None:
    os.environ[VARIABLE] = home
