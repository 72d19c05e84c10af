"""Rows as tables: for a terminal, and in Markdown."""

from typing import Any

from rich.console import Group
from rich.table import Table

Cells = list[list[str]]


def terminal_table(title: str, header: list[str], cells: Cells) -> Table:
    """A table for `rich.print`; the first column is text, the others are figures."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for line in cells:
        table.add_row(*line)
    return table


def markdown_table(header: list[str], cells: Cells) -> str:
    """The same table in Markdown."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *cells])


SCORE_HEADER = [
    "part", "slice", "n", "RMSE", "± seeds", "MAE", "NLL", "ECE", "80 % interval",
]  # fmt: skip


def score_cells(rows: list[dict[str, Any]]) -> Cells:
    """One line for each row of `table.rows`, under `SCORE_HEADER`."""
    return [
        [
            row["part"],
            row["slice"],
            f"{row['n']:,}",
            f"{row['rmse']:.4f}",
            f"{row['rmse_std']:.4f}",
            f"{row['mae']:.4f}",
            f"{row['nll']:.4f}",
            f"{row['ece']:.4f}",
            f"{row['coverage']:.3f}",
        ]
        for row in rows
    ]


def facts_table(title: str, facts: dict[str, Any]) -> Table:
    """Plain facts, one a line; those of a group are named group, fact."""
    flat: Cells = []
    for name, value in facts.items():
        inner = value if isinstance(value, dict) else {"": value}
        flat += [
            [f"{name} {key}".strip().replace("_", " "), _figure(v)] for key, v in inner.items()
        ]
    return terminal_table(title, ["fact", "value"], flat)


def audit_table(facts: dict[str, Any]) -> Group:
    """The audit of a split: one column for each part, then what leaks."""
    parts = facts["parts"]
    names = list(next(iter(parts.values())))
    lines = [
        [name.replace("_", " "), *(_figure(part[name]) for part in parts.values())]
        for name in names
    ]
    table = terminal_table(f"split {facts['split']}", ["", *parts], lines)
    shared = [
        f"{n:,} rows of the later of {pair} are in the earlier too (same user, movie, time)"
        for pair, n in facts["shared_rows"].items()
        if n
    ]
    leaks = [f"LEAK: {line}" for line in facts["leaks"]] or ["no leak found"]
    return Group(table, *shared, *leaks)


def _figure(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(str(v) for v in value.values())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:,.4g}" if value >= 1 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
