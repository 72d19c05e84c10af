"""What most commands need of a parser and of a console, without importing either.

The parser of arguments and the console take a sixth of the time of a single forecast to import.
"""

import re
import shutil
import sys
from collections.abc import Sequence
from inspect import Parameter
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

# Text that the parser takes as it is; not a word of YAML, and no list or mapping.
_PLAIN = re.compile(r"[\w./ (),-]*\w[\w./ (),-]*")
_WORDS = {"null", "none", "true", "false", "yes", "no", "on", "off"}
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_BOOL = {"true": True, "false": False}
_REFUSED = object()
# Columns of a file or a pipe, which have no width.
WIDTH = 160


def typed(named: Sequence[str], parameters: list[Parameter]) -> dict[str, Any] | None:
    """The values of all parameters where each word is plain; None where the parser has to look.

    named: --parameter=value, or both as words. They are those that the parser would give.
    """
    known = {f"--{p.name}": p for p in parameters}
    given: dict[str, Any] = {}
    words = iter(named)
    for word in words:
        option, equals, text = word.partition("=")
        if not equals:
            text = next(words, "")
        if option not in known or (not equals and text.startswith("-")):
            return None
        value = _value(text, known[option].annotation)
        if value is _REFUSED:
            return None
        given[known[option].name] = value
    values = {p.name: given.get(p.name, p.default) for p in parameters}
    return None if Parameter.empty in values.values() else values


def fits(text: str) -> bool:
    """Whether the console would print each line of a text as it is."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    # A letter may take two columns, and the console expands tabs.
    lines = text.splitlines()
    return "\t" not in text and all(
        2 * len(line) <= width and line == line.rstrip() for line in lines
    )


def _value(text: str, annotation: Any) -> Any:
    """The value of a plain word for a parameter of this type, or `_REFUSED`."""
    if get_origin(annotation) is Literal:
        return text if text in get_args(annotation) else _REFUSED
    kinds = set(get_args(annotation) or (annotation,)) - {type(None)}
    if kinds == {bool}:
        return _BOOL.get(text, _REFUSED)
    if kinds == {int}:
        return int(text) if _WHOLE.fullmatch(text) else _REFUSED
    if kinds not in ({str}, {Path}) or not _PLAIN.fullmatch(text) or text.lower() in _WORDS:
        return _REFUSED
    return Path(text) if kinds == {Path} else text
