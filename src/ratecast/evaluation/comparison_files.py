"""The files of a comparison: tables of all scores, a page and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ratecast.evaluation.protocol import Trial
from ratecast.evaluation.report import write_figures, write_report
from ratecast.evaluation.result_tables import FORMS, write_rows
from ratecast.evaluation.score_rows import Row
from ratecast.splits.files import file_name

Differences = Mapping[str, Sequence[dict[str, Any]]]


def write_files(
    rows: Sequence[Row],
    trials: Mapping[str, Sequence[Trial]],
    part: str,
    out: Path,
    found: Differences,
) -> None:
    """Write results.json, .csv, .md and .tex, the page and the figures into the folder `out`.

    rows: of all tables, with the name of each as data. trials: of each table, one run of each
    model. found: the differences of each table.
    """
    for form in FORMS:
        write_rows(out / f"results{form}", rows, {"differences": found})
    for name, each in trials.items():
        report = "report.html" if len(trials) == 1 else f"report-{file_name(name)}.html"
        own = [row for row in rows if row["data"] == name]
        write_report(each, out / report, name, part=part, rows=own)
        write_figures(each, out / "figures" / file_name(name), part)
