"""The help of a verb, and what `ratecast` alone says."""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from textwrap import fill
from typing import Any

from ratecast.cli.manual import Argument, Manual, purpose

START = """\
  ratecast data fetch ml-100k
  ratecast train als
  ratecast predict --artifact lightning_logs/als/version_0/artifact --user 196 --movie 242\
"""
_WIDTH, _INDENT = 100, 20

Groups = Mapping[str, Mapping[str, Callable[..., Any]]]


def home(groups: Groups) -> str:
    """What `ratecast` alone says: three lines to start with, and every verb."""
    parts = [
        "ratecast forecasts how many stars a user will give a movie.",
        f"{_bold('Start with')}\n{START}",
    ]
    for title, verbs in groups.items():
        lines = (f"  {name:<15}{purpose(verb)}" for name, verb in verbs.items())
        parts.append("\n".join([_bold(title), *lines]))
    parts.append("ratecast VERB --help says more, with examples; ratecast doctor checks the setup.")
    return "\n\n".join(parts)


def text(verb: Manual) -> str:
    """The help of one verb for a terminal."""
    parts = [f"Usage: {verb.usage}", verb.purpose, *([verb.more] if verb.more else [])]
    if verb.examples:
        parts.append("\n".join([_bold("Examples"), *(f"  {line}" for line in verb.examples)]))
    bare = [_line(_head(a), _about(a)) for a in verb.arguments if a.bare]
    if verb.words:
        bare.insert(0, _line("FILE.yaml | MODEL", verb.words))
    options = [_line(_head(a), _about(a)) for a in verb.arguments if not a.bare]
    parts += _section("Arguments", bare) + _section("Options", options)
    return "\n\n".join(parts)


def fields(source: str) -> str:
    """Every field of the experiment of this YAML file or model's name, and its value there."""
    from ratecast.training.experiment import leaves, read_experiment

    found = leaves(read_experiment(source).plain(), ())
    lines = (f"  --{name} {value}" for name, value in found if name != "model.name")
    return "\n".join([_bold(f"Fields, and their values in {source}"), *lines])


def markdown(groups: Groups) -> str:
    """The reference of the command line: every verb with its examples and arguments."""
    from ratecast.cli.manual import manual

    parts = ["# Command line", "Made from what `ratecast VERB --help` says."]
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
    return argument.name.upper() if argument.bare else f"{argument.option} {argument.value}".strip()


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = list(lines)
    return ["\n".join([_bold(title), *found])] if found else []


def _about(argument: Argument) -> str:
    if argument.needed:
        return f"{argument.about} (needed)"
    default = argument.default
    return argument.about if default in (None, False) else f"{argument.about} (default: {default})"


def _line(name: str, about: str) -> str:
    width = min(shutil.get_terminal_size((_WIDTH, 24)).columns, _WIDTH)
    indent = " " * _INDENT
    body = fill(about, width, initial_indent=indent, subsequent_indent=indent)
    head = f"  {name}"
    return head + body[len(head) :] if len(head) < _INDENT - 1 else f"{head}\n{body}"


def _bold(title: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return title if plain else f"\033[1m{title}\033[0m"
