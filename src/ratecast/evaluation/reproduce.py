"""Reproduction: every model on MovieLens 100K, both protocols, three seeds, by one command."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ratecast import data
from ratecast.atomic_write import write_text
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.results_page import SEEDS, page, readme_block, with_block
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.shared_fits import sharing
from ratecast.models import MODELS, model_class
from ratecast.plain_json import plain
from ratecast.splits import Split, named
from ratecast.workers import Labelled, Local, Place, Shared, gathered, pool

EDITION = "ml-100k"
WORKERS = 2

Make = Callable[..., Model]


@dataclass(frozen=True)
class Entry:
    """One row of the tables: a model under a label, and its splits."""

    label: str
    splits: tuple[str, ...] = ("chronological",)
    untimed: bool = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self.label.removesuffix(UNTIMED)


UNTIMED = "-untimed"
BOTH = ("chronological", "u1")
# A random fold breaks the order of a user's ratings, which attention reads, and has hardly a new
# user, for whom cold_start is made.
CHRONOLOGICAL_ONLY = {"attention", "cold_start"}
# Its fits take longest, and it is one of the others, or a mean of them: see docs/tables.md.
NOT_HERE = {"auto"}
# Every other model of the table, a new one too.
PLAN = (
    *(
        Entry(name) if name in CHRONOLOGICAL_ONLY else Entry(name, BOTH)
        for name in MODELS
        if name not in NOT_HERE
    ),
    Entry("blend-untimed", ("u1",), untimed=True),
)


@dataclass(frozen=True)
class Job:
    """One fit: an entry, a split and a seed; it is scored by all protocols that are possible."""

    entry: Entry
    split: str
    seed: int

    def __str__(self) -> str:
        return f"{self.entry.label}, {self.split}, seed {self.seed}"


def jobs() -> list[Job]:
    """Every fit of the plan, long ones first; a model without randomness is fitted once."""
    in_plan_order = [
        Job(entry, split, seed)
        for entry in PLAN
        for split in entry.splits
        for seed in (SEEDS if model_class(entry.name).is_random else SEEDS[:1])
    ]
    return in_plan_order[::-1]


def run(make: Make, place: Place = Local(jobs=WORKERS)) -> dict[str, Any]:  # noqa: B008
    """Fit and score the whole plan; returns the content of results/reproduce.json.

    make: returns a model for a name, seed and settings; it must be importable, because workers of
    one thread each do the fits. On one machine they share fits of the same settings on the same
    ratings: the parts of a blend have rows of their own.
    """
    splits = {name: named(data.load(EDITION), name)[0] for name in BOTH}
    with (
        TemporaryDirectory(prefix="ratecast-") as folder,
        pool(place, threads=1) as workers,
    ):
        shared = Path(folder) if isinstance(place, Local) or place.address is None else None
        parts = {name: workers.share(split) for name, split in splits.items()}
        calls = {job: (measure, make, job, parts[job.split], shared) for job in jobs()}
        rows = dict(gathered(workers, calls, Labelled("reproduce", "fits")))
    about = score_rows.dataset(EDITION, splits["chronological"])
    return {"dataset": about, "rows": _in_plan_order(rows)}


def measure(
    make: Make, job: Job, split: Shared[Split], folder: Path | None = None
) -> dict[protocol.Protocol, list[score_rows.Row]]:
    """The rows of one fit by every protocol that the model and the split allow.

    folder: of the fits that others have made.
    """
    settings = {"timed": False} if job.entry.untimed else {}
    model = make(job.entry.name, seed=job.seed, **settings)
    with sharing(folder):
        trials = protocol.fit_and_predict(model, split.value())
    return {t.protocol: score_rows.rows_of(replace(t, model=job.entry.label)) for t in trials}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results/reproduce.json below `folder`, and the pages that show its results."""
    write_text(folder / "results" / "reproduce.json", json.dumps(plain(results), indent=1) + "\n")
    render(folder)


def render(folder: Path) -> None:
    """Write docs/results.md and the table in the README from the results below `folder`."""
    results, folds = read(folder)
    write_text(folder / "docs" / "results.md", page(results, folds))
    readme = folder / "README.md"
    if readme.exists():
        write_text(readme, with_block(readme.read_text("utf-8"), readme_block(results)))


def read(folder: Path) -> tuple[dict[str, Any], list[score_rows.Row]]:
    """The results below `folder`: those of the reproduction, and the rows of random folds."""
    results = json.loads((folder / "results" / "reproduce.json").read_text("utf-8"))
    files = sorted((folder / "results").glob("kfold_*.json"))
    labelled = [
        row | {"model": file.stem.removeprefix("kfold_")}
        for file in files
        for row in json.loads(file.read_text("utf-8"))["rows"]
    ]
    return results, labelled


def _in_plan_order(
    fits: dict[Job, dict[protocol.Protocol, list[score_rows.Row]]],
) -> list[score_rows.Row]:
    """Rows in the order of the plan, averaged over seeds."""
    rows: list[score_rows.Row] = []
    by: protocol.Protocol
    for by in ("frozen", "as-of"):
        for entry in PLAN:
            for split in entry.splits:
                runs = [fits[job] for job in fits if (job.entry, job.split) == (entry, split)]
                rows += score_rows.averaged([run[by] for run in runs if by in run])
    return rows
