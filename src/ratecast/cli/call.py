"""From words to a verb's typed arguments, and from a verb's results to the terminal."""

import json as jsonlib
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from ratecast.errors import InputError, in_one_line

SplitName = Literal["chronological", "u1", "u2", "u3", "u4", "u5", "kfold"]
ProtocolName = Literal["frozen", "as-of"]
Verb = Callable[..., int | None]
HELP = {"-h", "--help"}


def call(verb: Verb, name: str, words: Sequence[str]) -> int | None:
    """Call a verb with its typed arguments, read from `words`.

    Parameters before the star may be given without their name; `*words` takes what is no
    parameter's as it is.
    """
    if HELP & set(words):
        from ratecast.cli import pages
        from ratecast.cli.manual import manual

        about = manual(name, verb)
        source = next((word for word in words if about.words and not word.startswith("-")), None)
        return print("\n\n".join([pages.text(about), *([pages.fields(source)] if source else [])]))
    left, given = arguments(verb, name, words)
    return verb(*left, **given)


def arguments(verb: Verb, name: str, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The words that a verb takes as they are, and its typed arguments; `InputError` if wrong."""
    parameters = list(signature(verb).parameters.values())
    if parameters[:1] and parameters[0].kind is Parameter.VAR_POSITIONAL:
        flags = {_option(p.name): p.name for p in parameters[1:]}
        given: dict[str, Any] = {flags[word]: True for word in words if word in flags}
        return [word for word in words if word not in flags], given

    from jsonargparse import ArgumentError, ArgumentParser

    parser = ArgumentParser(exit_on_error=False, add_help=False)
    parser.add_function_arguments(verb, as_group=False, as_positional=False)
    try:
        parsed = parser.parse_args(_named(words, parameters, name))
    except ArgumentError as error:
        raise InputError(f"{name}: {in_one_line(error)}; see ratecast {name} --help") from None
    return [], parser.instantiate(parsed).as_dict()


def emit(facts: dict[str, Any], shown: Any, json: bool) -> None:
    """The result of a verb on stdout: one JSON document, or what is made for people."""
    if json:
        print(jsonlib.dumps(_plain(facts), allow_nan=False))
    else:
        show(shown)


def show(shown: Any) -> None:
    """Print a table or text on stdout."""
    from rich.console import Console

    # A pipe or a file has no width of its own; 80 columns would cut the tables.
    console = Console()
    Console(width=None if console.is_terminal else 160, highlight=False).print(shown)


def note(line: str) -> None:
    """Say how far the work is, where it does not mix with results."""
    print(line, file=sys.stderr)


def write_json(path: Path | None, facts: dict[str, Any]) -> None:
    """Write plain facts to `path`, if there is one."""
    from ratecast.atomic_write import write_text

    if path:
        write_text(path, jsonlib.dumps(facts, indent=1) + "\n")
        note(f"wrote {path}")


def _plain(value: Any) -> Any:
    """For JSON, which knows no paths and no NaN."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, Path):
        return str(value)
    number = value.item() if hasattr(value, "item") else value
    finite = not isinstance(number, float) or abs(number) < float("inf")
    return number if finite else None


def _named(words: Sequence[str], parameters: list[Parameter], name: str) -> list[str]:
    """`words` with every value behind its option, as Python names it.

    A bare word is the next positional parameter's; a flag alone is true.
    """
    bare = (p.name for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD)
    flags = {f"--{p.name}" for p in parameters if p.annotation is bool}
    names = {_option(p.name): f"--{p.name}" for p in parameters}
    named, left = [], list(words)
    while left and not left[0].startswith("-") and (first := next(bare, None)):
        named.append(f"--{first}={left.pop(0)}")
    for word, after in pairwise([*left, "-"]):
        if word in flags and not after.startswith("-"):
            file = "; a file is named by --out FILE" if "--out" in names else ""
            raise InputError(f"{name}: {word} takes no value, and {after!r} follows it{file}")
        option, equals, value = word.partition("=")
        named.append(
            f"{word}=true" if word in flags else names.get(option, option) + equals + value
        )
    return named


def _option(name: str) -> str:
    from ratecast.cli.manual import OPTION_NAMES

    return f"--{OPTION_NAMES.get(name, name)}"
