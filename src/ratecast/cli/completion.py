"""The completion script of a shell, written by shtab from what the verbs say of themselves."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from typing import Any

from ratecast.cli.manual import Argument, Manual


def script(verbs: Iterable[Manual], shell: str, words: Mapping[str, Iterable[str]]) -> str:
    """The script. words: argument name to what is offered beside files, as models for `model`."""
    import shtab

    root = ArgumentParser("ratecast", description="forecasts of ratings")
    found = root.add_subparsers()
    groups: dict[str, Any] = {}
    for verb in verbs:
        family, _, last = verb.name.rpartition(" ")
        if family and family not in groups:
            groups[family] = found.add_parser(family, help=f"about {family}").add_subparsers()
        place = groups[family] if family else found
        _fill(place.add_parser(last, help=verb.purpose), verb, words)
    return shtab.complete(root, shell)


def _fill(parser: ArgumentParser, verb: Manual, words: Mapping[str, Iterable[str]]) -> None:
    for field in verb.fields:
        _completed(parser.add_argument(f"--{field}"), field, words)
    if verb.words:
        _completed(parser.add_argument("experiment", nargs="?"), "model", words)
    for argument in verb.arguments:
        made = parser.add_argument(
            argument.name if argument.bare else argument.option, **_kind(argument)
        )
        if argument.file:
            _completed(made, argument.name, {argument.name: ()})
        _completed(made, argument.name, words)


def _kind(argument: Argument) -> dict[str, Any]:
    if argument.flag:
        return {"action": "store_true", "help": argument.about}
    optional = {"nargs": "?"} if argument.bare and not argument.needed else {}
    # A per cent sign is argparse's own.
    about = argument.about.replace("%", "%%")
    return {"help": about, "choices": argument.choices or None} | optional


def _completed(action: Any, name: str, words: Mapping[str, Iterable[str]]) -> None:
    """Offer the words of `name`, and files."""
    if name not in words:
        return
    offered = " ".join(words[name])
    function = f"_ratecast_{name.replace('-', '_')}"
    action.complete = {
        "bash": function,
        "zsh": function,
        "fish": f"(printf '%s\\n' {offered}; __fish_complete_path (commandline -ct))",
        "preamble": {
            "bash": f'{function}() {{ compgen -W "{offered}" -- "$1"; compgen -f -- "$1"; }}',
            "zsh": f"{function}() {{ compadd -- {offered}; _files }}",
        },
    }
