"""Every model on MovieLens 100K, both protocols, three seeds: measured by one command."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ratecast import data
from ratecast.atomic_write import write_text
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.results_page import SEEDS, page, readme_block, with_block
from ratecast.modelling.contract.model import Model
from ratecast.models import model_class
from ratecast.progress import bar, silent
from ratecast.splits import Split, named

EDITION = "ml-100k"
WORKERS = 2
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

Make = Callable[..., Model]


@dataclass(frozen=True)
class Entry:
    """One line of the tables: a model under a label, and the splits that it is measured on."""

    label: str
    splits: tuple[str, ...] = ("chronological",)
    untimed: bool = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self.label.removesuffix(UNTIMED)


UNTIMED = "-untimed"
BOTH = ("chronological", "u1")
PLAN = (
    Entry("mean", BOTH),
    Entry("bias", BOTH),
    Entry("mf", BOTH),
    Entry("mf_bias", BOTH),
    Entry("neumf", BOTH),
    Entry("knn", BOTH),
    Entry("als", BOTH),
    Entry("svdpp", BOTH),
    Entry("attention"),
    Entry("state_space", BOTH),
    Entry("cold_start"),
    Entry("gaussian_process", BOTH),
    Entry("factorization_machine", BOTH),
    Entry("blend", BOTH),
    Entry("blend-untimed", ("u1",), untimed=True),
)


@dataclass(frozen=True)
class Job:
    """One fit: an entry, a split and a seed, and all the protocols that it can be asked by."""

    entry: Entry
    split: str
    seed: int


def jobs() -> list[Job]:
    """Every fit of the plan, the long ones first; a model that draws nothing is fitted once."""
    every = [
        Job(entry, split, seed)
        for entry in PLAN
        for split in entry.splits
        for seed in (SEEDS if model_class(entry.name).is_random else SEEDS[:1])
    ]
    return every[::-1]


def run(make: Make, workers: int = WORKERS) -> dict[str, Any]:
    """Fit and score the whole plan; what results/reproduce.json holds.

    make: makes a model from its name, seed and settings; it must be importable, as the fits run in
    `workers` processes of one thread each.
    """
    split = _split("chronological")
    context = multiprocessing.get_context("spawn")
    # Before a process starts: a BLAS reads it when it is loaded, and two pools of threads on two
    # cores wait for each other (40 times slower where matrices are large).
    os.environ |= dict.fromkeys(THREADS, "1")
    with ProcessPoolExecutor(workers, context) as pool:
        waiting = {pool.submit(measure, make, job): job for job in jobs()}
        done = {waiting[future]: future.result() for future in _watched(waiting)}
    return {"dataset": score_rows.dataset(EDITION, split), "rows": _in_order(done)}


def measure(make: Make, job: Job) -> dict[protocol.Protocol, list[score_rows.Row]]:
    """The rows of one fit, frozen and, where the model hears and time has an order, as-of."""
    settings = {"timed": False} if job.entry.untimed else {}
    model = make(job.entry.name, seed=job.seed, **settings)
    with silent():
        trials = protocol.fit_and_predict(model, _split(job.split))
    return {t.protocol: score_rows.rows_of(replace(t, model=job.entry.label)) for t in trials}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results/reproduce.json below `folder`, and the pages that show it."""
    write_text(folder / "results" / "reproduce.json", json.dumps(results, indent=1) + "\n")
    render(folder)


def render(folder: Path) -> None:
    """Write docs/results.md and the README's table from the results below `folder`."""
    results, folds = read(folder)
    write_text(folder / "docs" / "results.md", page(results, folds))
    readme = folder / "README.md"
    if readme.exists():
        write_text(readme, with_block(readme.read_text("utf-8"), readme_block(results)))


def read(folder: Path) -> tuple[dict[str, Any], list[score_rows.Row]]:
    """The results below `folder`: of the reproduction, and the rows of random folds."""
    results = json.loads((folder / "results" / "reproduce.json").read_text("utf-8"))
    files = sorted((folder / "results").glob("kfold_*.json"))
    labelled = [
        row | {"model": file.stem.removeprefix("kfold_")}
        for file in files
        for row in json.loads(file.read_text("utf-8"))["rows"]
    ]
    return results, labelled


def _split(name: str) -> Split:
    return named(data.load(EDITION), name)[0]


def _watched(waiting: Iterable["Future[Any]"]) -> Iterable["Future[Any]"]:
    futures = list(waiting)
    with bar("reproduce", len(futures), unit="fits") as moved:
        for future in as_completed(futures):
            moved.advance()
            yield future


def _in_order(
    done: dict[Job, dict[protocol.Protocol, list[score_rows.Row]]],
) -> list[score_rows.Row]:
    """Rows in the order of the plan, the mean over seeds."""
    rows: list[score_rows.Row] = []
    asked: protocol.Protocol
    for asked in ("frozen", "as-of"):
        for entry in PLAN:
            for split in entry.splits:
                found = [done[job] for job in done if (job.entry, job.split) == (entry, split)]
                rows += score_rows.averaged([run[asked] for run in found if asked in run])
    return rows
