"""Verbs that evaluate."""

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ratecast.cli.call import emit, note
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
    out: Path = Path("report.html"),
    json: bool = False,
) -> None:
    """Compare models on one page: scores, paired tests, plots.

    The page is one HTML file that needs no network.

    Examples:
        ratecast report
        ratecast report mean,bias,als --data ratings.csv --out mine.html

    Args:
        models: names, separated by commas.
        data: an edition of MovieLens, or a file or folder of ratings.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), a split by name, as in chronological
            or last:2 (see ratecast data split --help), or a folder of one; of
            several folds, the first.
        part: the part for intervals, tests and plots; use test only once, at the end.
        seed: of the models and of kfold.
        out: the HTML file.
        json: print the rows of every model, and the worth of each column of side information, as
            one JSON document.
    """
    from ratecast.cli.source import splits_of
    from ratecast.evaluation.report import collect, write_report
    from ratecast.evaluation.score_rows import rows_of
    from ratecast.models import model_class
    from ratecast.training import curves_of, make_model

    for name in models.split(","):
        model_class(name)
    parts = splits_of(split, data, table, seed)[0]
    fitted: dict[str, Model] = {}

    def make(name: str, seed: int) -> "Model":
        fitted[name] = make_model(name, seed=seed)
        return fitted[name]

    trials = collect(make, models.split(","), parts, seed, part=part)
    write_report(trials, out, data, part=part, curves=curves_of(fitted))
    rows = [row for trial in trials for row in rows_of(trial)]
    worth = {trial.model: [one._asdict() for one in trial.importances] for trial in trials}
    emit({"report": out, "rows": rows, "columns": worth}, f"wrote {out}", json)


def tune(
    model: str,
    *,
    data: str = "ml-100k",
    table: TableOptions = DEFAULT,
    split: Literal["auto", "chronological", "holdout", "kfold"] = "auto",
    protocol: Literal["auto", "frozen", "as-of"] = "auto",
    trials: int = 30,
    seed: int = 0,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Tune a model's settings by validation RMSE; test is never used.

    Examples:
        ratecast tune bias --trials 10
        ratecast tune als --data ratings.csv --out configs/my_als.yaml

    Args:
        model: name of the model.
        data: an edition of MovieLens, or a file or folder of ratings.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), chronological, holdout, or kfold,
            the RMSE over five random folds; the last or a random fifth of the rows is left unread.
        protocol: of the validation RMSE; auto is as-of where the split has an order of time and
            the model can be updated, else frozen.
        trials: number of trials; the first one has the default settings.
        seed: of the model and of the search.
        out: YAML file for the experiment with the best settings, on the split whose test part was
            left unread; its first lines say how they were found.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_table
    from ratecast.evaluation.tune import Search, folds_of, protocol_of
    from ratecast.evaluation.tune import tune as search
    from ratecast.models import model_class
    from ratecast.splits import named
    from ratecast.training import make_model
    from ratecast.training.experiment import Experiment, write_experiment

    model_class(model)
    parts = named(load_table(data, table), "auto" if split == "kfold" else split, seed)[0]
    folds = folds_of(parts, seed if split == "kfold" else None)
    by = protocol_of(make_model(model), folds) if protocol == "auto" else protocol
    task = Search(model, folds, by, seed)
    tuned = search(make_model, task, trials, lambda n, rmse: note(f"trial {n + 1}: {rmse:.4f}"))
    change = f"{tuned.default_rmse:.4f} -> {tuned.rmse:.4f}"
    over = ", over five random folds of train and valid" if split == "kfold" else ""
    line = f"valid RMSE, {by}{over}: {change} with {_in_words(tuned.settings)}"
    if out:
        best = make_model(model, seed=seed, **tuned.settings)
        given = ["--data", data, *table.words(), "--split", split, "--protocol", by]
        words = [model, *given, "--trials", str(trials), "--seed", str(seed)]
        # The parts that were searched, so that test is still unread.
        experiment = Experiment.of(best, data=data, table=table, split=parts.name)
        write_experiment(out, experiment, [f"ratecast tune {shlex.join(words)}", line])
        go_on = f"ratecast train {shlex.quote(str(out))}"
        note(f"wrote {out}, on split {parts.name}; go on with: {go_on}")
    emit({"model": model, "split": split, "protocol": by} | asdict(tuned), line, json)


def _in_words(settings: dict[str, Any]) -> str:
    short = {k: v if isinstance(v, str) else f"{v:.4g}" for k, v in settings.items()}
    return "  ".join(f"{name} {value}" for name, value in short.items())


def reproduce(*, folder: Path = Path(), render: bool = False, json: bool = False) -> None:
    """Train every model on MovieLens 100K and write the results.

    With three seeds and both protocols, in two processes.

    Examples:
        ratecast reproduce
        ratecast reproduce --render

    Args:
        folder: of the project; results/reproduce.json and docs/results.md are written below it.
        render: only write the pages again, from the present results.
        json: print the results as one JSON document.
    """
    from ratecast.evaluation import reproduce
    from ratecast.evaluation.results_page import printed
    from ratecast.training import make_model

    if render:
        reproduce.render(folder)
        results = reproduce.read(folder)[0]
    else:
        results = reproduce.run(make_model)
        reproduce.write(results, folder)
    note(f"wrote {folder / 'results' / 'reproduce.json'} and {folder / 'docs' / 'results.md'}")
    emit(results, printed(results), json)
