"""How long a table as large as ml-25m takes to be read, kept, read again, split and looked at.

Run: .venv/bin/python benchmarks/load.py [FOLDER]
FOLDER holds ratings.csv and movies.csv as ml-25m has them; without one, a table of 25 million
ratings is grown from ml-100k first. Each step starts from a new process, and the best of three is
given. Peak memory is that of the process, imports and mapped files included.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ratecast import data
from ratecast.audit import audit
from ratecast.data.cache import VARIABLE
from ratecast.data.expand import expand
from ratecast.models.vocabulary import Vocabulary
from ratecast.ratings import MOVIE, USER
from ratecast.splits import chronological

RUNS, ROWS, EDITION = 3, 25_000_000, "ml-25m"
Measured = dict[str, float]


def keep(folder: Path) -> Measured:
    """From CSV to the tables in the cache, and the split that follows from them."""
    seconds, _ = timed(lambda: data.fetch(EDITION, folder, say=lambda _: None))
    return {"CSV to canonical tables": seconds, "peak GB, CSV": peak()}


def again(_: Path) -> Measured:
    """What every later start does, and what a model and the verbs ask for."""
    load, table = timed(lambda: data.load(EDITION))
    split, parts = timed(lambda: chronological(table))
    found = {"load again": load, "chronological split": split, "peak GB, load and split": peak()}
    found["fingerprint of train"], _ = timed(parts.train.fingerprint)
    found["number the ids"], _ = timed(
        lambda: [
            Vocabulary.of(ids, side).encode(ids)
            for ids, side in (
                (table.frame[USER], table.frame[[USER]]),
                (table.frame[MOVIE], table.movies),
            )
        ]
    )
    found["describe"], _ = timed(lambda: data.describe(table))
    found["audit"], _ = timed(lambda: audit(parts, table))
    return found | {"peak GB, all": peak()}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of wall-clock time, and what came of it."""
    start = time.perf_counter()
    made = work()
    return time.perf_counter() - start, made


def peak() -> float:
    """The most memory that this process has held, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def measured(folder: Path) -> Measured:
    """The best of each figure over the runs; the cache is a folder that is gone afterwards."""
    found: Measured = {}
    with tempfile.TemporaryDirectory(dir=folder.parent) as home:
        os.environ[VARIABLE] = home
        for step in [keep, again] * RUNS:
            with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
                seen = fresh.submit(step, folder).result()
            found |= {name: min(value, found.get(name, value)) for name, value in seen.items()}
    return found


def main(folder: Path | None = None) -> Measured:
    """Measure on `folder`, or on a table that is grown for it; print and answer the figures."""
    if folder is not None:
        found = measured(folder)
    else:
        source = data.load("ml-100k")
        with tempfile.TemporaryDirectory() as place:
            made = Path(place) / "table"
            seconds, _ = timed(lambda: expand(source, ROWS, made, form="csv", name="ml-100k"))
            found = {"grow from ml-100k": seconds} | measured(made)
    for name, value in found.items():
        print(f"{name:<26}{value:8.2f}{'' if name.startswith('peak') else ' s'}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
