"""What settings may be: one clear line for a number that is too small, or an unknown choice."""

from collections.abc import Iterable, Sequence

import numpy as np

from ratecast.errors import InputError


def refuse_below_one(settings: object, section: str, names: Iterable[str]) -> None:
    """Raise `InputError` for the first of these counts that is below 1."""
    for name in names:
        if getattr(settings, name) < 1:
            raise InputError(f"{section}.{name} is {getattr(settings, name)}; it must be 1 or more")


def refuse_negative(settings: object, section: str, names: Iterable[str]) -> None:
    """Raise `InputError` for the first of these amounts that is negative, or not finite."""
    for name in names:
        if not 0 <= getattr(settings, name) < np.inf:
            raise InputError(f"{section}.{name} is {getattr(settings, name)}; give 0 or more")


def refuse_unknown(settings: object, section: str, name: str, choices: Sequence[str]) -> None:
    """Raise `InputError` where this setting is not one of `choices`."""
    if getattr(settings, name) not in choices:
        known = ", ".join(choices)
        raise InputError(f"{section}.{name} is {getattr(settings, name)!r}; choose one of {known}")
