"""Parses a verb's typed arguments, and prints its results."""

import json as jsonlib
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from ratecast.errors import InputError, nearest

SplitName = Literal["chronological", "u1", "u2", "u3", "u4", "u5", "kfold"]
ProtocolName = Literal["frozen", "as-of"]
Verb = Callable[..., int | None]
HELP = {"-h", "--help"}


def call(verb: Verb, name: str, words: Sequence[str]) -> int | None:
    """Call a verb with the typed arguments in `words`, or print its help.

    Parameters before the star may be given without their name; a verb with `*words` gets all words
    that are not its flags.
    """
    if HELP & set(words):
        from ratecast.cli import pages
        from ratecast.cli.manual import manual

        about = manual(name, verb)
        source = next((word for word in words if about.words and not word.startswith("-")), None)
        return print("\n\n".join([pages.text(about), *([pages.fields(source)] if source else [])]))
    positional, named = arguments(verb, name, words)
    return verb(*positional, **named)


def arguments(verb: Verb, name: str, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The positional words and the typed arguments of a verb. Raises `InputError` if wrong."""
    parameters = list(signature(verb).parameters.values())
    if parameters[:1] and parameters[0].kind is Parameter.VAR_POSITIONAL:
        flags = {_option(p.name): p.name for p in parameters[1:]}
        rest = [word for word in words if word not in flags]
        _refuse_mistyped_flag(rest, list(flags), name)
        return rest, {flags[word]: True for word in words if word in flags}

    from jsonargparse import ArgumentError, ArgumentParser

    from ratecast.parser_errors import plain

    parser = ArgumentParser(exit_on_error=False, add_help=False, allow_abbrev=False)
    parser.add_function_arguments(verb, as_group=False, as_positional=False)
    try:
        parsed = parser.parse_args(_named(words, parameters, name))
    except ArgumentError as error:
        message = plain(error, {p.name: _typed(p) for p in parameters})
        more = "" if message.endswith("?") else f"; see ratecast {name} --help"
        raise InputError(f"{name}: {message}{more}") from None
    return [], parser.instantiate(parsed).as_dict()


def emit(result: dict[str, Any], view: Any, json: bool) -> None:
    """Print the result of a verb on stdout: as one JSON document, or as `view`."""
    if json:
        print(jsonlib.dumps(_plain(result), allow_nan=False))
    else:
        show(view)


def show(view: Any) -> None:
    """Print a table or text on stdout."""
    from rich.console import Console

    # A pipe or a file has no width; the default of 80 columns would cut the tables.
    console = Console()
    Console(width=None if console.is_terminal else 160, highlight=False, markup=False).print(view)


def note(line: str) -> None:
    """Print progress to stderr, so that it does not mix with results."""
    print(line, file=sys.stderr)


def write_json(path: Path | None, result: dict[str, Any]) -> None:
    """Write a result to `path` as JSON, if a path is given."""
    from ratecast.atomic_write import write_text

    if path:
        write_text(path, jsonlib.dumps(result, indent=1) + "\n")
        note(f"wrote {path}")


def _plain(value: Any) -> Any:
    """A value for JSON, which has no paths and no NaN."""
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
    """`words` as --parameter=value each.

    A word without an option is the next positional parameter; a flag alone is true.
    """
    positional = (p.name for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD)
    flags = {f"--{p.name}" for p in parameters if p.annotation is bool}
    names = {_option(p.name): f"--{p.name}" for p in parameters}
    named, remaining = [], list(words)
    while remaining and not remaining[0].startswith("-") and (name_ := next(positional, None)):
        named.append(f"--{name_}={remaining.pop(0)}")
    for word, after in pairwise([*remaining, "-"]):
        if word in flags and not after.startswith("-"):
            file = "; give a file as --out FILE" if "--out" in names else ""
            raise InputError(f"{name}: {word} takes no value; remove {after!r} after it{file}")
        option, equals, value = word.partition("=")
        named.append(
            f"{word}=true" if word in flags else names.get(option, option) + equals + value
        )
    return named


def _refuse_mistyped_flag(words: Sequence[str], flags: list[str], name: str) -> None:
    """Refuse an option that resembles a flag; the fields of an experiment are checked with it."""
    from ratecast.cli.manual import FIELDS

    for word in words:
        option = word.partition("=")[0]
        if not option.startswith("--") or "." in option or option[2:] in FIELDS:
            continue
        near = nearest(option, [*flags, *FIELDS])
        if near in flags:
            raise InputError(f"{name}: unknown option {option}; did you mean {near}?")


def _typed(parameter: Parameter) -> str:
    """A parameter as the user types it."""
    required = parameter.default is Parameter.empty
    if required and parameter.kind is Parameter.POSITIONAL_OR_KEYWORD:
        return parameter.name.upper()
    return _option(parameter.name)


def _option(name: str) -> str:
    from ratecast.cli.manual import OPTION_NAMES

    return f"--{OPTION_NAMES.get(name, name)}"
