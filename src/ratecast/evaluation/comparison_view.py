"""A comparison for the terminal and as plain values: scores, intervals, and sure differences."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group

from ratecast.evaluation.comparison import comparisons
from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import deviation, figure, terminal_table

HEADER = [
    "model", "RMSE", "95 % interval", "±", "MAE", "NLL", "ECE", "80 %", "nDCG", "order",
    "fit s", "compile s",
]  # fmt: skip


def table(
    rows: Sequence[Row],
    trials: Sequence[Trial],
    part: str,
    name: str,
    found: Sequence[dict[str, Any]],
) -> Group:
    """A table for each protocol, lowest RMSE first, and the differences that are not by chance.

    rows: of one table of ratings. trials: the forecasts of one run of each model, for intervals.
    found: their `differences`.
    """
    shown: list[Any] = []
    for each in comparisons(trials, part):
        spans = dict(zip(each.models, each.bootstrap.intervals().tolist(), strict=True))
        chosen = [
            row
            for row in rows
            if (row["protocol"], row["part"], row["slice"]) == (each.protocol, part, "all")
        ]
        lines = [_line(row, spans[row["model"]]) for row in sorted(chosen, key=lambda r: r["rmse"])]
        title = f"{name}, {each.protocol}, {part} ({len(each.part):,} rows)"
        shown.append(terminal_table(title, HEADER, lines))
    sure = [row for row in found if row["p_holm"] < 0.05]
    shown += [
        f"{row['protocol']}: {row['better']} before {row['worse']}, RMSE lower by "
        f"{row['rmse_lower_by']:.4f} ({row['low']:.4f} to {row['high']:.4f}), p after Holm "
        f"{row['p_holm']:.4f}"
        for row in sure
    ]
    return Group(*shown)


def differences(trials: Sequence[Trial], part: str) -> list[dict[str, Any]]:
    """Every pair of models by every protocol: as `Pair`, beside protocol and part."""
    return [
        {"protocol": each.protocol, "part": part} | pair._asdict()
        for each in comparisons(trials, part)
        if len(each.models) > 1
        for pair in each.pairs()
    ]


def _line(row: Row, span: list[float]) -> list[str]:
    return [
        row["model"],
        f"{row['rmse']:.4f}",
        f"{span[0]:.4f} to {span[1]:.4f}",
        deviation(row),
        *(figure(row[key], 4) for key in ("mae", "nll", "ece")),
        figure(row["coverage"], 3),
        figure(row["ndcg"], 4),
        figure(row["concordance"], 4),
        f"{row['fit_seconds']:.1f}",
        f"{row['compile_seconds']:.1f}",
    ]
