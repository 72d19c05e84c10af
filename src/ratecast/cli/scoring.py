"""Verbs that forecast and score."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ratecast.cli.call import ProtocolName, SplitName, emit, note, write_json
from ratecast.errors import InputError

if TYPE_CHECKING:
    from ratecast.modelling.contract.model import Model


def evaluate(
    *,
    model: str | None = None,
    artifact: Path | None = None,
    data: str = "ml-100k",
    columns: str | None = None,
    scale: str | None = None,
    split: SplitName = "chronological",
    protocol: ProtocolName = "frozen",
    train: Path | None = None,
    test: Path | None = None,
    seed: int = 0,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Fit a model, or take a fitted one, and score its forecasts.

    Examples:
        ratecast evaluate --model bias
        ratecast evaluate --model bias --protocol as-of
        ratecast evaluate --model configs/mf.yaml --split kfold --out rows.json
        ratecast evaluate --model als --train train.csv --test test.csv
        ratecast evaluate --artifact lightning_logs/bias/version_0/artifact --json

    Args:
        model: name of a model to fit, for example bias, or the YAML file of an experiment.
        artifact: folder of a fitted model, instead of --model.
        data: an edition of MovieLens, a folder, or a CSV or Parquet file of ratings.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        scale: low:high:step, where it cannot be read from the ratings.
        split: how the table is parted; kfold is the mean over five random folds.
        protocol: frozen learns from train only; as-of hears each rating after its forecast.
        train: file of ratings to learn from, with --test, instead of --data and --split.
        test: file of ratings to forecast.
        seed: of the model and of kfold.
        out: JSON file for the rows.
        json: print the rows as one JSON document.
    """
    from ratecast.data import load_as
    from ratecast.evaluation import evaluate as room
    from ratecast.evaluation import terminal as tables
    from ratecast.splits import named
    from ratecast.training.experiment import made

    if (model is None) == (artifact is None):
        raise InputError("evaluate: give either --model NAME or --artifact DIR")
    if model:
        made(model, seed)  # A model that is not known is refused before data is fetched.
    parts = (
        [room.brought_split(train, test, columns, scale)]
        if train or test
        else named(load_as(data, columns, scale), split, seed)
    )
    if artifact:
        rows = room.evaluate_saved(artifact, parts, protocol)
    else:
        rows = room.evaluate_new(lambda: made(str(model), seed), parts, protocol)
    title = f"{rows[0]['model']}, {protocol}, split {rows[0]['split']}"
    table = tables.terminal_table(title, tables.SCORE_HEADER, tables.score_cells(rows))
    write_json(out, {"rows": rows})
    emit({"rows": rows}, table, json)


def predict(
    *, artifact: Path, user: str, movie: str, at: int | None = None, json: bool = False
) -> None:
    """Forecast the stars of one user for one movie.

    From a fitted model alone; no rating is needed beside it.

    Examples:
        ratecast predict --artifact lightning_logs/bias/version_0/artifact --user 196 --movie 242
        ratecast predict --artifact artifacts/als --user 5000 --movie "Kolya (1996)" --json

    Args:
        artifact: folder that ratecast train wrote.
        user: id of the user; a new user is answered, and marked so.
        movie: title, as in "Kolya (1996)", or id of the movie.
        at: moment of the rating, UTC seconds; for models that use it.
        json: print the forecast as one JSON document.
    """
    from ratecast.cli.one_forecast import answer, lines

    facts = answer(artifact, user, movie, at)
    emit(facts, "\n".join(lines(facts)), json)


def report(
    models: str = "mean,bias,als,state_space",
    *,
    data: str = "ml-100k",
    columns: str | None = None,
    scale: str | None = None,
    split: SplitName = "chronological",
    part: Literal["valid", "test"] = "valid",
    seed: int = 0,
    out: Path = Path("report.html"),
    json: bool = False,
) -> None:
    """Compare models on one page: intervals, who beats whom, plots.

    One HTML file that needs no network.

    Examples:
        ratecast report
        ratecast report mean,bias,als --data ratings.csv --out mine.html

    Args:
        models: names, with commas between them.
        data: an edition of MovieLens, a folder, or a CSV or Parquet file of ratings.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        scale: low:high:step, where it cannot be read from the ratings.
        split: how the table is parted; of kfold, the first fold.
        part: the part that intervals, tests and plots are of; read test once, at the end.
        seed: of the models and of kfold.
        out: the HTML file.
        json: print the rows of every model as one JSON document.
    """
    from ratecast.data import load_as
    from ratecast.evaluation.report import collect, write_report
    from ratecast.evaluation.score_rows import rows_of
    from ratecast.models import model_class
    from ratecast.splits import named
    from ratecast.training import curves_of, make_model

    for name in models.split(","):
        model_class(name)
    parts = named(load_as(data, columns, scale), split, seed)[0]
    made: dict[str, Model] = {}

    def make(name: str, seed: int) -> "Model":
        made[name] = make_model(name, seed=seed)
        return made[name]

    trials = collect(make, models.split(","), parts, seed)
    write_report(trials, out, data, part=part, curves=curves_of(made))
    rows = [row for trial in trials for row in rows_of(trial)]
    emit({"report": out, "rows": rows}, f"wrote {out}", json)


def tune(
    model: str,
    *,
    data: str = "ml-100k",
    columns: str | None = None,
    scale: str | None = None,
    protocol: ProtocolName = "as-of",
    trials: int = 30,
    seed: int = 0,
    out: Path | None = None,
    json: bool = False,
) -> None:
    """Search a model's settings by validation; test is never read.

    Examples:
        ratecast tune bias --trials 10
        ratecast tune als --data ratings.csv --out configs/my_als.yaml

    Args:
        model: name of the model.
        data: an edition of MovieLens, a folder, or a CSV or Parquet file of ratings.
        columns: role=name of a table of your own where a name is not recognised, as in
            movie=film,rating=score.
        scale: low:high:step, where it cannot be read from the ratings.
        protocol: what the validation RMSE is of.
        trials: how many settings are tried; the model's own come first.
        seed: of the model and of the search.
        out: YAML file for the experiment with the best settings.
        json: print the result as one JSON document.
    """
    from ratecast.data import load_as
    from ratecast.evaluation.tune import Search
    from ratecast.evaluation.tune import tune as search
    from ratecast.models import model_class
    from ratecast.splits import chronological
    from ratecast.training import make_model
    from ratecast.training.experiment import write_experiment

    model_class(model)
    split = chronological(load_as(data, columns, scale))
    assert split.valid is not None
    asked = Search(model, split.train, split.valid, protocol, seed)
    found = search(make_model, asked, trials, lambda n, rmse: note(f"trial {n + 1}: {rmse:.4f}"))
    settings = "  ".join(f"{name} {value:.4g}" for name, value in found.settings.items())
    if out:
        write_experiment(out, make_model(model, seed=seed, **found.settings), data)
        note(f"wrote {out}: ratecast train {out}")
    said = f"valid RMSE, {protocol}: {found.default_rmse:.4f} -> {found.rmse:.4f} with {settings}"
    emit({"model": model, "protocol": protocol} | asdict(found), said, json)


def reproduce(*, folder: Path = Path(), render: bool = False, json: bool = False) -> None:
    """Train every model on MovieLens 100K and write the results.

    Three seeds, both protocols, two processes.

    Examples:
        ratecast reproduce
        ratecast reproduce --render

    Args:
        folder: the project; results/reproduce.json and docs/results.md are written below it.
        render: only write the pages anew, from the results that are there.
        json: print the results as one JSON document.
    """
    from ratecast.evaluation import reproduce as room
    from ratecast.evaluation.results_page import printed
    from ratecast.training import make_model

    if render:
        room.render(folder)
        results = room.read(folder)[0]
    else:
        results = room.run(make_model)
        room.write(results, folder)
    note(f"wrote {folder / 'results' / 'reproduce.json'} and {folder / 'docs' / 'results.md'}")
    emit(results, printed(results), json)
