"""A comparison for the terminal and as plain values: scores, intervals, and sure differences."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group

from ratecast.evaluation.comparison import ModelComparison
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import LISTS, deviation, figure, list_line, span, terminal_table

HEADER = [
    "model", "RMSE", "95 % interval", "±", "MAE", "NLL", "ECE", "80 %", "nDCG", "order",
    "fit s", "compile s",
]  # fmt: skip


def table(
    rows: Sequence[Row], compared: Sequence[ModelComparison], name: str, lists: Sequence[Row]
) -> Group:
    """A table for each protocol, lowest RMSE first, and the RMSEs that differ not by chance.

    rows, lists: of one table of ratings; lists as of `list_rows`. compared: the forecasts of one
    run of each model, for paired tests.
    """
    shown: list[Any] = []
    for each in compared:
        chosen = [
            row
            for row in rows
            if (row["protocol"], row["part"], row["slice"]) == (each.protocol, each.name, "all")
        ]
        lines = [_line(row) for row in sorted(chosen, key=lambda r: r["rmse"])]
        title = f"{name}, {each.protocol}, {each.name} ({len(each.part):,} rows)"
        shown.append(terminal_table(title, HEADER, lines))
    if lists:
        title = f"{name}, lists of {lists[0]['n']} movies, {lists[0]['part']}"
        shown.append(terminal_table(title, LISTS, [list_line(row) for row in lists]))
    shown += [
        f"{each.protocol}: {pair.better} before {pair.worse}, RMSE lower by {pair.better_by:.4f} "
        f"({pair.low:.4f} to {pair.high:.4f}), p after Holm {pair.p_holm:.4f}"
        for each in compared
        for pair in (each.pairs() if len(each.models) > 1 else ())
        if pair.p_holm < 0.05
    ]
    return Group(*shown)


def _line(row: Row) -> list[str]:
    return [
        row["model"],
        f"{row['rmse']:.4f}",
        span(row),
        deviation(row),
        *(figure(row[key], 4) for key in ("mae", "nll", "ece")),
        figure(row["coverage"], 3),
        figure(row["ndcg"], 4),
        figure(row["concordance"], 4),
        f"{row['fit_seconds']:.1f}",
        f"{row['compile_seconds']:.1f}",
    ]
