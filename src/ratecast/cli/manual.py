"""What a verb says of itself: its purpose, arguments and examples, read from its own signature.

Help, shell completion and the reference page are all made from this one description.
"""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter, getdoc, signature
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin

# Names that cannot be a parameter's in Python, or would hide one of its own.
OPTION_NAMES = {"source": "from", "everything": "all"}
# Of an experiment, whatever its model: known here too, since help must not load a model.
FIELDS = ("experiment", "data", "columns", "scale", "split", "seed", "out", "resume", "logger")


@dataclass(frozen=True)
class Argument:
    """One argument. bare: it may be given without its name. choices: empty where all is allowed."""

    name: str
    about: str
    bare: bool
    flag: bool
    file: bool
    needed: bool
    default: Any
    choices: tuple[str, ...]

    @property
    def option(self) -> str:
        """As a person types it."""
        return f"--{OPTION_NAMES.get(self.name, self.name)}"

    @property
    def value(self) -> str:
        """What stands for its value; empty for a flag."""
        if self.flag:
            return ""
        if self.choices:
            return "|".join(self.choices)
        return "PATH" if self.file else self.name.upper()


@dataclass(frozen=True)
class Manual:
    """A verb: `words` takes everything as it comes, as the fields of an experiment are taken."""

    name: str
    purpose: str
    more: str
    words: str
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an experiment, where the verb takes them."""
        return FIELDS if self.words else ()

    @property
    def usage(self) -> str:
        """How it is called, in one line."""
        bare = [a.value if a.needed else f"[{a.name.upper()}]" for a in self.arguments if a.bare]
        words = ["[FILE.yaml | MODEL]"] if self.words else []
        return " ".join(["ratecast", self.name, *words, *bare, "[options]"])


def purpose(verb: Callable[..., Any]) -> str:
    """The first line of a verb's docstring."""
    return (getdoc(verb) or "").partition("\n")[0]


def manual(name: str, verb: Callable[..., Any]) -> Manual:
    """The description of `verb`, which is called `name`."""
    from docstring_parser import DocstringStyle, parse

    doc = parse(getdoc(verb) or "", DocstringStyle.GOOGLE)
    about = {p.arg_name: " ".join((p.description or "").split()) for p in doc.params}
    parameters = list(signature(verb).parameters.values())
    found = [p for p in parameters if p.kind is not Parameter.VAR_POSITIONAL]
    lines = [line for e in doc.examples for line in dedent(e.description or "").splitlines()]
    return Manual(
        name,
        doc.short_description or "",
        doc.long_description or "",
        about.get("words", ""),
        tuple(_argument(p, about.get(p.name, "")) for p in found),
        tuple(line.strip() for line in lines if line.strip()),
    )


def _argument(parameter: Parameter, about: str) -> Argument:
    kind, default = parameter.annotation, parameter.default
    literal = get_origin(kind) is Literal
    return Argument(
        parameter.name,
        about,
        bare=parameter.kind is Parameter.POSITIONAL_OR_KEYWORD,
        flag=kind is bool,
        file=Path in (kind, *get_args(kind)),
        needed=default is Parameter.empty,
        default=None if default is Parameter.empty else default,
        choices=get_args(kind) if literal else (),
    )
