"""The verb that evaluates one model, or forecasts, on a split."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ratecast.cli.budget import setting
from ratecast.cli.call import AUTO, ProtocolName, emit, note
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.cli.source import Source, source_of
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from ratecast.evaluation.split_scores import How, Scores
    from ratecast.splits import Split
    from ratecast.workers import Place


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
    place: PlaceOptions = HERE,
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
        ratecast evaluate --model als --split kfold --on ray --workers 2
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
        place: where the folds or origins are fitted.
        forecasts: table of the forecasts of any program, one for each row of test, and of valid if
            it has those too. Its columns are user, movie and stars, and p_1 ... for each star where
            they are known. Nothing is fitted; --protocol says how they were made. A folder of parts
            that ratecast predict wrote is checked first.
        save_forecasts: CSV, Parquet or JSON lines file for the forecast of every row but train's,
            with its rating, interval, probabilities, history length and basis.
        out: file for the scores: .json, .csv, .md or .tex. JSON has the worth of each column of
            side information too, measured on valid, or on test where there is no valid.
        json: print both as one JSON document.
    """
    from ratecast.audit import notes
    from ratecast.evaluation import split_scores

    sources = {"--model": model, "--artifact": artifact, "--forecasts": forecasts}
    fits: dict[str, object] = {"--budget": budget, "--save-forecasts": save_forecasts}
    fits |= {"--on": place.on == "ray", "--workers": place.workers}
    _check_given([k for k, v in sources.items() if v], [k for k, v in fits.items() if v])
    _check_files(out, save_forecasts, [data, train, valid, test, forecasts])
    model = model or (None if artifact or forecasts else AUTO)
    score = _scoring((forecasts, artifact, model), seed or 0, budget, place.place("evaluate"))
    files, given = split_scores.PartFiles(train, valid, test), Source(data, table, split, seed)
    parts = given.of_files(files) if any(files) else source_of(model, artifact, given).parts()
    _say(notes(parts[0]))
    # The table in the terminal has no ranks and no worth of columns.
    written = json or out is not None
    how = split_scores.How(protocol, written, seed or 0, note, written)
    scores = score(parts, how)
    _save_forecasts(scores, save_forecasts)
    _emit_scores(scores, out, json)


def _scoring(
    sources: tuple[Path | None, Path | None, str | None],
    seed: int,
    budget: str | None,
    place: "Place",
) -> "Callable[[list[Split], How], Scores]":
    """What scores the forecasts of a file, else a fitted model, else a new one, in this order.

    An unknown model or setting is refused here, before data is fetched.
    """
    from ratecast.evaluation import split_scores
    from ratecast.training.named_model import model_from

    forecasts, artifact, model = sources
    if forecasts is not None:
        return partial(split_scores.evaluate_forecasts, forecasts)
    if artifact is not None:
        return partial(split_scores.evaluate_saved, artifact)
    # A worker need not have the file of an experiment.
    new = model_from(model or AUTO, seed, [setting(budget)] if budget else [])
    return partial(split_scores.evaluate_new, partial(replace, new), place=place)


def _say(lines: list[str]) -> None:
    for line in lines:
        note(line)


def _check_given(sources: list[str], fits: list[str]) -> None:
    """Refuse two sources of forecasts, and options that the given one has no use for."""
    if len(sources) > 1:
        raise InputError("evaluate: give one of --model NAME, --artifact DIR and --forecasts FILE")
    of_fits = {"--budget", "--on", "--workers"}
    useless = {"--artifact": of_fits, "--forecasts": {*of_fits, "--save-forecasts"}}
    for source in sources:
        for option in fits:
            if option in useless.get(source, ()):
                kind = "a fit" if option in of_fits else "a model"
                raise InputError(f"evaluate: {option} is of {kind}; remove it, or {source}")


def _save_forecasts(scores: "Scores", path: Path | None) -> None:
    from ratecast.evaluation.forecast_files import write_forecasts

    if path is not None:
        rows = write_forecasts(scores.trials, path)
        note(f"wrote {path}: {rows:,} forecasts")


def _check_files(
    out: Path | None, save_forecasts: Path | None, read: "list[Path | str | None]"
) -> None:
    """Refuse names of files that cannot be written, before long work begins."""
    from ratecast.evaluation.result_tables import FORMS
    from ratecast.output_paths import check_apart, check_file
    from ratecast.table_writer import check_name

    if out is not None:
        check_file(out, FORMS)
        check_apart(out, save_forecasts, *read)
    if save_forecasts is not None:
        check_name(save_forecasts, *read)


def _emit_scores(scores: "Scores", out: Path | None, json: bool) -> None:
    from ratecast.evaluation.result_tables import write_rows
    from ratecast.evaluation.terminal import SCORE_HEADER, score_cells, score_table

    worth = {scores.rows[0]["model"]: [one._asdict() for one in scores.columns]}
    result = {"rows": scores.rows, "columns": worth}
    if out is not None:
        write_rows(out, scores.rows, {"columns": worth})
        note(f"wrote {out}")
    title = "{model}, {protocol}, split {split}".format(**scores.rows[0])
    emit(result, score_table(title, SCORE_HEADER, score_cells(scores.rows)), json)
