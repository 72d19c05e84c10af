"""The option --budget: how long the choice of a model may take."""

import re
from collections.abc import Sequence

from ratecast.errors import InputError

OPTION = "--budget"
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|)")


def seconds(text: str, option: str = "budget") -> float:
    """Seconds of a duration: 60, 60s, 5m, 5min, 2h. Raises `InputError` for another."""
    match = _FORM.fullmatch(text.strip())
    number = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not number:
        raise InputError(f"{option} {text!r}: give seconds, minutes or hours, as in 60s, 5m or 2h")
    return number


def as_setting(words: Sequence[str]) -> list[str]:
    """The words of an experiment, with the option as the setting of `auto` that it is."""
    rest, given = taken(words, OPTION, "a duration, as in --budget 60s")
    return rest if given is None else [*rest, setting(given)]


def taken(words: Sequence[str], option: str, what: str) -> tuple[list[str], str | None]:
    """The words without an option and its value, and the value, None if it is not given.

    what: the value in words, for the error where it is missing.
    """
    rest = list(words)
    for k, word in enumerate(rest):
        if word == option or word.startswith(f"{option}="):
            _, equals, value = rest.pop(k).partition("=")
            if not equals and k == len(rest):
                raise InputError(f"{option}: give {what}")
            return rest, value if equals else rest.pop(k)
    return rest, None


def setting(budget: str) -> str:
    """The option as one of an experiment."""
    return f"--model.budget={seconds(budget)}"
