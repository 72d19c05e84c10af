"""Numbers that a caller gives to a split: counts, shares, seeds."""

from numbers import Integral, Real

from ratecast.errors import InputError


def check_count(where: str, least: int, **named: object) -> None:
    """Raise `InputError` for the first of some numbers that is not whole, or below `least`."""
    for name, value in named.items():
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole:
            raise InputError(f"{where}: {name} is {value!r}; give a whole number, {least} or more")
        if int(value) < least:  # type: ignore[call-overload]
            raise InputError(f"{where}: {name} is {value}; give {least} or more")


def check_share(where: str, share: object) -> None:
    """Raise `InputError` for a share that is not between 0 and 1."""
    if not isinstance(share, Real):
        raise InputError(f"{where}: share is {share!r}; give a number between 0 and 1")
    if not 0 < float(share) < 1:
        raise InputError(f"{where}: share is {float(share):g}; give one between 0 and 1")
