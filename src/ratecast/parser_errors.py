"""Errors of the argument parser, jsonargparse, in the words of ratecast."""

import re
from ast import literal_eval
from collections.abc import Mapping

from ratecast.errors import choice, nearest

_UNKNOWN = re.compile(r"unrecognized arguments: (\S+).*")
_WITHOUT_VALUE = re.compile(r"argument --(\S+): expected one argument")
_REQUIRED = re.compile(r"the following arguments are required: (.+)")
_BAD_VALUE = re.compile(
    r'Parser key "(?P<key>[^"]+)": (?:Expected a (?P<kind>.+?)\. Got'
    r"|.*Subtypes: \[(?P<kinds>[^\]]+)\] .* Given) value: ?(?P<value>.*)"
)
_GROUP = re.compile(r'Parser key "(?P<key>[^"]+)": Unable to load config .*')
_EXPECTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list, as in [1, 2]",
    "tuple": "a list, as in [1, 2]",
}


def plain(error: Exception, names: Mapping[str, str]) -> str:
    """The message of a parser's error, on one line and in plain words.

    names: of each key of the parser, as the user writes it: --seed on the command line, seed in
    YAML.
    """
    text = " ".join(str(error).split())
    if found := _UNKNOWN.fullmatch(text):
        return unknown(found[1], names)
    if found := _WITHOUT_VALUE.fullmatch(text):
        return f"{names.get(found[1], found[1])} needs a value"
    if found := _REQUIRED.fullmatch(text):
        missing = [names.get(key, key) for key in found[1].split(", ")]
        return f"{' and '.join(missing)} must be given"
    if (found := _BAD_VALUE.fullmatch(text)) and (expected := _expected(found)):
        return f"{names.get(found['key'], found['key'])} is {found['value']!r}; {expected}"
    if found := _GROUP.fullmatch(text):
        return _group(found["key"], names)
    return text.replace("Parser key ", "key ")


def unknown(word: str, names: Mapping[str, str]) -> str:
    """The message for a word that is no option. names: as for `plain`."""
    if not word.startswith("-"):
        return f"unexpected word {word!r}; remove it, or quote a value that has spaces"
    option = word.partition("=")[0]
    known = [name for name in names.values() if name.startswith("--")]
    return f"unknown option {option}; {choice(option, known)}"


def _group(key: str, names: Mapping[str, str]) -> str:
    """The message for a value that stands where only a group of settings can."""
    settings = [name for inner, name in names.items() if inner.startswith(f"{key}.")]
    return f"{key} is a group of settings; give one of {', '.join(settings)}"


def _expected(found: re.Match[str]) -> str:
    """What a value should be; empty for a type that has no plain name."""
    if found["key"].rpartition(".")[2] == "header":
        return "expected yes or no"
    kind = found["kind"] or re.sub(r", <class 'NoneType'>|, NoneType", "", found["kinds"])
    if kind.startswith("typing.Literal"):
        options = literal_eval(kind.removeprefix("typing.Literal"))
        near = nearest(found["value"], options)
        return f"expected one of {', '.join(options)}" + (f"; did you mean {near}?" if near else "")
    name = kind.removeprefix("<class '").removesuffix("'>")
    return f"expected {_EXPECTED[name]}" if name in _EXPECTED else ""
