"""Verbs that evaluate."""

import shlex
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ratecast.cli.budget import setting
from ratecast.cli.call import AUTO, ProtocolName, emit, note
from ratecast.cli.source import Source, source_of
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from ratecast.evaluation.split_scores import Scores
    from ratecast.modelling.contract.model import Model


# An argument is an option.
def evaluate(  # noqa: PLR0913
    *,
    model: str | None = None,
    artifact: Path | None = None,
    data: str | None = None,
    table: TableOptions = DEFAULT,
    split: str = "auto",
    protocol: ProtocolName = "frozen",
    train: Path | None = None,
    valid: Path | None = None,
    test: Path | None = None,
    budget: str | None = None,
    seed: int | None = None,
    forecasts: Path | None = None,
    save_forecasts: Path | None = None,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Evaluate a model, new or fitted, or forecasts, on a split.

    Examples:
        ratecast evaluate --data ratings.csv --budget 60s
        ratecast evaluate --model bias
        ratecast evaluate --model bias --protocol as-of
        ratecast evaluate --model configs/mf.yaml --split kfold --out rows.json
        ratecast evaluate --model als --train train.csv --test test.csv
        ratecast evaluate --model als --train train.csv --valid valid.csv --test test.csv
        ratecast evaluate --artifact lightning_logs/bias/version_0/artifact --json
        ratecast evaluate --model bias --save-forecasts bias.parquet --out scores.tex
        ratecast evaluate --forecasts bias.parquet --out scores.md

    Args:
        model: name of a model to fit, as in bias, or the YAML file of an experiment; by default
            auto, which chooses models by what they reach on a part of train.
        artifact: folder of a fitted model, instead of --model. Without --data it is evaluated on
            the data that it was trained on, read and split in the same way.
        data: an edition of MovieLens, or a file or folder of ratings; default: the
            artifact's, or ml-100k.
        table: how a table of your own is read.
        split: auto (chronological, or holdout without times), a split by name, as in chronological
            or last:2 (see ratecast data split --help), or a folder of one; of
            several folds or origins, as of kfold, the scores are the mean.
        protocol: frozen uses train only; as-of updates the model with each rating after its
            forecast.
        train: file of ratings to fit on, with --test, instead of --data and --split.
        valid: file of ratings for early stopping and the star probabilities, with --train and
            --test; without it a copy of the model forecasts a tenth of the train file for these.
        test: file of ratings to forecast.
        budget: how long a fit of auto may take, as in 60s or 5m; default: 15m.
        seed: of the model, of holdout and of kfold; default: the artifact's, or 0.
        forecasts: table of the forecasts of any program, one for each row of test, and of valid if
            it has those too. Its columns are user, movie and stars, and p_1 ... for each star where
            they are known. Nothing is fitted; --protocol says how they were made.
        save_forecasts: CSV, Parquet or JSON lines file for the forecast of every row but train's,
            with its rating, interval, probabilities, history length and basis.
        out: file for the scores: .json, .csv, .md or .tex. JSON has the worth of each column of
            side information too, measured on valid, or on test where there is no valid.
        json: print both as one JSON document.
    """
    from ratecast.audit import notes
    from ratecast.evaluation import split_scores
    from ratecast.training.experiment import model_from

    sources = {"--model": model, "--artifact": artifact, "--forecasts": forecasts}
    fits = {"--budget": budget, "--save-forecasts": save_forecasts}
    _check_given([k for k, v in sources.items() if v], [k for k, v in fits.items() if v])
    _check_files(out, save_forecasts)
    if artifact is None and forecasts is None:
        model = model or AUTO
        # An unknown model or setting is refused before data is fetched.
        new = partial(model_from, model, seed or 0, [] if budget is None else [setting(budget)])
        new()
    files, given = split_scores.PartFiles(train, valid, test), Source(data, table, split, seed)
    parts = source_of(model, artifact, given).parts() if not any(files) else given.of_files(files)
    _say(notes(parts[0]))
    how = split_scores.How(protocol, json or out is not None, seed or 0, note)
    if forecasts:
        scores = split_scores.evaluate_forecasts(forecasts, parts, how)
    elif artifact:
        scores = split_scores.evaluate_saved(artifact, parts, how)
    else:
        scores = split_scores.evaluate_new(new, parts, how)
    _save_forecasts(scores, save_forecasts)
    _emit_scores(scores, out, json)


def _say(lines: list[str]) -> None:
    for line in lines:
        note(line)


def _check_given(sources: list[str], fits: list[str]) -> None:
    """Refuse two sources of forecasts, and options that the given one has no use for."""
    if len(sources) > 1:
        raise InputError("evaluate: give one of --model NAME, --artifact DIR and --forecasts FILE")
    useless = {"--artifact": {"--budget"}, "--forecasts": {"--budget", "--save-forecasts"}}
    for source in sources:
        for option in fits:
            if option in useless.get(source, ()):
                kind = "a fit" if option == "--budget" else "a model"
                raise InputError(f"evaluate: {option} is of {kind}; remove it, or {source}")


def _save_forecasts(scores: "Scores", path: Path | None) -> None:
    from ratecast.evaluation.forecast_files import write_forecasts

    if path is not None:
        rows = write_forecasts(scores.trials, path)
        note(f"wrote {path}: {rows:,} forecasts")


def _check_files(out: Path | None, save_forecasts: Path | None) -> None:
    """Refuse names of files that cannot be written, before long work begins."""
    from ratecast.evaluation.result_tables import check_form
    from ratecast.table_writer import check_name

    if out is not None:
        check_form(out)
    if save_forecasts is not None:
        check_name(save_forecasts)


def _emit_scores(scores: "Scores", out: Path | None, json: bool) -> None:
    from ratecast.evaluation.result_tables import write_rows
    from ratecast.evaluation.terminal import SCORE_HEADER, score_cells, terminal_table

    worth = {scores.rows[0]["model"]: [one._asdict() for one in scores.columns]}
    result = {"rows": scores.rows, "columns": worth}
    if out is not None:
        write_rows(out, scores.rows, {"columns": worth})
        note(f"wrote {out}")
    title = "{model}, {protocol}, split {split}".format(**scores.rows[0])
    emit(result, terminal_table(title, SCORE_HEADER, score_cells(scores.rows)), json)


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
