"""The manual of a verb: purpose, arguments and examples, from its signature and docstring.

Help, shell completion and the reference page are generated from it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from inspect import Parameter, getdoc, signature
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal, get_args, get_origin

from ratecast.cli.first_model import FirstModel
from ratecast.cli.places import PlaceOptions
from ratecast.cli.serve_options import AccessOptions, PageOptions
from ratecast.table_options import OPTIONS, TableOptions

# Options that stand in one parameter of a verb, besides those of a table.
GROUPS = (PlaceOptions, FirstModel, AccessOptions, PageOptions)
# Option names that are keywords or builtins in Python, by the name of the parameter.
OPTION_NAMES = {"source": "from", "everything": "all"}
# The fields of an experiment; listed here because help must not import a model.
FIELDS = ("experiment", "data", *OPTIONS, "split", "seed", "out", "resume", "logger")


@dataclass(frozen=True)
class Argument:
    """One argument. positional: may be given without its name. choices: empty if any is allowed.

    several: one or more words.
    """

    name: str
    about: str
    positional: bool
    flag: bool
    file: bool
    required: bool
    default: Any
    choices: tuple[str, ...]
    several: bool = False

    @property
    def option(self) -> str:
        """The option as it is typed."""
        return f"--{OPTION_NAMES.get(self.name, self.name).replace('_', '-')}"

    @property
    def value(self) -> str:
        """A placeholder for its value; empty for a flag."""
        if self.flag:
            return ""
        if self.choices:
            return "|".join(self.choices)
        if self.several:
            return "FILE..."
        return "PATH" if self.file else self.name.upper()


@dataclass(frozen=True)
class Manual:
    """The manual of a verb. words: help of `*words`, for a verb that takes experiment fields."""

    name: str
    purpose: str
    more: str
    words: str
    arguments: tuple[Argument, ...]
    examples: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields of an experiment, if the verb takes them."""
        return tuple(f for f in FIELDS if f not in OPTIONS) if self.words else ()

    @property
    def usage(self) -> str:
        """The usage in one line."""
        positional = [
            a.value if a.required else f"[{a.name.upper()}]" for a in self.arguments if a.positional
        ]
        words = ["[FILE.yaml | MODEL]"] if self.words else []
        return " ".join(["ratecast", self.name, *words, *positional, "[options]"])


def purpose(verb: Callable[..., Any]) -> str:
    """The first line of a verb's docstring."""
    return (getdoc(verb) or "").partition("\n")[0]


def flat_parameters(verb: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a verb; one of type `TableOptions` or of `GROUPS` is its options.

    An option of a table of the same name that the verb has itself takes precedence.
    """
    own = signature(verb).parameters
    flat: list[Parameter] = []
    for parameter in own.values():
        if parameter.annotation is TableOptions:
            flat += [option for option in table_parameters() if option.name in table_options(own)]
        elif parameter.annotation in GROUPS:
            flat += parameters_of(parameter.annotation)
        else:
            flat.append(parameter)
    return flat


def table_options(own: Collection[str]) -> list[str]:
    """The options of a table for a verb with these parameters of its own.

    Where it has other files of items or users, their columns are not those of side information.
    """
    replaced = {*own, *(f"{name.removesuffix('s')}_columns" for name in own)}
    return [option for option in OPTIONS if option not in replaced]


def table_parameters() -> list[Parameter]:
    """The options of a table as parameters."""
    return parameters_of(TableOptions)


def parameters_of(group: type[Any]) -> list[Parameter]:
    """A group of options as parameters."""
    return [
        Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=f.type)
        for f in fields(group)
    ]


def manual(name: str, verb: Callable[..., Any]) -> Manual:
    """The manual of `verb`, which is called `name`."""
    from docstring_parser import DocstringStyle, parse

    doc = parse(getdoc(verb) or "", DocstringStyle.GOOGLE)
    groups = (
        parse(getdoc(group) or "", DocstringStyle.GOOGLE) for group in (TableOptions, *GROUPS)
    )
    documented = [*(param for group in groups for param in group.params), *doc.params]
    about = {p.arg_name: " ".join((p.description or "").split()) for p in documented}
    parameters = flat_parameters(verb)
    # Fields of an experiment, besides those of the model.
    parameters += table_parameters() if "words" in about else []
    arguments = [p for p in parameters if p.kind is not Parameter.VAR_POSITIONAL]
    lines = [line for e in doc.examples for line in dedent(e.description or "").splitlines()]
    return Manual(
        name,
        doc.short_description or "",
        doc.long_description or "",
        about.get("words", ""),
        tuple(_argument(p, about.get(p.name, "")) for p in arguments),
        tuple(line.strip() for line in lines if line.strip()),
    )


def _argument(parameter: Parameter, about: str) -> Argument:
    kind, default = parameter.annotation, parameter.default
    literal = get_origin(kind) is Literal
    return Argument(
        parameter.name,
        about,
        positional=parameter.kind is Parameter.POSITIONAL_OR_KEYWORD,
        flag=kind is bool,
        file=Path in (kind, *get_args(kind)),
        several=get_origin(kind) is list,
        required=default is Parameter.empty,
        default=None if default is Parameter.empty else default,
        choices=get_args(kind) if literal else (),
    )
