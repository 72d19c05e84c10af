"""Splits by name, as in the option --split: NAME or NAME:ARGUMENT=VALUE,..."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple

from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError, choice
from ratecast.ratings import Ratings
from ratecast.splits.at_random import FOLDS, holdout, kfold, official
from ratecast.splits.by_time import chronological, cut, rolling_origin
from ratecast.splits.by_user import last_ratings, leave_one_out, new_users, user_kfold
from ratecast.splits.files import is_folder_of_splits, read_splits
from ratecast.splits.least_history import least_history
from ratecast.splits.split import Split

AUTO = "auto"
_MAKERS: dict[str, Callable[..., Split | list[Split]]] = {
    "chronological": chronological,
    "cut": cut,
    "rolling": rolling_origin,
    "last": last_ratings,
    "leave-one-out": leave_one_out,
    "new-users": new_users,
    "user-kfold": user_kfold,
    "holdout": holdout,
    "kfold": kfold,
    **{f"u{fold}": partial(official, fold=fold) for fold in range(1, FOLDS + 1)},
}
# Of every split: the fewest ratings that a user and a movie of a forecast row have in train.
_LEAST = {"min_user": "user", "min_movie": "movie"}
NAMES = (AUTO, *_MAKERS)
_FOLD = re.compile(r"-\d+(?=:|$)")


class Spec(NamedTuple):
    """A split by name. name: one of `NAMES`. arguments: of its function. least: `least_history`'s.

    text: as it was given, after the name.
    """

    name: str
    arguments: dict[str, Any]
    least: dict[str, int]
    text: str


def parse(text: str) -> Spec:
    """Read a split's name and arguments, as in `last:2`, `cut:2015-01-01,valid=2014-01-01`.

    The first argument may stand without its name, and so may shares, as in 70/10/20. Raises
    `InputError` for what does not exist.

    >>> from ratecast.splits.specs import parse
    >>> parse("new-users:0.1,given=5").arguments
    {'share': 0.1, 'given': 5}
    """
    name, colon, rest = text.partition(":")
    first, comma, others = name.partition(",")
    if comma and first in NAMES:
        raise InputError(f"split {text!r}: arguments stand after a colon; write {first}:{others}")
    if name not in NAMES:
        raise InputError(f"split {name!r}: {choice(name, NAMES)}, or a folder of a split")
    known = {} if name == AUTO else _arguments(_MAKERS[name])
    arguments: dict[str, Any] = {}
    least: dict[str, int] = {}
    for place, word in enumerate(rest.split(",") if colon else []):
        key, equals, value = word.partition("=")
        if not equals:
            if place or not known:
                raise InputError(f"split {text!r}: write {word!r} as ARGUMENT=VALUE")
            shares = "/" in word and "shares" in known
            key, value = "shares" if shares else next(iter(known)), word
        key = key.strip()
        if key in _LEAST:
            least[_LEAST[key]] = _value(text, key, value.strip(), "int")
        elif key in known:
            arguments[key] = _value(text, key, value.strip(), known[key])
        else:
            raise InputError(
                f"split {text!r}: no argument {key!r}; {choice(key, [*known, *_LEAST])}"
            )
    return Spec(name, arguments, least, f":{rest}" if colon else "")


def named(ratings: Ratings, text: str, seed: int = 0, notify: Notify = to_stderr) -> list[Split]:
    """The splits of this name, of which most names have one: see `parse`.

    auto: chronological for a table with times, else holdout, and a note that says so. seed: of
    those drawn at random.
    """
    spec = parse(text)
    name = spec.name
    if name == AUTO:
        name = "chronological" if ratings.timed else "holdout"
        if not ratings.timed:
            notify(f"no times: the test part is drawn at random (--split holdout, seed {seed})")
    make = _MAKERS[name]
    seeded = {"seed": seed} if "seed" in signature(make).parameters else {}
    found = make(ratings, **seeded, **spec.arguments)
    splits = found if isinstance(found, list) else [found]
    named_so = [replace(each, name=each.name + spec.text) for each in splits]
    return [least_history(each, **spec.least) for each in named_so] if spec.least else named_so


def splits_of(
    text: str, table: Callable[[], Ratings], seed: int = 0, notify: Notify = to_stderr
) -> list[Split]:
    """The splits in this folder, or those of this name of a table, which is read only then."""
    if is_folder_of_splits(text):
        return read_splits(Path(text).expanduser())
    parse(text)
    return named(table(), text, seed, notify)


def family(name: str) -> str:
    """The name of the splits of which this one is a fold or window: kfold of kfold-3."""
    return _FOLD.sub("", name, count=1)


def _arguments(make: Callable[..., Any]) -> dict[str, str]:
    """The arguments of a split's function but for the table and the seed, and their types."""
    found = {
        p.name: str(getattr(p.annotation, "__name__", p.annotation))
        for p in list(signature(make).parameters.values())[1:]
        if p.kind is not Parameter.KEYWORD_ONLY and p.name != "seed"
    }
    return {} if isinstance(make, partial) else found


def _value(text: str, key: str, value: str, kind: str) -> Any:
    try:
        if kind.startswith("int"):
            return int(value)
        if kind.startswith("float"):
            return float(value)
    except ValueError:
        raise InputError(f"split {text!r}: {key} is {value!r}; give a number") from None
    return value
