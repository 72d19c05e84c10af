"""The folds that settings are searched on: parts of train and valid, never of test."""

from collections.abc import Sequence
from typing import NamedTuple

from ratecast.errors import InputError
from ratecast.evaluation.protocol import Protocol, possible
from ratecast.modelling.contract.model import Model
from ratecast.ratings import Ratings
from ratecast.splits import Split, named, parse

# Splits of which test is a part of every fold: they are made again of train and valid alone.
REPEATED = ("kfold", "user-kfold", "rolling")


class Fold(NamedTuple):
    """The two parts that a trial gets: it is fitted on `train` and scored on `valid`."""

    train: Ratings
    valid: Ratings
    name: str = "fold"

    @property
    def split(self) -> Split:
        """A split of the two parts, of which the second is scored."""
        return Split(self.name, self.train, None, self.valid)


def is_repeated(split: str) -> bool:
    """Whether this split by name has several folds or origins."""
    return split.partition(":")[0] in REPEATED


def folds_of(
    splits: Split | Sequence[Split], again: str | None = None, seed: int = 0
) -> list[Fold]:
    """Train and valid of each split; or folds of the train and valid of one. test is never used.

    again: by which split, as in kfold:5 or rolling:3, train and valid are divided once more. seed:
    of random ones. Raises `InputError` for a split without valid.
    """
    given = [splits] if isinstance(splits, Split) else list(splits)
    if again is None:
        return [Fold(each.train, _valid(each), each.name) for each in given]
    if not is_repeated(again):
        raise InputError(f"tune: folds {again!r}; give {', '.join(REPEATED)}, as in rolling:3")
    if len(given) > 1:
        raise InputError(f"tune: {len(given)} splits have folds of their own; remove {again}")
    if parse(again).arguments.get("fit") == "refreshed":
        raise InputError("tune: every origin is fitted anew; remove fit=refreshed")
    known = given[0].train.with_more(_valid(given[0]))
    return [Fold(each.train, each.test, each.name) for each in named(known, again, seed)]


def protocol_of(model: Model, folds: Sequence[Fold]) -> Protocol:
    """as-of where the folds have an order of time and the model can be updated, else frozen."""
    return "as-of" if all("as-of" in possible(model, one.split) for one in folds) else "frozen"


def _valid(split: Split) -> Ratings:
    if split.valid is None:
        raise InputError(
            f"tune: split {split.name} has no valid part; use chronological or holdout"
        )
    return split.valid
