"""Parses a verb's typed arguments, and prints its results."""

import json as jsonlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import Parameter, signature
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from ratecast.cli.plain_words import fits, typed
from ratecast.errors import InputError, nearest
from ratecast.plain_json import plain
from ratecast.table_options import FLAGS, TableOptions
from ratecast.visible_text import lines, one_line

ProtocolName = Literal["frozen", "as-of"]
Verb = Callable[..., int | None]
HELP = {"-h", "--help"}
# The model and the table where none is named.
AUTO, DATA = "auto", "ml-100k"
# What does the work of an option that a verb does not have.
_ELSEWHERE = {
    "serve": {
        "--artifact": "publish it first: ratecast publish DIR --home HOME, where DIR is a folder "
        "that ratecast train wrote; then ratecast serve --home HOME"
    }
}
# Options whose value may be left out, and what it is then.
_ALONE = {"--wait": "30"}
_NEGATIVE = re.compile(r"-[\d.]")


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
    for option in ("out", "page", "study", "save_forecasts", "doubtful"):
        _say_new_folder(option, named.get(option))
    return verb(*positional, **named)


def _say_new_folder(option: str, path: object) -> None:
    """Say that the folder of a file that is to be written is not there: it may be mistyped."""
    if isinstance(path, Path) and not path.expanduser().parent.exists():
        note(f"{_option(option)}: there is no folder {path.parent}; it will be made")


def arguments(verb: Verb, name: str, words: Sequence[str]) -> tuple[list[str], dict[str, Any]]:
    """The positional words and the typed arguments of a verb. Raises `InputError` if wrong."""
    from ratecast.cli.manual import flat_parameters

    parameters = flat_parameters(verb)
    if parameters[:1] and parameters[0].kind is Parameter.VAR_POSITIONAL:
        flags = {_option(p.name): p.name for p in parameters[1:]}
        rest = _of_experiment([word for word in words if word not in flags])
        _refuse_mistyped_flag(rest, list(flags), name)
        return rest, {flags[word]: True for word in words if word in flags}

    files, words = _files(parameters, words, name)
    lists, words = _lists(parameters[len(files) :], words, name)
    files |= lists
    named = _named(words, parameters, name)
    _refuse_empty_paths(named, parameters, name)
    own = [p for p in parameters if p.name not in files]
    values = typed(named, own)
    if values is None:
        values = _parsed(own, parameters, named, (name, words))
    return [], files | _grouped(verb, values)


def _parsed(
    own: list[Parameter],
    parameters: list[Parameter],
    named: list[str],
    typed: tuple[str, Sequence[str]],
) -> dict[str, Any]:
    """The values of a verb's `own` parameters by the parser, which says what is wrong with one.

    parameters: with those of files, for messages. named: --parameter=value. typed: the name of the
    verb, and its words.
    """
    from jsonargparse import ArgumentError, ArgumentParser

    from ratecast.parser_errors import plain

    name, words = typed
    parser = ArgumentParser(exit_on_error=False, add_help=False, allow_abbrev=False)
    for p in own:
        needed = p.default is Parameter.empty
        given: dict[str, Any] = {"required": True} if needed else {"default": p.default}
        parser.add_argument(f"--{p.name}", type=p.annotation, **given)
    try:
        values: dict[str, Any] = parser.instantiate(parser.parse_args(named)).as_dict()
    except ArgumentError as error:
        for option, instead in _ELSEWHERE.get(name, {}).items():
            if any(word.partition("=")[0] == option for word in words):
                raise InputError(f"{name}: unknown option {option}; {instead}") from None
        message = plain(error, {p.name: _typed(p) for p in parameters})
        more = "" if message.endswith("?") else f"; see ratecast {name} --help"
        raise InputError(f"{name}: {message}{more}") from None
    return values


def _files(
    parameters: list[Parameter], words: Sequence[str], name: str
) -> tuple[dict[str, Any], Sequence[str]]:
    """The files of a verb that takes several first, by its parameter; and the words after them."""
    first = next(iter(parameters), None)
    if first is None or first.annotation != list[Path]:
        return {}, words
    options = (k for k, word in enumerate(words) if word.startswith("-") and word != "-")
    count = next(options, len(words))
    if not count:
        raise InputError(f"{name}: give one or more files first; see ratecast {name} --help")
    if "" in words[:count]:
        raise InputError(f"{name}: the name of a file is empty; give the file")
    return {first.name: [Path(word) for word in words[:count]]}, words[count:]


def _lists(
    parameters: list[Parameter], words: Sequence[str], name: str
) -> tuple[dict[str, Any], list[str]]:
    """The values of options that take several words, by their parameter; and the other words."""
    wanted = {_option(p.name): p for p in parameters if get_origin(p.annotation) is list}
    found: dict[str, Any] = {p.name: p.default for p in wanted.values()}
    rest: list[str] = []
    remaining = list(words)
    while remaining:
        word = remaining.pop(0)
        option, equals, value = word.partition("=")
        if option not in wanted:
            rest.append(word)
            continue
        values = [value] if equals else []
        while not equals and remaining and not remaining[0].startswith("-"):
            values.append(remaining.pop(0))
        if not values or "" in values:
            raise InputError(f"{name}: {option} needs a value; see ratecast {name} --help")
        kind = get_args(wanted[option].annotation)[0]
        found[wanted[option].name] = [kind(each) for each in values]
    return found, rest


def _refuse_empty_paths(words: Sequence[str], parameters: list[Parameter], name: str) -> None:
    """Refuse a path without a name, which Python takes for the folder that one is in."""
    paths = {
        f"--{p.name}": p for p in parameters if Path in (p.annotation, *get_args(p.annotation))
    }
    for word, after in pairwise([*words, "-"]):
        option, _, value = word.partition("=")
        if option in paths and not (value if "=" in word else after):
            raise InputError(f"{name}: {_typed(paths[option])} is empty; give a path")


def emit(result: dict[str, Any], view: Any, json: bool) -> None:
    """Print the result of a verb on stdout: as one JSON document, or as `view`."""
    if json:
        print(jsonlib.dumps(plain(result), allow_nan=False))
    else:
        show(view)


def show(view: Any) -> None:
    """Print a table or text on stdout."""
    # The library that draws tables takes longer to import than a short text to compute.
    if isinstance(view, str) and fits(view):
        print(lines(view))
        return
    from ratecast.console import PlainConsole

    # A pipe or a file has no width; the default of 80 columns would cut the tables.
    PlainConsole(width=None if PlainConsole().is_terminal else 160).print(view)


def note(line: str) -> None:
    """Print progress to stderr, so that it does not mix with results."""
    print(one_line(line), file=sys.stderr)


def _grouped(verb: Verb, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a group of options as one, for a verb that has a parameter for them."""
    from ratecast.cli.manual import GROUPS, table_options

    own = signature(verb).parameters
    for parameter in own.values():
        if parameter.annotation is TableOptions:
            options = {option: values.pop(option) for option in table_options(own)}
            values[parameter.name] = TableOptions(**options)
        elif parameter.annotation in GROUPS:
            group = parameter.annotation
            values[parameter.name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
    return values


def _named(words: Sequence[str], parameters: list[Parameter], name: str) -> list[str]:
    """`words` as --parameter=value each.

    A word without an option is the next positional parameter; a flag alone is true.
    """
    positional = (p.name for p in parameters if p.kind is Parameter.POSITIONAL_OR_KEYWORD)
    flags = {f"--{p.name}" for p in parameters if p.annotation is bool}
    names = {_underscored(_option(p.name)): f"--{p.name}" for p in parameters}
    named, remaining = [], list(words)
    while remaining and not remaining[0].startswith("-") and (name_ := next(positional, None)):
        named.append(f"--{name_}={remaining.pop(0)}")
    remaining = [_underscored(word) for word in remaining]
    for word, after in pairwise([*_joined(remaining, flags), "-"]):
        if word in flags and not after.startswith("-"):
            file = "; give a file as --out FILE" if "--out" in names else ""
            raise InputError(
                f"{name}: {_option(word[2:])} takes no value; remove {after!r} after it{file}"
            )
        option, equals, value = word.partition("=")
        if word in _ALONE.keys() & names.keys() and after.startswith("-"):
            equals, value = "=", _ALONE[word]
        named.append(
            f"{word}=true" if word in flags else names.get(option, option) + equals + value
        )
    return named


def _of_experiment(words: Sequence[str]) -> list[str]:
    """The words of an experiment: a flag of its table alone is true."""
    flags = {f"--{name}" for name in FLAGS}
    joined = _joined([_underscored(word) for word in words], flags)
    return [f"{word}=true" if word in flags else word for word in joined]


def _refuse_mistyped_flag(words: Sequence[str], flags: list[str], name: str) -> None:
    """Refuse an option that resembles a flag; the fields of an experiment are checked with it."""
    from ratecast.cli.manual import FIELDS
    from ratecast.cli.work_folder import OPTIONS

    for word in words:
        option = word.partition("=")[0]
        if not option.startswith("--") or "." in option or option[2:] in FIELDS:
            continue
        if option in OPTIONS:
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

    return f"--{OPTION_NAMES.get(name, name).replace('_', '-')}"


def _underscored(word: str) -> str:
    """An option with the underscores of its parameter: --time-format is --time_format."""
    option, equals, value = word.partition("=")
    if not option.startswith("--") or "." in option:
        return word
    return f"--{option[2:].replace('-', '_')}{equals}{value}"


def _joined(words: list[str], flags: set[str]) -> list[str]:
    """The words, with a value that begins with a minus and a digit joined to its option."""
    joined: list[str] = []
    for word in words:
        before = joined[-1] if joined else ""
        value = _NEGATIVE.match(word) and before.startswith("--") and "=" not in before
        if value and before not in flags:
            joined[-1] = f"{before}={word}"
        else:
            joined.append(word)
    return joined
