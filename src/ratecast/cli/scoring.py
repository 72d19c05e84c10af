"""Verbs that forecast and score."""

import json as jsonlib
from pathlib import Path

from ratecast.cli.call import ProtocolName, SplitName, show, write_json
from ratecast.errors import InputError


def evaluate(
    *,
    model: str | None = None,
    artifact: Path | None = None,
    data: str = "ml-100k",
    split: SplitName = "chronological",
    protocol: ProtocolName = "frozen",
    train: Path | None = None,
    test: Path | None = None,
    seed: int = 0,
    json: Path | None = None,
) -> None:
    """Fit a model, or take a fitted one, and score its forecasts.

    Args:
        model: name of a model to fit, for example bias.
        artifact: folder of a fitted model, instead of --model.
        data: an edition of MovieLens, a folder, or a CSV or Parquet file of ratings.
        split: how the table is parted; kfold is the mean over five random folds.
        protocol: frozen learns from train only; as-of hears each rating after its forecast.
        train: file of ratings to learn from, with --test, instead of --data and --split.
        test: file of ratings to forecast.
        seed: of the model and of kfold.
        json: file for the rows.
    """
    from ratecast.data import load
    from ratecast.evaluation import evaluate as room
    from ratecast.evaluation import show as tables
    from ratecast.training import make_model

    if (model is None) == (artifact is None):
        raise InputError("evaluate: give either --model NAME or --artifact DIR")
    parts = (
        [room.brought_split(train, test)]
        if train or test
        else room.splits_of(load(data), split, seed)
    )
    if artifact:
        rows = room.evaluate_saved(artifact, parts, protocol)
    else:
        rows = room.evaluate_new(lambda: make_model(str(model), seed=seed), parts, protocol)
    title = f"{rows[0]['model']}, {protocol}, split {rows[0]['split']}"
    show(tables.terminal_table(title, tables.SCORE_HEADER, tables.score_cells(rows)))
    write_json(json, {"rows": rows})


def predict(
    *, artifact: Path, user: str, movie: str, at: int | None = None, json: bool = False
) -> None:
    """Forecast the stars of one user for one movie, from a fitted model alone.

    Args:
        artifact: folder that ratecast train wrote.
        user: id of the user; a new user is answered, and marked so.
        movie: title, as in "Kolya (1996)", or id of the movie.
        at: moment of the rating, UTC seconds; for models that use it.
        json: print JSON.
    """
    from ratecast.models.single import answer, lines

    facts = answer(artifact, user, movie, at)
    print(jsonlib.dumps(facts) if json else "\n".join(lines(facts)))


def reproduce(*, folder: Path = Path()) -> None:
    """Train every model of the table on MovieLens 100K, three seeds, and write the results.

    Args:
        folder: the project; results/reproduce.json and docs/results.md are written below it.
    """
    from ratecast.evaluation import reproduce as room
    from ratecast.training import make_model

    results = room.run(lambda name, seed: make_model(name, seed=seed))
    show(room.printed(results))
    room.write(results, folder)
    show(f"wrote {folder / 'results' / 'reproduce.json'} and {folder / 'docs' / 'results.md'}")
