"""The verbs of the command line. Each calls the room that does the work."""

import json as jsonlib
import sys
from collections.abc import Callable
from importlib.metadata import version
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any, Literal

from ratecast.errors import InputError

SplitName = Literal["chronological", "u1", "u2", "u3", "u4", "u5", "kfold"]
ProtocolName = Literal["frozen", "as-of"]
Verb = Callable[..., int | None]


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
    from ratecast.evaluation import evaluate as room
    from ratecast.evaluation import show
    from ratecast.training import make_model

    if (model is None) == (artifact is None):
        raise InputError("evaluate: give either --model NAME or --artifact DIR")
    parts = (
        [room.brought_split(train, test)] if train or test else room.splits_of(data, split, seed)
    )
    if artifact:
        rows = room.evaluate_saved(artifact, parts, protocol)
    else:
        rows = room.evaluate_new(lambda: make_model(str(model), seed=seed), parts, protocol)
    title = f"{rows[0]['model']}, {protocol}, split {rows[0]['split']}"
    _print(show.terminal_table(title, show.SCORE_HEADER, show.score_cells(rows)))
    _write_json(json, {"rows": rows})


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
    _print(room.printed(results))
    room.write(results, folder)
    _print(f"wrote {folder / 'results' / 'reproduce.json'} and {folder / 'docs' / 'results.md'}")


VERBS: dict[str, Verb] = {
    "data fetch": data_fetch,
    "data describe": data_describe,
    "data split": data_split,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "reproduce": reproduce,
    "overfit": overfit,
    "lr-find": lr_find,
    "sweep": sweep,
}


def main(argv: list[str] | None = None) -> int:
    """Run the verb in `argv`; the exit code is 0, 1 (a check failed), or 2 (bad input)."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except InputError as error:
        print(f"ratecast: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("ratecast: stopped", file=sys.stderr)
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help"):
        print(_help())
        return 0
    if words[0] == "--version":
        print(f"ratecast {version('ratecast')}")
        return 0
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in VERBS:
            return _call(VERBS[name], name, words[length:]) or 0
    near = [name for name in VERBS if name.split()[0] == words[0]] or list(VERBS)
    raise InputError(f"{' '.join(words[:2])!r} is not a verb; choose one of {', '.join(near)}")


def _call(verb: Verb, name: str, words: list[str]) -> int | None:
    """Call a verb with its typed arguments, read from `words`.

    Parameters before the star are positional, the others options; `*words` takes all as they are.
    `from` is a word of Python's own, so that `--from` is the parameter `source`.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    kinds = {parameter.kind for parameter in signature(verb).parameters.values()}
    if Parameter.VAR_POSITIONAL in kinds:
        return verb(*words)
    positional = Parameter.POSITIONAL_OR_KEYWORD in kinds
    about = (getdoc(verb) or "").partition("\n\nArgs:")[0]
    parser = ArgumentParser(prog=f"ratecast {name}", exit_on_error=False, description=about)
    parser.add_function_arguments(verb, as_positional=positional)
    try:
        given = parser.parse_args(["--source" if w == "--from" else w for w in words])
    except ArgumentError as error:
        raise InputError(f"{name}: {error}") from None
    return verb(**parser.instantiate(given).as_dict())


def _help() -> str:
    verbs = (f"  {name:<15}{(getdoc(verb) or '').splitlines()[0]}" for name, verb in VERBS.items())
    return "\n".join(["Usage: ratecast VERB ...   (ratecast VERB --help says more)", "", *verbs])


def _print(shown: Any) -> None:
    from rich.console import Console

    # A pipe or a file has no width of its own; 80 columns would cut the tables.
    console = Console()
    Console(width=None if console.is_terminal else 160, highlight=False).print(shown)


def _write_json(path: Path | None, facts: dict[str, Any]) -> None:
    from ratecast.files import write_text

    if path:
        write_text(path, jsonlib.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
