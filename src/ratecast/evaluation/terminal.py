"""Tables for the terminal and in Markdown."""

from math import isnan, nan
from typing import Any

from rich.console import Group
from rich.table import Table

from ratecast.visible_text import one_line

Cells = list[list[str]]


def terminal_table(title: str, header: list[str], cells: Cells) -> Table:
    """A table for `rich.print`; the first column is text, the others are numbers."""
    table = Table(title=one_line(title), title_justify="left", header_style="bold")
    for number, name in enumerate(header):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for line in cells:
        table.add_row(*line)
    return table


def score_table(title: str, header: list[str], cells: Cells) -> Table:
    """The same, without the columns that no line fills."""
    filled = [k for k in range(len(header)) if any(line[k] for line in cells)]
    shown = [[line[k] for k in filled] for line in cells]
    return terminal_table(title, [header[k] for k in filled], shown)


def markdown_table(header: list[str], cells: Cells) -> str:
    """The same table in Markdown."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [header, rule, *cells])


SCORE_HEADER = [
    "part", "slice", "n", "RMSE", "95 % interval", "± runs", "MAE", "NLL", "ECE", "80 % interval",
]  # fmt: skip


def score_cells(rows: list[dict[str, Any]]) -> Cells:
    """One line for each row of `score_rows`, under `SCORE_HEADER`."""
    return [
        [
            row["part"],
            row["slice"],
            f"{row['n']:,}",
            f"{row['rmse']:.4f}",
            span(row),
            deviation(row),
            f"{row['mae']:.4f}",
            *(figure(row[key], 4) for key in ("nll", "ece")),
            figure(row["coverage"], 3),
        ]
        for row in rows
    ]


LISTS = [
    "model", "coverage", "novelty", "diversity", "popularity", "lift", "Gini", "recall", "lists",
    "n of recall",
]  # fmt: skip


def list_line(row: dict[str, Any]) -> list[str]:
    """The cells of a row of `list_rows`, under `LISTS`."""
    return [
        row["model"],
        figure(row["catalogue_coverage"], 4),
        figure(row["novelty"], 3),
        *(figure(row[key], 4) for key in ("diversity", "popularity")),
        "" if isnan(row["popularity_lift"]) else f"{row['popularity_lift']:+.1%}",
        *(figure(row[key], 4) for key in ("gini", "recall")),
        *(f"{row[key]:,}" for key in ("lists", "users_with_liked")),
    ]


def figure(value: float, decimals: int) -> str:
    """A figure with so many decimals; empty where there is none."""
    return "" if isnan(value) else f"{value:.{decimals}f}"


def span(row: dict[str, Any]) -> str:
    """The 95 % interval of the RMSE; empty where there is none."""
    low, high = (row.get(end, nan) for end in ("rmse_low", "rmse_high"))
    return "" if isnan(low) else f"{low:.4f} to {high:.4f}"


def deviation(row: dict[str, Any]) -> str:
    """The standard deviation of the RMSE over runs; empty for a single run, which has none."""
    # Results of versions before 0.2 do not say how many runs there were.
    runs = row.get("runs", 1 + (row["rmse_std"] > 0))
    return f"{row['rmse_std']:.4f}" if runs > 1 else ""


def summary_table(title: str, summary: dict[str, Any]) -> Table:
    """One line for each value; a value of a nested group has the group's name before its own."""
    flat: Cells = []
    for name, value in summary.items():
        inner = value if isinstance(value, dict) else {"": value}
        flat += [[f"{name} {key}".strip().replace("_", " "), _cell(v)] for key, v in inner.items()]
    return terminal_table(title, ["property", "value"], flat)


def audit_table(audit: dict[str, Any]) -> Group:
    """The audit of a split: one column for each part, then its borders, remarks and leaks."""
    parts = audit["parts"]
    names = list(next(iter(parts.values())))
    lines = [
        [name.replace("_", " "), *(_cell(part[name]) for part in parts.values())] for name in names
    ]
    table = terminal_table(f"split {audit['split']}", ["", *parts], lines)
    shared = [
        f"{pair}: {n:,} rows of the later part are in the earlier too (same user, movie, time)"
        for pair, n in audit["shared_rows"].items()
        if n
    ]
    periods = [
        f"{part}: from {border['from'] or 'the first'}, before {border['until'] or 'no end'}"
        for part, border in audit["borders"].items()
    ]
    left_out = [f"{audit['left_out']:,} rows are in no part"] if audit["left_out"] else []
    about = [*periods, *map(one_line, audit["remarks"]), *left_out]
    leaks = [f"LEAK: {line}" for line in audit["leaks"]] or ["no leaks"]
    return Group(table, *about, *shared, *leaks)


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, dict):
        return "\n".join(one_line(str(v)) for v in value.values())
    if isinstance(value, list):
        return one_line(", ".join(value))
    if isinstance(value, float):
        return f"{value:,.4g}" if value >= 1 else f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else one_line(str(value))
