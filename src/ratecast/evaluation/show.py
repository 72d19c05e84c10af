"""Rows as tables: for a terminal, and in Markdown."""

from typing import Any

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
