"""The files of a comparison: tables of all scores, a page and figures."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ratecast.data.notices import Notify
from ratecast.errors import MissingPackageError
from ratecast.evaluation.comparison import differences
from ratecast.evaluation.result_tables import write_results
from ratecast.evaluation.subject import Subject
from ratecast.splits.files import file_name


def write_files(subjects: Mapping[str, Subject], out: Path, notify: Notify) -> dict[str, Any]:
    """Write the tables, the page and the figures into the folder `out`; what is in results.json.

    subjects: by the name of the table, each with the rows and lists of its runs. notify: called
    with a line where what draws the page and the figures is not installed.
    """
    results = {
        "rows": [row for each in subjects.values() for row in each.rows],
        "lists": [row for each in subjects.values() for row in each.lists],
        "differences": {name: differences(each.compared) for name, each in subjects.items()},
    }
    write_results(out, results)
    try:
        _write_drawn(subjects, out)
    except MissingPackageError as error:
        notify(f"compare: no page and no figures are written; {error}")
    return results


def _write_drawn(subjects: Mapping[str, Subject], out: Path) -> None:
    from ratecast.evaluation.report import write_figures, write_report

    for name, each in subjects.items():
        report = "report.html" if len(subjects) == 1 else f"report-{file_name(name)}.html"
        write_report(each, out / report, name)
        write_figures(each, out / "figures" / file_name(name))
