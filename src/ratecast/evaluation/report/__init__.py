"""The report: one HTML page with scores, intervals, paired tests and plots of the errors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from string import Template

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.evaluation import protocol, score_rows
from ratecast.evaluation.comparison import ModelComparison, comparisons
from ratecast.evaluation.permutation_importance import permutation_importance
from ratecast.evaluation.protocol import Protocol, Trial
from ratecast.evaluation.report import figures, tables
from ratecast.evaluation.report.markup import joined, safe
from ratecast.evaluation.report.paired_tests import paired_tests
from ratecast.evaluation.score_rows import Row
from ratecast.modelling.contract.model import Model
from ratecast.plots.canvas import pens
from ratecast.plots.scores import Pens
from ratecast.plots.training import Curve, Curves
from ratecast.progress import bar, each
from ratecast.splits import Split

__all__ = ["Curve", "collect", "page", "write_figures", "write_report"]


def collect(
    make: Callable[[str, int], Model],
    models: Sequence[str],
    split: Split,
    seed: int = 0,
    protocols: Sequence[Protocol] = ("frozen", "as-of"),
    *,
    part: str = "valid",
) -> list[Trial]:
    """Fit each model once, and forecast by every protocol that it and the split allow.

    make: returns a model for a name and a seed. models: the names, which the trials get too, so
    that one model can appear with several settings. part: on which the worth of the columns of side
    information is measured.
    """
    trials = []
    for name in each(models, "report", "models"):
        model = make(name, seed)
        seconds = protocol.fit_timed(model, split)
        # Before as-of, which changes the model.
        worth = permutation_importance(model, split, part, seed)
        for by in protocol.possible(model, split):
            if by in protocols:
                trial = protocol.run(model, split, by, seconds)
                trials.append(replace(trial, model=name, importances=worth))
    return trials


def write_report(
    trials: Sequence[Trial],
    out: Path,
    name: str = "ratings",
    *,
    part: str = "test",
    curves: Curves | None = None,
    rows: Sequence[Row] | None = None,
) -> None:
    """Write the report of `trials` to `out`, one HTML file that needs no network.

    trials: of several models and protocols, all on one split, one seed each. name: of the data.
    part: for intervals, tests and plots; the scores of all parts are listed. curves: training
    curves by model. rows: scores averaged over several runs of each model, instead of those of
    these trials. Raises `InputError` for trials of two splits, or two of one model.
    """
    with bar("intervals and plots"):
        write_text(out, page(trials, name, part, curves or {}, rows))


def write_figures(trials: Sequence[Trial], folder: Path, part: str = "test") -> None:
    """Write the plots of the report to `folder`, each as .svg and as .pdf."""
    compared = comparisons(trials, part)
    for name, picture in figures.pictures(compared, _pens(compared)).items():
        for form in (".svg", ".pdf"):
            picture.save(folder / f"{name}{form}")


def page(
    trials: Sequence[Trial],
    name: str,
    part: str,
    curves: Curves,
    rows: Sequence[Row] | None = None,
) -> str:
    """The HTML of `write_report`; the same trials give the same page."""
    _check(trials)
    rows = rows or [row for trial in trials for row in score_rows.rows([trial])]
    compared = comparisons(trials, part)
    drawn = _pens(compared)
    body = [
        tables.scores(rows, compared),
        tables.slices(rows, compared),
        tables.ranking(compared),
        paired_tests(compared),
        figures.history_length(compared, drawn),
        figures.calibration(compared, drawn),
        figures.movies(compared[-1], drawn),
        figures.time(compared, drawn),
        figures.training(curves, drawn),
        tables.columns(trials),
        tables.cost(rows, part),
        tables.all_rows(rows),
    ]
    package = files("ratecast.evaluation.report")
    return Template((package / "page.html").read_text("utf-8")).substitute(
        title=safe(f"Forecasts of {name}"),
        style=(package / "page.css").read_text("utf-8"),
        head=tables.head(trials[0].split, name, compared),
        body=joined(body, "\n"),
        footer=safe(
            f"ratecast {version('ratecast')} · train part "
            f"{trials[0].split.train.fingerprint()[:12]} · intervals: Efron, Tibshirani 1993, "
            "users resampled · correction: Holm 1979"
        ),
    )


def _pens(compared: Sequence[ModelComparison]) -> Pens:
    return pens(_by_best_rank([comparison.ranked() for comparison in compared]))


def _check(trials: Sequence[Trial]) -> None:
    """Refuse trials of two splits, or two trials of one model and protocol."""
    if not trials:
        raise InputError("report: no trials; give at least one model")
    split, seen = trials[0].split, set()
    for trial in trials:
        key = (trial.model, trial.protocol)
        if trial.split is not split and trial.split.name != split.name:
            raise InputError(f"report: splits {split.name} and {trial.split.name}; give one split")
        if key in seen:
            raise InputError(f"report: two trials of {key[0]}, {key[1]}; give one seed of each")
        seen.add(key)


def _by_best_rank(rankings: list[list[str]]) -> list[str]:
    """The models by their best rank in any protocol; the first ones are drawn in colour."""
    models = {model: None for ranking in reversed(rankings) for model in ranking}
    best = {m: min(r.index(m) for r in rankings if m in r) for m in models}
    return sorted(models, key=lambda model: best[model])
