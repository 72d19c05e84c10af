"""The command line: its verbs, and how one is found. Each calls the room that does the work."""

import sys
from importlib.metadata import version
from inspect import getdoc

from ratecast.cli import data, scoring, serving, training
from ratecast.cli.call import Verb, call
from ratecast.errors import InputError

VERBS: dict[str, Verb] = {
    "data fetch": data.fetch,
    "data describe": data.describe,
    "data split": data.split,
    "train": training.train,
    "evaluate": scoring.evaluate,
    "predict": scoring.predict,
    "report": scoring.report,
    "tune": scoring.tune,
    "reproduce": scoring.reproduce,
    "overfit": training.overfit,
    "lr-find": training.lr_find,
    "sweep": training.sweep,
    "serve": serving.serve,
    "publish": serving.publish,
    "refit": serving.refit,
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
            return call(VERBS[name], name, words[length:]) or 0
    near = [name for name in VERBS if name.split()[0] == words[0]] or list(VERBS)
    raise InputError(f"{' '.join(words[:2])!r} is not a verb; choose one of {', '.join(near)}")


def _help() -> str:
    verbs = (f"  {name:<15}{(getdoc(verb) or '').splitlines()[0]}" for name, verb in VERBS.items())
    return "\n".join(["Usage: ratecast VERB ...   (ratecast VERB --help says more)", "", *verbs])
