"""Tables of scores for papers and programs: CSV, Markdown, LaTeX and JSON, by the file's name."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import markdown_table
from ratecast.output_paths import check_file
from ratecast.plain_json import plain

FORMS = (".json", ".csv", ".md", ".tex")


class Column(NamedTuple):
    """A column of figures: its key in a row, heading, decimals, and what is best."""

    key: str
    heading: str
    decimals: int = 4
    best: str = "least"


_SCORES = (
    Column("rmse", "RMSE"),
    Column("mae", "MAE"),
    Column("nll", "NLL"),
    Column("ece", "ECE"),
    Column("coverage", "80 % interval", 3, "none"),
)
_TEX = str.maketrans(
    {"&": r"\&", "%": r"\%", "#": r"\#", "_": r"\_", "$": r"\$", "{": r"\{", "}": r"\}",
     "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
)  # fmt: skip


def write_rows(path: Path, rows: Sequence[Row], more: dict[str, Any] | None = None) -> None:
    """Write rows of scores to a file.

    path: .json and .csv have every row and figure; .md and .tex, a booktabs table, the rows over
    all of each part but train, with the best figures of a part and protocol bold. more: goes
    beside the rows of .json.
    """
    check_file(path, FORMS)
    form = path.suffix.lower()
    if form == ".json":
        write_text(path, json.dumps(plain({"rows": list(rows)} | (more or {})), indent=1) + "\n")
    elif form == ".csv":
        write_text(path, pl.DataFrame(rows, infer_schema_length=None).write_csv())
    else:
        table = _Table.of(rows)
        write_text(path, (table.markdown() if form == ".md" else table.latex()) + "\n")


class _Table(NamedTuple):
    """header: of every column; words: how many of them are text. lines: with the best marked."""

    header: list[str]
    words: int
    lines: list[list[tuple[str, bool]]]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "_Table":
        shown = [row for row in rows if row["slice"] == "all" and row["part"] != "train"]
        columns = [each for each in _SCORES if any(_known(row[each.key]) for row in shown)]
        several = any(row.get("runs", 1) > 1 for row in shown)
        header = ["model", "protocol", "part", "n", "RMSE", *(["±"] if several else [])]
        header += [each.heading for each in columns[1:]]
        return cls(header, 3, [_line(row, shown, columns, several) for row in shown])

    def markdown(self) -> str:
        cells = [[f"**{text}**" if best else text for text, best in line] for line in self.lines]
        return markdown_table(self.header, cells)

    def latex(self) -> str:
        def row(cells: list[str]) -> str:
            return "  " + " & ".join(cells) + r" \\"

        lines = [
            [rf"\textbf{{{_tex(text)}}}" if best else _tex(text) for text, best in line]
            for line in self.lines
        ]
        kinds = "l" * self.words + "r" * (len(self.header) - self.words)
        head = row([_tex(name) for name in self.header])
        return "\n".join([
            "% needs \\usepackage{booktabs}",
            rf"\begin{{tabular}}{{{kinds}}}",
            r"  \toprule", head, r"  \midrule", *map(row, lines), r"  \bottomrule",
            r"\end{tabular}",
        ])  # fmt: skip


def _line(
    row: Row, shown: list[Row], columns: list[Column], several: bool
) -> list[tuple[str, bool]]:
    rivals = [
        other for other in shown if all(other[k] == row[k] for k in ("protocol", "part", "split"))
    ]
    cells = [(str(row[key]), False) for key in ("model", "protocol", "part")]
    cells.append((f"{row['n']:,}", False))
    for place, column in enumerate(columns):
        figures = [_shown(other, column) for other in rivals if _known(other[column.key])]
        text = _shown(row, column)
        best = column.best == "least" and len(figures) > 1 and text == min(figures, key=float)
        cells.append((text, best))
        if place == 0 and several:
            runs = row.get("runs", 1)
            cells.append((f"{row['rmse_std']:.4f}" if runs > 1 else "", False))
    return cells


def _shown(row: Row, column: Column) -> str:
    return f"{row[column.key]:.{column.decimals}f}" if _known(row[column.key]) else ""


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _tex(text: str) -> str:
    return text.translate(_TEX).replace("±", r"$\pm$")
