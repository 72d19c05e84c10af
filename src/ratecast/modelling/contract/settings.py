"""What settings may be: one clear line for a number out of bounds, or an unknown choice."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin

from ratecast.errors import InputError, choice


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
FROM_ZERO_OR_AUTO = Limit("0 or more, or auto", low=0.0, word="auto")
ABOVE_ZERO_OR_AUTO = Limit("more than 0, or auto", low=5e-324, word="auto")
SHARE = Limit("0 to below 1", high=1, without=1)
UP_TO_ONE = Limit("0 to 1", high=1)

Limits = Mapping[str, Limit]


def check(settings: Any, section: str, limits: Limits) -> None:
    """Raise `InputError` for the first setting of a dataclass that cannot be.

    A whole number counts something, from 1, and any other is an amount, from 0, where `limits` says
    nothing else; of a list, each number; a choice is one of its `Literal`.
    """
    for each in (each for each in fields(settings) if each.init):
        value: Any = getattr(settings, each.name)
        about = f"{section}.{each.name} is {value!r}"
        if get_origin(each.type) is Literal and value not in (choices := get_args(each.type)):
            raise InputError(f"{about}; choose one of {', '.join(choices)}")
        if each.type is bool and not isinstance(value, bool):
            raise InputError(f"{about}; give true or false")
        several = get_origin(each.type) in (list, tuple)
        limit = limits.get(each.name) or usual(each.type)
        given = value if several else [value]
        if limit is not None and not (given and all(map(limit.allows, given))):
            raise InputError(f"{about}; give {'one or more, each ' * several}{limit.words}")


def usual(kind: Any) -> Limit | None:
    """Of a setting of this type, or of each number of a list, where no other is named."""
    each: Any = get_args(kind)[0] if get_origin(kind) in (list, tuple) else kind
    return {int: COUNT, float: AMOUNT}.get(each)


# A value of a setting that is one of a few.
Value = str | bool | int | float
# Values of other settings, by their names.
When = Mapping[str, tuple[Value, ...]]


@dataclass(frozen=True)
class Range:
    """Where a number is searched: whole numbers where low and high are; log: by ratio.

    when: the values of other settings with which this one has an effect; with others it is not
    searched. Raises `InputError` for a range without numbers.

    >>> print(Range(1, 40, log=True))
    1 to 40, log scale
    """

    low: float
    high: float
    log: bool = False
    when: When = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise InputError(
                f"range {self.low:g} to {self.high:g}: give a lower and a higher number, above 0 "
                "where it is searched by ratio"
            )

    def __contains__(self, value: object) -> bool:
        kind = Integral if self.is_whole else Real
        if isinstance(value, bool) or not isinstance(value, kind):
            return False
        return self.low <= value <= self.high  # type: ignore[operator]

    def __str__(self) -> str:
        scale = "log scale" if self.log else "linear scale"
        return f"{self.low:g} to {self.high:g}, {scale}{_only(self.when)}"

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are searched."""
        return isinstance(self.low, int) and isinstance(self.high, int)


@dataclass(frozen=True)
class Choice:
    """A setting that is searched among some values: words, numbers, or true and false.

    when: as of `Range`. Raises `InputError` for fewer than two values.

    >>> print(Choice(("normal", "ordinal"), {"timed": (True,)}))
    normal or ordinal, only where timed is True
    """

    values: tuple[Value, ...]
    when: When = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.values)) < 2:
            raise InputError(f"choice {self.values}: give two values or more")

    def __contains__(self, value: object) -> bool:
        # Types too, since 1 is equal to True.
        return any(value == each and type(value) is type(each) for each in self.values)

    def __str__(self) -> str:
        return " or ".join(map(str, self.values)) + _only(self.when)


SearchTable = Mapping[str, Range | Choice]


def has_effect(searched: Range | Choice, settings: Mapping[str, Any]) -> bool:
    """Whether a setting has an effect beside these others."""
    return all(settings[name] in values for name, values in searched.when.items())


def check_search(table: SearchTable, known: Collection[str], where: str) -> None:
    """Raise `InputError` for a table of settings that are not there, or stand before what decides.

    known: the settings of the model.
    """
    before = set(known) - set(table)
    for name, searched in table.items():
        if name not in known:
            raise InputError(f"{where}: searches setting {name!r}; {choice(name, known)}")
        for other in searched.when:
            if other not in before:
                remedy = "put it before" if other in table else choice(other, known)
                raise InputError(f"{where}: setting {name} depends on {other!r}; {remedy}")
        before.add(name)


def _only(when: When) -> str:
    words = [f"{name} is {' or '.join(map(str, values))}" for name, values in when.items()]
    return f", only where {' and '.join(words)}" if words else ""
