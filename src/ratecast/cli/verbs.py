"""The command line: its verbs, and how one is found. Each calls the room that does the work."""

import sys
from difflib import get_close_matches
from typing import Literal

from ratecast.cli import data, pages, recommending, scoring, serving, setup, training
from ratecast.cli.call import HELP, Verb, call
from ratecast.errors import InputError


def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print the completion script of a shell.

    It completes verbs, options, models and files. Write it once, to where the shell looks for it,
    and anew after an update.

    Examples:
        ratecast completion bash > ~/.local/share/bash-completion/completions/ratecast
        ratecast completion zsh > ~/.zfunc/_ratecast
        ratecast completion fish > ~/.config/fish/completions/ratecast.fish

    Args:
        shell: bash, zsh or fish.
    """
    from ratecast.cli.completion import script
    from ratecast.cli.manual import manual
    from ratecast.data import EDITIONS
    from ratecast.models import MODELS

    manuals = [manual(name, verb) for name, verb in VERBS.items()]
    editions, models = list(EDITIONS), list(MODELS)
    words = {"data": editions, "edition": editions, "model": models, "models": models}
    print(script(manuals, shell, words))


GROUPS: dict[str, dict[str, Verb]] = {
    "Data": {
        "data fetch": data.fetch,
        "data describe": data.describe,
        "data split": data.split,
        "data expand": data.expand,
    },
    "Models": {
        "train": training.train,
        "predict": scoring.predict,
        "recommend": recommending.recommend,
        "evaluate": scoring.evaluate,
        "report": scoring.report,
        "tune": scoring.tune,
        "reproduce": scoring.reproduce,
    },
    "Service": {
        "serve": serving.serve,
        "publish": serving.publish,
        "refit": serving.refit,
    },
    "Experiments with a net": {
        "overfit": training.overfit,
        "lr-find": training.lr_find,
        "sweep": training.sweep,
    },
    "Setup": {
        "doctor": setup.doctor,
        "completion": completion,
    },
}
VERBS: dict[str, Verb] = {name: verb for group in GROUPS.values() for name, verb in group.items()}


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
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    if not words or words[0] in HELP:
        print(pages.home(GROUPS))
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"ratecast {version('ratecast')}")
        return 0
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in VERBS:
            return call(VERBS[name], name, words[length:]) or 0
    raise InputError(_unknown(words))


def _unknown(words: list[str]) -> str:
    """What to say of words that name no verb: those that begin alike, or the nearest."""
    family = [name for name in VERBS if name.split()[0] == words[0]]
    if family:
        return f"{' '.join(words[:2])!r} is not a verb; choose one of {', '.join(family)}"
    near = get_close_matches(words[0], VERBS, n=1)
    hint = f"did you mean ratecast {near[0]}?" if near else f"choose one of {', '.join(VERBS)}"
    return f"{words[0]!r} is not a verb; {hint}"
