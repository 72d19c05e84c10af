"""The files of a comparison: tables of all scores, a page and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratecast.evaluation.comparison import differences
from ratecast.evaluation.report import Subject, write_figures, write_report
from ratecast.evaluation.result_tables import write_results
from ratecast.splits.files import file_name


def write_files(subjects: Mapping[str, Subject], out: Path) -> dict[str, Any]:
    """Write the tables, the page and the figures into the folder `out`; what is in results.json.

    subjects: by the name of the table, each with the rows and lists of its runs.
    """
    results = {
        "rows": [row for each in subjects.values() for row in each.rows],
        "lists": [row for each in subjects.values() for row in each.lists],
        "differences": {name: differences(each.compared) for name, each in subjects.items()},
    }
    write_results(out, results)
    for name, each in subjects.items():
        report = "report.html" if len(subjects) == 1 else f"report-{file_name(name)}.html"
        write_report(each, out / report, name)
        write_figures(each, out / "figures" / file_name(name))
    return results
