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

NETS = ("mf", "mf_bias", "neumf")
SWEEP_HEADER = ["factors", "parameters", "train RMSE", "valid RMSE", "seconds", "run"]


def data_fetch(edition: str, *, source: Path | None = None) -> None:
    """Bring an edition of MovieLens into the cache.

    Args:
        edition: ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest.
        source: the published archive, or the folder that it unpacks to, instead of the network.
            Write it --from PATH.
    """
    from ratecast.data import fetch

    print(fetch(edition, source))


def data_describe(data: str = "ml-100k", *, json: bool = False) -> None:
    """Say what a table of ratings is like.

    Args:
        data: an edition, a folder, or a CSV or Parquet file of ratings.
        json: print JSON.
    """
    from ratecast.data import describe, load
    from ratecast.evaluation import show

    facts = describe(load(data))
    _print(jsonlib.dumps(facts) if json else show.facts_table(data, facts))


def data_split(
    data: str = "ml-100k", *, split: SplitName = "chronological", json: bool = False
) -> int:
    """Audit a split: who is new in each part, ties, and whether anything leaks.

    Args:
        data: an edition, a folder, or a CSV or Parquet file of ratings.
        split: chronological, or a fold; of kfold, the first.
        json: print JSON.
    """
    from ratecast.audit import audit
    from ratecast.data import load
    from ratecast.evaluation import evaluate, show

    ratings = load(data)
    facts = audit(evaluate.splits_of(ratings, split)[0], ratings)
    _print(jsonlib.dumps(facts) if json else show.audit_table(facts))
    return 1 if facts["leaks"] else 0


def train(*words: str) -> None:
    """Train a model: ratecast train configs/mf.yaml [--model.factors 128] [--all] ...

    Takes a YAML file, or the name of a model, and any of its fields as an option:
    --data, --split, --seed, --out, --resume auto|never, --model.FIELD, --trainer.FIELD.
    --all trains on every rating, for production, with what the chronological split chose.
    Writes curves for TensorBoard, checkpoints and the artifact below lightning_logs/EXPERIMENT.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.train import train as run

    asked = [word if word != "--all" else "--split=all" for word in words]
    if not asked:
        raise InputError(
            "train: give a YAML file or the name of a model; see ratecast train --help"
        )
    for experiment in experiments(asked, ()):
        done = run(experiment)
        _print("  ".join(f"{name} {value:.4f}" for name, value in done.figures.items()))
        _print(f"artifact: {done.artifact}")


def overfit(*words: str) -> int:
    """Can the net learn one batch of 12 by heart? Exit code 1 if not: it has a fault.

    ratecast overfit [configs/mf.yaml | NAME] [--trainer.learning_rate 0.01] ...
    Without a file or name: mf, mf_bias and neumf, one after the other.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.overfit import ENOUGH
    from ratecast.training.overfit import overfit as run

    results = [(experiment.name, run(experiment)) for experiment in experiments(words, NETS)]
    for name, result in results:
        said = "passed" if result.passed else f"FAILED: must fall under {ENOUGH}"
        _print(f"{name}: training loss {result.loss:.2g}, {said}")
    return 0 if all(result.passed for _, result in results) else 1


def lr_find(*words: str) -> None:
    """Sweep the learning rate: a suggestion, and a picture of the curve.

    ratecast lr-find [configs/mf.yaml | NAME] [--trainer.batch_size 4096] ...
    Without a file or name: mf, mf_bias and neumf, one after the other.
    """
    from ratecast.training.experiment import experiments
    from ratecast.training.lr_find import lr_find as run

    for experiment in experiments(words, NETS):
        curve = run(experiment)
        _print(f"{experiment.name}: learning rate {curve.suggestion:.2g}, curve {curve.picture}")


def sweep(*words: str) -> None:
    """Train with 64, 128 and 256 factors, side by side in TensorBoard.

    ratecast sweep [configs/mf_bias.yaml | NAME] [--trainer.max_epochs 20] ...
    Without a file or name: mf_bias.
    """
    from ratecast.evaluation import show
    from ratecast.training.experiment import experiments
    from ratecast.training.sweep import sweep as run

    for experiment in experiments(words, ["mf_bias"]):
        cells = [
            [
                f"{row.factors}",
                f"{row.parameters:,}",
                f"{row.run.figures['train/rmse']:.4f}",
                f"{row.run.figures.get('valid/rmse', float('nan')):.4f}",
                f"{row.seconds:.1f}",
                str(row.run.folder),
            ]
            for row in run(experiment)
        ]
        _print(show.terminal_table(f"{experiment.name}, embedding sizes", SWEEP_HEADER, cells))


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
    from ratecast.evaluation import show
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
        asked = {"-h", "--help"} & set(words)
        return print(getdoc(verb)) if asked else verb(*words)
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
