"""Tables of scores for papers and programs: CSV, Markdown, LaTeX and JSON, by the file's name."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.evaluation.score_rows import Row
from ratecast.evaluation.terminal import LISTS, list_line, markdown_table
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
    Column("ndcg", "nDCG@10", best="most"),
    Column("concordance", "order", best="most"),
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
        _write_csv(path, rows)
    else:
        _Table.of_scores(rows).write(path)


def write_results(folder: Path, results: dict[str, Any]) -> None:
    """Write all tables of a comparison: scores, lists and differences.

    results: rows, those of `list_rows` as lists, and differences by the name of the table. A table
    without rows has no file; that of an earlier call is removed.
    """
    more = {key: results[key] for key in ("lists", "differences")}
    for form in FORMS:
        write_rows(folder / f"results{form}", results["rows"], more)
    lists, differences = results["lists"], results["differences"].items()
    pairs = [{"data": name} | row for name, rows in differences for row in rows]
    tables = {"lists.csv": lists, "lists.md": lists, "lists.tex": lists, "differences.csv": pairs}
    for name, rows in tables.items():
        path = folder / name
        if not rows:
            path.unlink(missing_ok=True)
        elif path.suffix == ".csv":
            _write_csv(path, rows)
        else:
            _Table.of_lists(rows).write(path)


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    write_text(path, pl.DataFrame(rows, infer_schema_length=None).write_csv())


class _Table(NamedTuple):
    """header: of every column; words: how many of them are text. lines: with the best marked."""

    header: list[str]
    words: int
    lines: list[list[tuple[str, bool]]]

    @classmethod
    def of_scores(cls, rows: Sequence[Row]) -> "_Table":
        shown = [row for row in rows if row["slice"] == "all" and row["part"] != "train"]
        columns = [each for each in _SCORES if any(_known(row[each.key]) for row in shown)]
        several = any(row.get("runs", 1) > 1 for row in shown)
        words = [*_tables(shown), "model", "protocol", "part"]
        header = [*words, "n", "RMSE", *(["±"] if several else [])]
        header += [each.heading for each in columns[1:]]
        lines = [_line(row, shown, columns, several) for row in shown]
        about = [[(str(row[key]), False) for key in words] for row in shown]
        return cls(header, len(words), [a + b for a, b in zip(about, lines, strict=True)])

    @classmethod
    def of_lists(cls, rows: Sequence[Row]) -> "_Table":
        words = [*_tables(rows), "model", "part"]
        lines = [[row[key] for key in words] + list_line(row)[1:] for row in rows]
        cells = [[(text, False) for text in line] for line in lines]
        return cls([*words, *LISTS[1:]], len(words), cells)

    def write(self, path: Path) -> None:
        is_markdown = path.suffix.lower() == ".md"
        write_text(path, (self._markdown() if is_markdown else self._latex()) + "\n")

    def _markdown(self) -> str:
        cells = [[f"**{text}**" if best else text for text, best in line] for line in self.lines]
        return markdown_table(self.header, cells)

    def _latex(self) -> str:
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
    same = ("data", "protocol", "part", "split")
    rivals = [other for other in shown if all(other.get(key) == row.get(key) for key in same)]
    cells = [(f"{row['n']:,}", False)]
    for place, column in enumerate(columns):
        figures = [_shown(other, column) for other in rivals if _known(other[column.key])]
        text = _shown(row, column)
        among = {"least": min, "most": max}.get(column.best)
        best = among is not None and len(figures) > 1 and text == among(figures, key=float)
        cells.append((text, best))
        if place == 0 and several:
            runs = row.get("runs", 1)
            cells.append((f"{row['rmse_std']:.4f}" if runs > 1 else "", False))
    return cells


def _tables(rows: Sequence[Row]) -> list[str]:
    """The column of the table of ratings, where the rows are of several."""
    return ["data"] if len({row.get("data") for row in rows}) > 1 else []


def _shown(row: Row, column: Column) -> str:
    return f"{row[column.key]:.{column.decimals}f}" if _known(row[column.key]) else ""


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _tex(text: str) -> str:
    return text.translate(_TEX).replace("±", r"$\pm$")
