"""The help texts: of a verb, and of `ratecast` alone."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from textwrap import fill
from typing import Any

from ratecast.cli.manual import Argument, Manual, purpose
from ratecast.visible_text import one_line

START = """\
  ratecast compare mean,bias,als
  ratecast train als
  ratecast predict --artifact lightning_logs/als/version_0/artifact --user 196 --movie 242\
"""
_WIDTH, _INDENT = 100, 20

Groups = Mapping[str, Mapping[str, Callable[..., Any]]]


def home(groups: Groups) -> str:
    """The help of `ratecast` alone: three commands to start with, and every verb."""
    parts = [
        "ratecast forecasts how many stars a user will give a movie.",
        f"{_bold('Start with')}\n{START}",
    ]
    for title, verbs in groups.items():
        lines = (f"  {name:<15}{purpose(verb)}" for name, verb in verbs.items())
        parts.append("\n".join([_bold(title), *lines]))
    parts.append("Help and examples: ratecast COMMAND --help. Check of the setup: ratecast doctor.")
    return "\n\n".join(parts)


def family(name: str, verbs: Mapping[str, Callable[..., Any]]) -> str:
    """The help of several verbs whose first word is `name`, with an example of each."""
    from ratecast.cli.manual import manual

    examples = [f"  {manual(verb, about).examples[0]}" for verb, about in verbs.items()]
    lines = (f"  {verb:<15}{purpose(about)}" for verb, about in verbs.items())
    return "\n\n".join(
        [
            f"Usage: ratecast {name} COMMAND [options]",
            "\n".join([_bold("Commands"), *lines]),
            "\n".join([_bold("Examples"), *examples]),
            f"Help and examples: ratecast {name} COMMAND --help.",
        ]
    )


def text(verb: Manual) -> str:
    """The help of one verb for a terminal."""
    parts = [f"Usage: {verb.usage}", verb.purpose, *([verb.more] if verb.more else [])]
    if verb.examples:
        parts.append("\n".join([_bold("Examples"), *(f"  {line}" for line in verb.examples)]))
    positional = [_line(_head(a), _about(a)) for a in verb.arguments if a.positional]
    if verb.words:
        positional.insert(0, _line("FILE.yaml | MODEL", verb.words))
    options = [_line(_head(a), _about(a)) for a in verb.arguments if not a.positional]
    parts += _section("Arguments", positional) + _section("Options", options)
    return "\n\n".join(parts)


def fields(source: str) -> str:
    """Every field of the experiment of a YAML file or a model's name, with its value."""
    from ratecast.training.experiment import leaves, read_experiment

    experiment = read_experiment(source)
    # A model of version 0.1 is shown by its name of today.
    title = source if Path(source).exists() else experiment.name
    values = leaves(experiment.plain(), ())
    lines = (one_line(f"  --{name} {value}") for name, value in values if name != "model.name")
    title = one_line(f"Fields, and their values in {title}")
    return "\n".join([_bold(title), *lines])


def markdown(groups: Groups) -> str:
    """The reference page of the command line: every verb with its examples and arguments."""
    from ratecast.cli.manual import manual

    parts = ["# Command line", "Generated from `ratecast COMMAND --help`."]
    for title, verbs in groups.items():
        parts.append(f"## {title}")
        parts += [_entry(manual(name, verb)) for name, verb in verbs.items()]
    return "\n\n".join(parts) + "\n"


def _entry(verb: Manual) -> str:
    lines = [f"- `{_head(a)}`: {_about(a)}" for a in verb.arguments]
    if verb.words:
        lines.insert(0, f"- `FILE.yaml | MODEL`: {verb.words}")
    examples = "\n".join(["```sh", *verb.examples, "```"])
    parts = [f"### {verb.name}", verb.purpose, verb.more, examples, "\n".join(lines)]
    return "\n\n".join(part for part in parts if part)


def _head(argument: Argument) -> str:
    """An argument as it is typed."""
    if argument.positional:
        return argument.name.upper()
    return f"{argument.option} {argument.value}".strip()


def _section(title: str, lines: Iterable[str]) -> list[str]:
    content = list(lines)
    return ["\n".join([_bold(title), *content])] if content else []


def _about(argument: Argument) -> str:
    if argument.required:
        return f"{argument.about} (required)"
    default = argument.default
    if default in (None, False, []):
        return argument.about
    shown = " ".join(map(str, default)) if isinstance(default, list) else default
    return f"{argument.about} (default: {shown})"


def _line(name: str, about: str) -> str:
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    indent = " " * _INDENT
    body = fill(about, width, initial_indent=indent, subsequent_indent=indent)
    head = f"  {name}"
    return head + body[len(head) :] if len(head) < _INDENT - 1 else f"{head}\n{body}"


def _bold(title: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return title if plain else f"\033[1m{title}\033[0m"
