"""Splits of a table into train, valid and test: named, with half-open borders in UTC seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.ratings import Ratings

FOLDS = 5
TRAIN_SHARE = 0.8


@dataclass(frozen=True)
class Split:
    """Three parts of one table. Random splits have no `valid`."""

    name: str
    train: Ratings
    valid: Ratings | None
    test: Ratings

    @property
    def parts(self) -> dict[str, Ratings]:
        """The parts that there are, by name."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def chronological(ratings: Ratings, share: float = TRAIN_SHARE) -> Split:
    """Train, then valid, then test: each period starts where the one before it ends.

    The test border is the `share` quantile of the times, the valid border the same quantile of
    the times before it; a border belongs to the period that it opens. Rows of equal time are
    never parted. Parts are ordered by time.
    """
    if not ratings.timed:
        raise InputError("chronological split: the table has no timestamps; use --split kfold")
    ordered = ratings.sorted()
    valid_at, test_at = _edges(ordered.at, share)
    parts = {
        "train": ordered.take(slice(0, valid_at)),
        "valid": ordered.take(slice(valid_at, test_at)),
        "test": ordered.take(slice(test_at, None)),
    }
    for part, rows in parts.items():
        if not len(rows):
            raise InputError(f"chronological split: part {part} is empty; give more ratings")
    return Split("chronological", parts["train"], parts["valid"], parts["test"])


def official(ratings: Ratings, fold: int) -> Split:
    """Fold u1 ... u5 of MovieLens 100K: the `fold`-th fifth of the rows, in file order, is test.

    `ratings` must be in the order of the file.
    """
    if not 1 <= fold <= FOLDS or len(ratings) % FOLDS:
        raise InputError(f"fold u{fold}: the official folds are u1 to u5 of ml-100k")
    block = np.arange(len(ratings)) // (len(ratings) // FOLDS) == fold - 1
    return Split(f"u{fold}", ratings.take(~block), None, ratings.take(block))


def kfold(ratings: Ratings, folds: int = FOLDS, seed: int = 0) -> list[Split]:
    """`folds` random splits whose tests share no row and cover the table; same seed, same folds."""
    if len(ratings) < folds:
        raise InputError(f"kfold: {len(ratings)} ratings are too few for {folds} folds")
    fold = np.random.default_rng(seed).permutation(len(ratings)) % folds
    return [
        Split(f"kfold-{k + 1}", ratings.take(fold != k), None, ratings.take(fold == k))
        for k in range(folds)
    ]


def named(ratings: Ratings, name: str, seed: int = 0) -> list[Split]:
    """The split called `name`: chronological, u1 ... u5, or kfold, which is five of them."""
    if name == "chronological":
        return [chronological(ratings)]
    if name == "kfold":
        return kfold(ratings, seed=seed)
    return [official(ratings, int(name.removeprefix("u")))]


def brought(train: Ratings, test: Ratings) -> Split:
    """A split that somebody brings as two tables."""
    return Split("brought", train, None, test)


def _edges(at: NDArray[np.int64], share: float) -> tuple[int, int]:
    """The first rows of valid and test; `at` ascends."""
    test_at = int(np.searchsorted(at, _border(at, share)))
    return int(np.searchsorted(at, _border(at[:test_at], share))), test_at


def _border(at: NDArray[np.int64], share: float) -> int:
    """First whole second after the `share` quantile; `at` ascends."""
    if not len(at):
        raise InputError("chronological split: a part is empty; give more ratings")
    position = (len(at) - 1) * share
    low = int(position)
    # The quantile lies between two neighbours: no need to sort or copy the rest.
    return int(np.floor(np.quantile(at[low : low + 2], position - low))) + 1
