"""The verb that compares: many models, tables and seeds in one call."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ratecast.cli.call import DATA, emit, note, show
from ratecast.cli.places import HERE, PlaceOptions
from ratecast.errors import InputError
from ratecast.table_options import DEFAULT, TableOptions
from ratecast.visible_text import counted

if TYPE_CHECKING:
    from ratecast.evaluation.many_runs import Plan
    from ratecast.evaluation.protocol import Trial
    from ratecast.evaluation.run_folder import Run
    from ratecast.evaluation.score_rows import Row
    from ratecast.evaluation.subject import Subject
    from ratecast.splits import Split


# The command line is this signature; each parameter is an option.
def compare(
    models: str,
    *,
    data: list[str] = [DATA],  # noqa: B006
    table: TableOptions = DEFAULT,
    split: str = "auto",
    protocol: Literal["both", "frozen", "as-of"] = "both",
    part: Literal["valid", "test"] = "valid",
    seeds: int = 1,
    jobs: int | None = None,
    place: PlaceOptions = HERE,
    forecasts: list[Path] = [],  # noqa: B006
    out: Path = Path("comparison"),
    json: bool = False,
) -> None:
    """Compare models on tables, with seeds: one call, resumable.

    Every run is kept in a folder. The same call goes on where it was stopped, and more models may
    be named later; other rows or settings are refused. The folder has results.json, .csv, .md and
    .tex with all scores, lists and differences as tables, report.html, figures as SVG and PDF, and
    the forecasts of every row. Tables and pages are of the models, tables and seeds of the call.

    Examples:
        ratecast compare mean,bias --seeds 2 --jobs 2 --out comparison
        ratecast compare bias,als,configs/mf.yaml --data ratings.csv ml-100k --seeds 3
        ratecast compare bias,package.module:Model --split last:1 --protocol frozen --out own
        ratecast compare bias --forecasts theirs.csv
        ratecast compare mean,bias --on ray --workers 2 --out on-ray

    Args:
        models: names, YAML files of experiments, or places of classes as package.module:Class,
            separated by commas.
        data: editions, or files or folders of ratings.
        table: how tables of your own are read.
        split: auto (chronological, or holdout without times), a split by name, as in chronological
            or last:2 (see ratecast data split --help), or a folder of one.
        protocol: frozen uses train only; as-of updates a model with each rating after its forecast;
            both, where the split and the model allow it.
        part: of whose rows the table and the paired tests are; use test only once, at the end.
        seeds: how many seeds of each model that has randomness, from 0 on.
        jobs: another word for --workers.
        place: where the fits run.
        forecasts: tables of forecasts that other programs made of the rows, as for evaluate; of
            one table and one split.
        out: the folder; one that is there is resumed.
        json: print the scores, and the differences with their paired tests, as one JSON document.
    """
    from ratecast.evaluation import many_runs
    from ratecast.evaluation.protocol import BOTH
    from ratecast.evaluation.score_rows import rows_of
    from ratecast.evaluation.subject import Subject
    from ratecast.output_paths import check_folder

    check_folder(out)
    where = place.place("compare", jobs)
    splits = _splits(split, data, table, part)
    tables = list(splits)
    protocols = BOTH if protocol == "both" else (protocol,)
    plan = many_runs.Plan(_makers(models), splits, protocols, seeds)
    # Before long work begins.
    brought = _brought(forecasts, plan, part)
    rows = many_runs.compare(plan, out, where, partial(_say, part))
    rows += [{"data": tables[0]} | row for trial in brought for row in rows_of(trial)]
    lists = many_runs.rows_of_lists(plan, out)
    subjects = {}
    for name in tables:
        trials = many_runs.first_trials(plan, out, name) + (brought if name == tables[0] else [])
        subjects[name] = Subject(trials, part, rows=_of(name, rows), lists=_of(name, lists))
    result = _finish(subjects, out, show_tables=not json)
    _note_partial(splits, many_runs.left_out(plan, out))
    emit(result, f"wrote {out}", json)


def _brought(paths: list[Path], plan: "Plan", part: str) -> "list[Trial]":
    """The forecasts of files; refused without the part, or without a name of their own."""
    from ratecast.evaluation.forecast_files import read_forecasts

    splits = [split for each in plan.splits.values() for split in each]
    if paths and len(splits) > 1:
        raise InputError("compare: --forecasts are of one table and one split; give one of each")
    trials, labels = [], set(plan.models)
    for path in paths:
        trial = read_forecasts(path, splits[0], plan.protocols[0])
        if part not in trial.forecasts:
            other = "test" if part == "valid" else "valid"
            raise InputError(f"{path}: no forecasts of {part}; add them, or give --part {other}")
        if trial.model in labels:
            raise InputError(
                f"{path}: another model is called {trial.model}; give the file another name"
            )
        trials.append(trial)
        labels.add(trial.model)
    return trials


def _note_partial(splits: "dict[str, list[Split]]", others: list[str]) -> None:
    """Lines on what is of one of several splits only, and on kept runs that are left out."""
    for name, each in splits.items():
        if len(each) > 1:
            note(
                f"{name}: scores are means over {len(each)} splits; paired tests and figures are "
                f"of {each[0].name}"
            )
    if others:
        note(
            f"compare: {counted(len(others), 'kept run')} not of this call left out: "
            f"{', '.join(others[:3])}{', ...' if len(others) > 3 else ''}; name their models, "
            "tables and seeds too to have them in"
        )


def _of(name: str, rows: "list[Row]") -> "list[Row]":
    return [row for row in rows if row["data"] == name]


def _finish(subjects: "dict[str, Subject]", out: Path, *, show_tables: bool) -> dict[str, Any]:
    """Write all files, print a table for each of the subjects, by its name; the whole as a dict."""
    from ratecast.evaluation.comparison_files import write_files
    from ratecast.evaluation.comparison_view import table

    result = write_files(subjects, out, note)
    for name, each in subjects.items() if show_tables else ():
        show(table(each.rows, each.compared, name, each.list_rows()))
    return result


def _splits(
    split: str, data: list[str], table: TableOptions, part: str
) -> "dict[str, list[Split]]":
    """The splits of each table, by what the table is called; a folder of splits has the rows.

    Raises `InputError` for splits without the part.
    """
    from ratecast.audit import notes
    from ratecast.cli.source import name_of, splits_of
    from ratecast.data import EDITIONS

    names = [name for each in data for name in each.split(",") if name]
    found = {}
    for name in names:
        options = DEFAULT if name in EDITIONS and len(names) > 1 else table
        splits = found[name_of(split, name)] = splits_of(split, name, options)
        if part not in splits[0].parts:
            raise InputError(f"compare: split {splits[0].name} has no {part}; give --part test")
        for line in notes(splits[0]):
            note(line)
    return found


def _makers(models: str) -> "dict[str, Any]":
    """How each model is made for a seed, by its label. A wrong name is refused here."""
    from ratecast.comparing import label_of, with_seed
    from ratecast.training.experiment import model_from

    makers: dict[str, Any] = {}
    for source in (each.strip() for each in models.split(",")):
        if not source:
            raise InputError("compare: an empty name of a model; remove the comma")
        # A worker need not have the file of an experiment.
        model = model_from(source, 0)
        label = label_of(source, model)
        if label in makers:
            raise InputError(f"compare: two models are called {label}; give another file name")
        makers[label] = partial(with_seed, model)
    return makers


def _say(part: str, run: "Run", rows: "list[Row]") -> None:
    """A line for a run that is finished, with its scores of the part."""
    figures = {
        row["protocol"]: f"{row['protocol']} {row['part']} {row['rmse']:.4f}"
        for row in rows
        if (row["slice"], row["part"]) == ("all", part)
    }
    seconds = f"fit {rows[0]['fit_seconds']:.1f} s"
    about = f"{run.model}, {run.data}, {run.split}, seed {run.seed}"
    note(f"{about}: {', '.join([*figures.values(), seconds])}")
