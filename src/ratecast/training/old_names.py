"""Experiments of version 0.1: their names of models and settings, brought to those of today."""

from collections.abc import Sequence
from typing import Any

from ratecast.modelling.contract import renamed

NAME = "--model.name"


def current_names(
    given: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """The mapping of a YAML file and the words of a command line, with a warning for old names."""
    words, section = _names(overrides), given.get("model")
    name = ""
    if isinstance(section, dict):
        name = renamed.model_name(str(section.get("name")))
        section = renamed.settings(name, section)
        given = given | {"model": section | ({"name": name} if "name" in section else {})}
    if isinstance(given.get("trainer"), dict):
        given = given | renamed.settings("", {"trainer": given["trainer"]})
    chosen = [word.partition("=")[2] for word in words if word.startswith(f"{NAME}=")]
    return given, [renamed.word(chosen[-1] if chosen else name, word) for word in words]


def _names(overrides: Sequence[str]) -> list[str]:
    """The same words; a model's name, given after a space or an equals sign, is that of today."""
    words: list[str] = []
    for word in overrides:
        if words and words[-1] == NAME:
            words[-1] = f"{NAME}={renamed.model_name(word)}"
        elif word.startswith(f"{NAME}="):
            words.append(f"{NAME}={renamed.model_name(word.partition('=')[2])}")
        else:
            words.append(word)
    return words
