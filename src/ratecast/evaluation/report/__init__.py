"""The report: one HTML page with scores, intervals, paired tests and plots of the errors."""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from ratecast.atomic_write import write_text
from ratecast.evaluation.comparison import ModelComparison
from ratecast.evaluation.report import figures, ranking, tables
from ratecast.evaluation.report.collect import Asked, Collected, collect
from ratecast.evaluation.report.markup import joined, safe
from ratecast.evaluation.report.paired_tests import paired_tests
from ratecast.evaluation.subject import Subject
from ratecast.plots.canvas import pens
from ratecast.plots.scores import Pens
from ratecast.plots.training import Curve
from ratecast.progress import bar

__all__ = [
    "Asked",
    "Collected",
    "Curve",
    "collect",
    "page",
    "write_figures",
    "write_report",
]


def write_report(subject: Subject, out: Path, name: str = "ratings") -> None:
    """Write the report to `out`, one HTML file that needs no network. name: of the data."""
    with bar("intervals and plots"):
        write_text(out, page(subject, name))


def write_figures(subject: Subject, folder: Path) -> None:
    """Write the plots of the report to `folder`, each as .svg and as .pdf."""
    compared = subject.compared
    for name, picture in figures.pictures(compared, _pens(compared)).items():
        for form in (".svg", ".pdf"):
            picture.save(folder / f"{name}{form}")


def page(subject: Subject, name: str) -> str:
    """The HTML of `write_report`; the same trials give the same page."""
    rows, compared, split = subject.score_rows(), subject.compared, subject.trials[0].split
    drawn = _pens(compared)
    body = [
        tables.scores(rows, compared),
        tables.slices(rows, compared),
        paired_tests(compared),
        ranking.ranking(compared),
        ranking.lists(subject.list_rows(), compared[0].ranked()),
        figures.history_length(compared, drawn),
        figures.calibration(compared, drawn),
        figures.movies(compared[-1], drawn),
        figures.time(compared, drawn),
        figures.training(subject.curves, drawn),
        tables.columns(subject.trials),
        tables.cost(rows, subject.part),
        tables.all_rows(rows),
    ]
    package = files("ratecast.evaluation.report")
    return Template((package / "page.html").read_text("utf-8")).substitute(
        title=safe(f"Forecasts of {name}"),
        style=(package / "page.css").read_text("utf-8"),
        head=tables.head(split, name, rows, compared),
        body=joined(body, "\n"),
        footer=safe(
            f"ratecast {version('ratecast')} · train part "
            f"{split.train.fingerprint()[:12]} · intervals: Efron, Tibshirani 1993, "
            "users resampled · correction: Holm 1979"
        ),
    )


def _pens(compared: Sequence[ModelComparison]) -> Pens:
    return pens(_by_best_rank([comparison.ranked() for comparison in compared]))


def _by_best_rank(rankings: list[list[str]]) -> list[str]:
    """The models by their best rank in any protocol; the first ones are drawn in colour."""
    models = {model: None for ranking in reversed(rankings) for model in ranking}
    best = {m: min(r.index(m) for r in rankings if m in r) for m in models}
    return sorted(models, key=lambda model: best[model])
