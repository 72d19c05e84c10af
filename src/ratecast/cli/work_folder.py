"""The options --out-of-core and --valid: a fit on more ratings than fit into memory."""

from collections.abc import Sequence

from ratecast.cli.budget import taken
from ratecast.errors import InputError

WORK, VALID = "--out-of-core", "--valid"
_UNDERSCORED = "--out_of_core"


def out_of_core(words: Sequence[str], everything: bool) -> tuple[list[str], str | None, str | None]:
    """The other words, the work folder and the rows for validation; None for what is not given.

    everything: whether the fit is to be on every rating. Raises `InputError`.
    """
    named = [word.replace(_UNDERSCORED, WORK, 1) if _is(word) else word for word in words]
    rest, work = taken(named, WORK, f"a folder for the work, as in {WORK} work")
    rest, valid = taken(rest, VALID, f"a share or a file, as in {VALID} 0.001")
    if valid is not None and work is None:
        raise InputError(f"train: {VALID} is of {WORK}; give that, or the split by --split")
    if work is not None and everything:
        raise InputError(f"train: {WORK} keeps rows for validation; leave --all out")
    return rest, work, valid


def _is(word: str) -> bool:
    return word.partition("=")[0] == _UNDERSCORED
