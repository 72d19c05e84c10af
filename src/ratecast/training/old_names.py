"""Renamed models and settings in experiments of version 0.1: old names become current ones."""

from collections.abc import Sequence
from typing import Any

from ratecast.modelling.contract import renamed

NAME = "--model.name"


def current_names(
    given: dict[str, Any], overrides: Sequence[str]
) -> tuple[dict[str, Any], list[str]]:
    """A YAML mapping and command-line overrides with current names; warns about old ones."""
    words, section = _with_current_models(overrides), given.get("model")
    name = ""
    if isinstance(section, dict):
        name = renamed.model_name(str(section.get("name")))
        section = renamed.settings(name, section)
        given = given | {"model": section | ({"name": name} if "name" in section else {})}
    if isinstance(given.get("trainer"), dict):
        given = given | renamed.settings("", {"trainer": given["trainer"]})
    chosen = [word.partition("=")[2] for word in words if word.startswith(f"{NAME}=")]
    return given, [renamed.word(chosen[-1] if chosen else name, word) for word in words]


def _with_current_models(overrides: Sequence[str]) -> list[str]:
    """The overrides, with the current name of a model after `--model.name`."""
    words: list[str] = []
    for word in overrides:
        if words and words[-1] == NAME:
            words[-1] = f"{NAME}={renamed.model_name(word)}"
        elif word.startswith(f"{NAME}="):
            words.append(f"{NAME}={renamed.model_name(word.partition('=')[2])}")
        else:
            words.append(word)
    return words
