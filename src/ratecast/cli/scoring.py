"""Verbs that evaluate."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ratecast.cli.call import emit, note
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.optional_packages import require
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from ratecast.modelling.contract.model import Model


def report(
    models: str = "mean,bias,als,state_space",
    *,
    data: str = "ml-100k",
    table: TableOptions = DEFAULT,
    split: str = "auto",
    part: Literal["valid", "test"] = "valid",
    seed: int = 0,
    place: PlaceOptions = HERE,
    out: Path = Path("report.html"),
    json: bool = False,
) -> None:
    """Compare models on one page: scores, paired tests, plots.

    The page is one HTML file that needs no network.

    Examples:
        ratecast report
        ratecast report mean,bias,als --data ratings.csv --out mine.html
        ratecast report mean,bias --on ray --workers 2

    Args:
        models: names, separated by commas.
        data: an edition of MovieLens, or a file or folder of ratings.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), a split by name, as in chronological
            or last:2 (see ratecast data split --help), or a folder of one; of
            several folds, the first.
        part: the part for intervals, tests and plots; use test only once, at the end.
        seed: of the models and of kfold.
        place: where the models are fitted.
        out: the HTML file.
        json: print the rows of every model, the quality of its lists, and the worth of each column
            of side information, as one JSON document.
    """
    require("plots", "report")
    from ratecast.cli.source import name_of, splits_of
    from ratecast.evaluation.list_rows import rows_of_trials
    from ratecast.evaluation.report import Asked, collect, write_report
    from ratecast.evaluation.score_rows import rows_of
    from ratecast.evaluation.subject import Subject
    from ratecast.models import model_class
    from ratecast.output_paths import HTML, check_file
    from ratecast.training import curves_of

    check_file(out, HTML)
    names = models.split(",")
    for name in names:
        model_class(name)
    where = place.place("report")
    parts = splits_of(split, data, table, seed)[0]
    if place.given and len(names) == 1:
        note("report: one model is one fit, which one worker does, on one node")
    trials, curves = collect(
        _named, names, parts, Asked(seed, part=part, curves_of=curves_of), where
    )
    rows = [row for trial in trials for row in rows_of(trial)]
    lists = rows_of_trials(trials)
    subject = Subject(trials, part, curves, rows, lists)
    write_report(subject, out, name_of(split, data))
    worth = {trial.model: [one._asdict() for one in trial.importances] for trial in trials}
    emit({"report": out, "rows": rows, "lists": lists, "columns": worth}, f"wrote {out}", json)


def _named(name: str, seed: int) -> "Model":
    from ratecast.training import make_model

    return make_model(name, seed=seed)


def reproduce(
    *,
    folder: Path = Path(),
    render: bool = False,
    place: PlaceOptions = HERE,
    json: bool = False,
) -> None:
    """Train every model on MovieLens 100K and write the results.

    With three seeds and both protocols; without --workers in two processes of this machine.

    Examples:
        ratecast reproduce
        ratecast reproduce --on ray --workers 2
        ratecast reproduce --render

    Args:
        folder: of the project; results/reproduce.json and docs/results.md are written below it.
        render: only write the pages again, from the present results.
        place: where the models are fitted, each worker with one thread.
        json: print the results as one JSON document.
    """
    from ratecast.evaluation import reproduce
    from ratecast.evaluation.results_page import printed
    from ratecast.output_paths import check_folder
    from ratecast.training import make_model

    if render:
        reproduce.render(folder)
        results = reproduce.read(folder)[0]
    else:
        require("nets", "reproduce")
        check_folder(folder)
        results = reproduce.run(make_model, place.place("reproduce", usual=reproduce.WORKERS))
        reproduce.write(results, folder)
    note(f"wrote {folder / 'results' / 'reproduce.json'} and {folder / 'docs' / 'results.md'}")
    emit(results, printed(results), json)
