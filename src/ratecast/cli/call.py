"""From words to a verb's typed arguments, and from a verb's results to the terminal."""

import json
from collections.abc import Callable
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any, Literal

from ratecast.errors import InputError, in_one_line

SplitName = Literal["chronological", "u1", "u2", "u3", "u4", "u5", "kfold"]
ProtocolName = Literal["frozen", "as-of"]
Verb = Callable[..., int | None]


def call(verb: Verb, name: str, words: list[str]) -> int | None:
    """Call a verb with its typed arguments, read from `words`.

    Parameters before the star may be given without their name; `*words` takes all as they are.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    parameters = list(signature(verb).parameters.values())
    if parameters[0].kind is Parameter.VAR_POSITIONAL:
        asked = {"-h", "--help"} & set(words)
        return print(getdoc(verb)) if asked else verb(*words)
    bare = " ".join(p.name.upper() for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD)
    about = (getdoc(verb) or "").partition("\n\nArgs:")[0]
    usage = f"ratecast {name} {bare} [options]".replace("  ", " ")
    parser = ArgumentParser(usage=usage, exit_on_error=False, description=about)
    parser.add_function_arguments(verb, as_group=False, as_positional=False)
    try:
        given = parser.parse_args(_named(words, parameters))
    except ArgumentError as error:
        raise InputError(f"{name}: {in_one_line(error)}") from None
    return verb(**parser.instantiate(given).as_dict())


def show(shown: Any) -> None:
    """Print a table or text."""
    from rich.console import Console

    # A pipe or a file has no width of its own; 80 columns would cut the tables.
    console = Console()
    Console(width=None if console.is_terminal else 160, highlight=False).print(shown)


def write_json(path: Path | None, facts: dict[str, Any]) -> None:
    """Write plain facts to `path`, if there is one."""
    from ratecast.files import write_text

    if path:
        write_text(path, json.dumps(facts, indent=1) + "\n")


def _named(words: list[str], parameters: list[Parameter]) -> list[str]:
    """`words` with every value behind its option.

    A bare word is the next positional parameter's; a flag alone is true; `--from`, which cannot
    be a parameter's name in Python, is `--source`.
    """
    bare = (p.name for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD)
    flags = {f"--{p.name}": f"--{p.name}=true" for p in parameters if p.annotation is bool}
    named, left = [], list(words)
    while left and not left[0].startswith("-") and (name := next(bare, None)):
        named.append(f"--{name}={left.pop(0)}")
    other = flags | {"--from": "--source"}
    return named + [other.get(word, word) for word in left]
