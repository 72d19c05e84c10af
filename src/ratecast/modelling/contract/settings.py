"""What settings may be: one clear line for a number out of bounds, or an unknown choice."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin

from ratecast.errors import InputError


@dataclass(frozen=True)
class Limit:
    """Numbers from `low` to `high`; whole: no fractions; without: an end that is not allowed.

    words: what to give instead of another number. word: what may stand in place of a number.
    """

    words: str
    low: float = 0.0
    high: float = inf
    whole: bool = False
    without: float = inf
    word: str | None = None

    def allows(self, value: object) -> bool:
        """Whether `value` is such a number, or the word."""
        if isinstance(value, str):
            return value == self.word
        kind = Integral if self.whole else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        return self.low <= value <= self.high and value != self.without  # type: ignore[operator]


COUNT = Limit("a whole number, 1 or more", low=1, whole=True)
FROM_ZERO = Limit("a whole number, 0 or more", whole=True)
FROM_TWO = Limit("a whole number, 2 or more", low=2, whole=True)
AMOUNT = Limit("0 or more")
ABOVE_ZERO = Limit("more than 0", low=5e-324)
ABOVE_ZERO_OR_AUTO = Limit("more than 0, or auto", low=5e-324, word="auto")
SHARE = Limit("0 to below 1", high=1, without=1)
UP_TO_ONE = Limit("0 to 1", high=1)

Limits = Mapping[str, Limit]


def check(settings: Any, section: str, limits: Limits) -> None:
    """Raise `InputError` for the first setting of a dataclass that cannot be.

    A whole number counts something, from 1, and any other is an amount, from 0, where `limits` says
    nothing else; of a list, each number; a choice is one of its `Literal`.
    """
    for field in (field for field in fields(settings) if field.init):
        value: Any = getattr(settings, field.name)
        about = f"{section}.{field.name} is {value!r}"
        if get_origin(field.type) is Literal and value not in (choices := get_args(field.type)):
            raise InputError(f"{about}; choose one of {', '.join(choices)}")
        if field.type is bool and not isinstance(value, bool):
            raise InputError(f"{about}; give true or false")
        several = get_origin(field.type) in (list, tuple)
        limit = limits.get(field.name) or usual(field.type)
        given = value if several else [value]
        if limit is not None and not (given and all(map(limit.allows, given))):
            raise InputError(f"{about}; give {'one or more, each ' * several}{limit.words}")


def usual(kind: Any) -> Limit | None:
    """Of a setting of this type, or of each number of a list, where no other is named."""
    each: Any = get_args(kind)[0] if get_origin(kind) in (list, tuple) else kind
    return {int: COUNT, float: AMOUNT}.get(each)


@dataclass(frozen=True)
class Range:
    """Where a setting is searched: whole numbers where low and high are; log: by ratio."""

    low: float
    high: float
    log: bool = False
