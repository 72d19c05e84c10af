"""How the cost of models that are trained by epochs grows with the table: one thread, one epoch."""

from collections.abc import Iterator
from functools import partial

from benchmarks.process import ProcessTask, job, measured
from benchmarks.records import Record, Step
from benchmarks.tables import grown

SIZES = (100_000, 1_000_000, 10_000_000)
# `state_space` has no trainer: its epoch is one iteration of EM.
MODELS = ("mf", "neumf", "state_space")
LIMIT_SECONDS = 240.0


def steps(sizes: tuple[int, ...] = SIZES) -> Iterator[Step]:
    """Every model at every size."""
    for rows in sizes:
        for name in MODELS:
            yield f"{name}, {rows}", partial(_epoch, name, rows)


def _epoch(name: str, rows: int) -> Record:
    jobs = [job(grown(rows)["train"], {}, {"model": name})]
    result = measured(ProcessTask("epochs", jobs, 1, LIMIT_SECONDS))
    about = {"model": name, "rows": rows}
    if "failed" in result:
        return about | result
    done = result["done"][0]
    return about | {key: done[key] for key in ("epoch_seconds", "bytes_a_rating", "seconds")}
