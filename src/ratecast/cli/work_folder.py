"""The options --out-of-core, --valid and --on: a fit on more ratings than fit into memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ratecast.cli.budget import taken
from ratecast.cli.places import PlaceOptions
from ratecast.errors import InputError

if TYPE_CHECKING:
    from ratecast.workers import Ray

WORK, VALID = "--out-of-core", "--valid"
_UNDERSCORED = "--out_of_core"
ON, WORKERS, ADDRESS = "--on", "--workers", "--address"
OPTIONS = (WORK, VALID, ON, WORKERS, ADDRESS)


class WorkOptions(NamedTuple):
    """The other words, the work folder, the rows for validation and the cluster, where given."""

    rest: list[str]
    work: str | None
    valid: str | None
    on: "Ray | None"


def out_of_core(words: Sequence[str], everything: bool) -> WorkOptions:
    """The options among the words of a command.

    everything: whether the fit is to be on every rating. Raises `InputError`.
    """
    named = [word.replace(_UNDERSCORED, WORK, 1) if _is(word) else word for word in words]
    rest, work = taken(named, WORK, f"a folder for the work, as in {WORK} work")
    rest, valid = taken(rest, VALID, f"a share or a file, as in {VALID} 0.001")
    if valid is not None and work is None:
        raise InputError(f"train: {VALID} is of {WORK}; give that, or the split by --split")
    if work is not None and everything:
        raise InputError(f"train: {WORK} keeps rows for validation; leave --all out")
    rest, on = _cluster(rest)
    return WorkOptions(rest, work, valid, on)


def _cluster(words: Sequence[str]) -> "tuple[list[str], Ray | None]":
    """The other words, and the cluster; None is this machine."""
    from ratecast.workers import Ray

    rest, on = taken(words, ON, f"local or ray, as in {ON} ray")
    rest, workers = taken(rest, WORKERS, f"a number, as in {WORKERS} 2")
    rest, address = taken(rest, ADDRESS, f"that of the head node, as in {ADDRESS} auto")
    if on not in (None, "local", "ray"):
        raise InputError(f"train: {ON} {on}: is no place; give local or ray")
    if workers is not None and not workers.isdecimal():
        raise InputError(f"train: {WORKERS} {workers}: is no whole number; give 1 or more")
    count = None if workers is None else int(workers)
    options = PlaceOptions(on="ray" if on == "ray" else "local", workers=count, address=address)
    place = options.place("train")
    if isinstance(place, Ray):
        return rest, place
    if count is not None:
        raise InputError(f"train: {WORKERS} is of {ON} ray; add that, or leave it out")
    return rest, None


def _is(word: str) -> bool:
    return word.partition("=")[0] == _UNDERSCORED
