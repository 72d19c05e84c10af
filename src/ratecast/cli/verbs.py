"""The verbs of the command line, and the main function."""

import codecs
import io
import os
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Literal

from typing_extensions import override

from ratecast.cli.call import HELP, Verb, call, note
from ratecast.cli.interrupts import interrupts
from ratecast.errors import InputError, nearest


def completion(shell: Literal["bash", "zsh", "fish"]) -> None:
    """Print the completion script of a shell.

    It completes verbs, options, models and files. Write it to the folder where your shell looks for
    completions, and again after an update.

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
    editions, names = list(EDITIONS), list(MODELS)
    words = {"data": editions, "edition": editions, "model": names, "models": names}
    print(script(manuals, shell, words))


class Verbs(Mapping[str, Verb]):
    """Verbs by name; the module of one is imported when it is looked up."""

    def __init__(self, places: Mapping[str, str]) -> None:
        """places: module:function below `ratecast.cli`, by the name of the verb."""
        self._places = dict(places)

    @override
    def __getitem__(self, name: str) -> Verb:
        module, _, function = self._places[name].partition(":")
        verb: Verb = getattr(import_module(f"ratecast.cli.{module}"), function)
        return verb

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    @override
    def __len__(self) -> int:
        return len(self._places)

    @override
    def __contains__(self, name: object) -> bool:
        return name in self._places


_PLACES = {
    "Data": {
        "data fetch": "data:fetch",
        "data describe": "data:describe",
        "data split": "data:split",
        "data expand": "data:expand",
    },
    "Models": {
        "models": "models:models",
        "train": "training:train",
        "predict": "predicting:predict",
        "recommend": "recommending:recommend",
        "evaluate": "evaluating:evaluate",
        "compare": "comparing:compare",
        "report": "scoring:report",
        "tune": "tuning:tune",
        "reproduce": "scoring:reproduce",
    },
    "Your own ratings": {
        "import": "importing:import_ratings",
        "export": "exporting:export_ratings",
    },
    "Service": {
        "serve": "serving:serve",
        "publish": "publishing:publish",
        "refit": "serving:refit",
        "move-store": "moving:move_store",
        "mcp": "assistants:mcp",
    },
    "Experiments with a net": {
        "overfit": "training:overfit",
        "lr-find": "training:lr_find",
        "sweep": "training:sweep",
    },
    "Setup": {
        "doctor": "setup:doctor",
        "completion": "verbs:completion",
    },
}
GROUPS = {title: Verbs(places) for title, places in _PLACES.items()}
VERBS = Verbs({name: place for places in _PLACES.values() for name, place in places.items()})
# A warning of modelling/contract/renamed.py.
_RENAMED = r".* is called .* now"


def main(argv: list[str] | None = None) -> int:
    """Run the verb in `argv`; the exit code is 0, 1 (a check failed), or 2 (bad input)."""
    _write_any_text()
    with interrupts() as interrupted:
        return _code(sys.argv[1:] if argv is None else argv, interrupted)


def _code(words: list[str], interrupted: list[int]) -> int:
    """The exit code of a verb. interrupted: not empty as soon as Ctrl-C was pressed."""
    try:
        with _notes():
            code = _run(words)
            sys.stdout.flush()
            return code
    except InputError as error:
        if interrupted:
            return _stopped()
        note(f"ratecast: {error}")
        return 2
    except BrokenPipeError:
        # Whoever read the output has closed it; Python would write the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return _stopped()


def _write_any_text() -> None:
    """Where the output has another encoding than UTF-8, a character it lacks becomes its number."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper) and codecs.lookup(out.encoding).name != "utf-8":
        # As stderr does by itself.
        out.reconfigure(errors="backslashreplace")


def _stopped() -> int:
    print("ratecast: stopped", file=sys.stderr)
    return 130


@contextmanager
def _notes() -> Iterator[None]:
    """Print each warning about a renamed setting once, as one line on stderr."""
    printed: set[str] = set()
    with warnings.catch_warnings():
        default = warnings.showwarning
        warnings.filterwarnings("always", _RENAMED, FutureWarning)

        def show(message: Warning | str, *rest: Any, **options: Any) -> None:
            if not re.match(_RENAMED, str(message)):
                default(message, *rest, **options)
            elif str(message) not in printed:
                printed.add(str(message))
                note(f"ratecast: note: {message}")

        warnings.showwarning = show
        yield


def _run(words: list[str]) -> int:
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    if not words or words[0] in HELP:
        from ratecast.cli import pages

        print(pages.home(GROUPS))
        return 0
    if words[0] == "--version":
        from importlib.metadata import version

        print(f"ratecast {version('ratecast')}")
        return 0
    family = [name for name in VERBS if name.startswith(f"{words[0]} ")]
    if family and HELP & set(words[1:2]):
        from ratecast.cli import pages

        print(pages.family(words[0], {name: VERBS[name] for name in family}))
        return 0
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in VERBS:
            return call(VERBS[name], name, words[length:]) or 0
    raise InputError(_unknown(words))


def _unknown(words: list[str]) -> str:
    """The message for an unknown verb, with verbs of the same group or the most similar one."""
    family = [name for name in VERBS if name.split()[0] == words[0]]
    if family:
        near = nearest(" ".join(words[1:2]), [name.split()[-1] for name in family])
        hint = f"did you mean ratecast {words[0]} {near}?" if near else _one_of(family)
        return f"{' '.join(words[:2])!r} is not a command; {hint}"
    near = nearest(words[0], VERBS)
    hint = f"did you mean ratecast {near}?" if near else _one_of(VERBS)
    return f"{words[0]!r} is not a command; {hint}"


def _one_of(verbs: Iterable[str]) -> str:
    return f"choose one of {', '.join(verbs)}"
