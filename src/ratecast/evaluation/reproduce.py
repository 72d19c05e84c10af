"""The honest table: every model on MovieLens 100K, three seeds, from one command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import Progress, TimeElapsedColumn
from rich.table import Table

from ratecast import data
from ratecast.evaluation import protocol, table
from ratecast.evaluation.show import Cells, markdown_table, terminal_table
from ratecast.files import write_text
from ratecast.models.base import Model
from ratecast.splits import Split, chronological

EDITION = "ml-100k"
MODELS = ("mean", "bias", "mf", "mf_bias", "neumf")
SEEDS = (0, 1, 2)

# Of the project that ratecast starts from. Its validation RMSE as its README says it, and as its
# code gives it after the last epoch: every user that is new goes to one untrained row.
ORIGINAL = {"mf": (1.800, 3.353), "mf_bias": (1.507, 2.970), "neumf": (1.081, 1.585)}

README_START = "<!-- results: written by `make reproduce` -->"
README_END = "<!-- /results -->"

HEADER = [
    "model", "valid RMSE", "test RMSE", "± seeds", "valid, known users", "valid, new users",
    "fit, s", "original: published", "original: its code",
]  # fmt: skip

PAGE = """# Results

Written by `make reproduce`; the figures are those of [reproduce.json](../results/reproduce.json).

MovieLens 100K, chronological split: {train:,} ratings of {train_users:,} users and
{train_items:,} movies to learn from, then {valid:,} for validation and {test:,} for the test.
{valid_new_user_rows:,} validation rows and {test_new_user_rows:,} test rows are of users who
have no rating in train. RMSE in stars, over all rows; the mean over {seeds} seeds.

## Frozen: learned from train, hearing nothing more

{frozen}

"Original" is the project that ratecast starts from: its validation RMSE as published, and what
its code yields after the last epoch when it is run (see [protocol](protocol.md)).
"""

MakeModel = Callable[[str, int], Model]


def run(make: MakeModel) -> dict[str, Any]:
    """Fit and score every model with every seed; what results/reproduce.json holds."""
    split = chronological(data.load(EDITION))
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), transient=True) as bar:
        task = bar.add_task("", total=len(MODELS) * len(SEEDS))
        rows = []
        for name in MODELS:
            bar.update(task, description=f"{name:<8}")
            rows += _rows_of(make, name, split, lambda: bar.advance(task))
    return {"dataset": table.dataset(EDITION, split), "rows": rows}


def _rows_of(
    make: MakeModel, name: str, split: Split, after_each: Callable[[], None]
) -> list[table.Row]:
    trials = []
    for seed in SEEDS:
        model = make(name, seed)
        seconds = protocol.fit_timed(model, split)
        trials.append(protocol.run(model, split, "frozen", seconds))
        after_each()
    return table.rows(trials)


def write(results: dict[str, Any], folder: Path) -> None:
    """Write results/reproduce.json and docs/results.md below `folder`, each whole."""
    write_text(folder / "results" / "reproduce.json", json.dumps(results, indent=1) + "\n")
    write_text(folder / "docs" / "results.md", page(results))
    readme = folder / "README.md"
    if readme.exists():
        write_text(readme, with_block(readme.read_text("utf-8"), readme_block(results)))


def page(results: dict[str, Any]) -> str:
    """docs/results.md, from the results and nothing else."""
    frozen = markdown_table(HEADER, cells(results["rows"]))
    return PAGE.format(**results["dataset"], seeds=len(SEEDS), frozen=frozen)


def readme_block(results: dict[str, Any]) -> str:
    """The table of the README, between its two markers."""
    return markdown_table(HEADER, cells(results["rows"]))


def with_block(text: str, block: str) -> str:
    """`text` with `block` between its markers; without markers, as it was."""
    head, start, rest = text.partition(README_START)
    _, end, tail = rest.partition(README_END)
    return f"{head}{start}\n{block}\n{end}{tail}" if start and end else text


def printed(results: dict[str, Any]) -> Table:
    """The table for a terminal."""
    title = f"RMSE in stars on {results['dataset']['name']}, chronological split, frozen"
    return terminal_table(title, HEADER, cells(results["rows"]))


def cells(rows: list[table.Row]) -> Cells:
    """One line for each model, under `HEADER`."""
    return [_line(name, rows) for name in MODELS]


def _line(name: str, rows: list[table.Row]) -> list[str]:
    found = {(r["part"], r["slice"]): r for r in rows if r["model"] == name}
    published, yielded = ORIGINAL.get(name, (None, None))
    return [
        name,
        f"{found['valid', 'all']['rmse']:.4f}",
        f"{found['test', 'all']['rmse']:.4f}",
        f"{found['test', 'all']['rmse_std']:.4f}",
        f"{found['valid', 'known-user']['rmse']:.4f}",
        f"{found['valid', 'new-user']['rmse']:.4f}",
        f"{found['valid', 'all']['fit_seconds']:.1f}",
        f"{published:.3f}" if published else "",
        f"{yielded:.3f}" if yielded else "",
    ]
