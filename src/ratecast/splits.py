"""Splits of a table into train, valid and test parts, with half-open borders in UTC seconds."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.data.frames import Table, ratings_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER, Ratings

FOLDS = 5
# Of MovieLens 100K, the only table that has official folds.
OFFICIAL_ROWS, OFFICIAL_USERS = 100_000, 943
TRAIN_SHARE = 0.8
# The name of a split of two given tables.
PREDEFINED = "predefined"


@dataclass(frozen=True)
class Split:
    """Three parts of one table, on the scale of `train`. Random splits have no `valid`.

    name: chronological, u1 to u5 or kfold-k for those of ratecast; any other for a split made by
    hand, whose parts are `Ratings` or frames. Raises `InputError` for parts that do not fit.

    >>> import ratecast as rc
    >>> list(rc.chronological(rc.example_ratings()).parts)
    ['train', 'valid', 'test']
    """

    name: str
    train: Ratings
    valid: Ratings | None
    test: Ratings

    def __post_init__(self) -> None:
        """Check the parts, and make ratings of frames."""
        for name, part in self.parts.items():
            scale = None if name == "train" else self.train.scale
            object.__setattr__(self, name, ratings_of(part, scale, where=name))
            for kind in (USER, MOVIE):
                now, first = (rows.frame.schema[kind] for rows in (self.parts[name], self.train))
                if now != first:
                    raise InputError(
                        f"{name}: ids of {kind}s are {now}, of train {first}; cast both to text"
                    )

    @property
    def parts(self) -> dict[str, Ratings]:
        """The parts that are not None, by name."""
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in parts.items() if part is not None}


def chronological(ratings: Table, share: float = TRAIN_SHARE) -> Split:
    """Chronological split: train, then valid, then test, each period after the one before it.

    The test border is the `share` quantile of the times, the valid border the same quantile of the
    times before it; a border belongs to the later period. Rows of equal time stay in one part.
    Parts are sorted by time. ratings: `Ratings`, or a frame with times.

    Raises `InputError` for a table without timestamps, and if a part would be empty.

    >>> import ratecast as rc
    >>> split = rc.chronological(rc.example_ratings())
    >>> int(split.train.at.max()) < int(split.test.at.min())
    True
    """
    if not 0 < share < 1:
        raise InputError(f"chronological split: share is {share}; give one between 0 and 1")
    ratings = ratings_of(ratings)
    if not ratings.timed:
        raise InputError(
            "chronological split: the table has no timestamps; use --split "
            "holdout (rc.holdout in Python)"
        )
    in_order = ratings.sorted()
    valid_start, test_start = _part_starts(in_order.at, share)
    parts = {
        "train": in_order.take(slice(0, valid_start)),
        "valid": in_order.take(slice(valid_start, test_start)),
        "test": in_order.take(slice(test_start, None)),
    }
    for part, rows in parts.items():
        if not len(rows):
            raise InputError(f"chronological split: part {part} is empty; give more ratings")
    return Split("chronological", parts["train"], parts["valid"], parts["test"])


def official(ratings: Table, fold: int) -> Split:
    """Official fold u1 ... u5 of MovieLens 100K: the `fold`-th fifth of the rows is test.

    ratings: in the order of the file. Raises `InputError` for any other table.

    >>> import ratecast as rc
    >>> try:
    ...     rc.official(rc.example_ratings(), 1)
    ... except rc.InputError as error:
    ...     print(str(error).partition(";")[0])
    fold u1: the table is not ml-100k, whose folds are u1 to u5
    """
    ratings = ratings_of(ratings)
    if not 1 <= fold <= FOLDS:
        raise InputError(f"fold u{fold}: the official folds are u1 to u5 of ml-100k")
    if (len(ratings), ratings.frame[USER].n_unique()) != (OFFICIAL_ROWS, OFFICIAL_USERS):
        other = "chronological" if ratings.timed else "holdout"
        raise InputError(
            f"fold u{fold}: the table is not ml-100k, whose folds are u1 to u5; "
            f"use --split {other} (rc.{other} in Python)"
        )
    block = np.arange(len(ratings)) // (len(ratings) // FOLDS) == fold - 1
    return Split(f"u{fold}", ratings.take(~block), None, ratings.take(block))


def kfold(ratings: Table, folds: int = FOLDS, seed: int = 0) -> list[Split]:
    """Random k-fold cross-validation: `folds` splits whose test parts partition the table.

    The same seed gives the same folds.

    >>> import ratecast as rc
    >>> [len(split.test) for split in rc.kfold(rc.example_ratings(), folds=3)]
    [500, 500, 500]
    """
    ratings = ratings_of(ratings)
    if folds < 2:
        raise InputError(f"kfold: folds is {folds}; give 2 or more")
    if len(ratings) < folds:
        raise InputError(f"kfold: {len(ratings)} ratings are too few for {folds} folds")
    fold = np.random.default_rng(seed).permutation(len(ratings)) % folds
    return [
        Split(f"kfold-{k + 1}", ratings.take(fold != k), None, ratings.take(fold == k))
        for k in range(folds)
    ]


def holdout(ratings: Table, share: float = TRAIN_SHARE, seed: int = 0) -> Split:
    """Random holdout: a fifth of the rows is test, a fifth of the others valid, the rest train.

    For tables without times; its figures are optimistic, since train knows later ratings. The same
    seed gives the same parts; rows keep their order. share: of train and valid, and of train in
    these two. Raises `InputError` if a part would be empty.

    >>> import ratecast as rc
    >>> {name: len(part) for name, part in rc.holdout(rc.example_ratings()).parts.items()}
    {'train': 960, 'valid': 240, 'test': 300}
    """
    if not 0 < share < 1:
        raise InputError(f"holdout: share is {share}; give one between 0 and 1")
    ratings = ratings_of(ratings)
    known = round(len(ratings) * share)
    borders = [round(known * share), known, len(ratings)]
    if len({0, *borders}) < 4:
        raise InputError(f"holdout: {len(ratings)} ratings are too few for three parts; add some")
    rank = np.random.default_rng(seed).permutation(len(ratings))
    part = np.searchsorted(borders, rank, side="right")
    train, valid, test = (ratings.take(part == k) for k in range(3))
    return Split("holdout", train, valid, test)


def named(ratings: Ratings, name: str, seed: int = 0, notify: Notify = to_stderr) -> list[Split]:
    """The split called `name`: auto, chronological, holdout, u1 ... u5, or kfold, of five splits.

    auto: chronological for a table with times, else holdout, and a note that says so.
    """
    if name == "auto" and not ratings.timed:
        notify(f"no times: the test part is drawn at random (--split holdout, seed {seed})")
    if name == "holdout" or (name == "auto" and not ratings.timed):
        return [holdout(ratings, seed=seed)]
    if name in ("auto", "chronological"):
        return [chronological(ratings)]
    if name == "kfold":
        return kfold(ratings, seed=seed)
    return [official(ratings, int(name.removeprefix("u")))]


def predefined(train: Ratings, test: Ratings, valid: Ratings | None = None) -> Split:
    """The split of given tables."""
    return Split(PREDEFINED, train, valid, test)


def _part_starts(at: NDArray[np.int64], share: float) -> tuple[int, int]:
    """The first rows of valid and test. at: sorted."""
    test_start = int(np.searchsorted(at, _border(at, share)))
    return int(np.searchsorted(at, _border(at[:test_start], share))), test_start


def _border(at: NDArray[np.int64], share: float) -> int:
    """First whole second after the `share` quantile. at: sorted."""
    if not len(at):
        raise InputError("chronological split: a part is empty; give more ratings")
    position = (len(at) - 1) * share
    low = int(position)
    # The quantile lies between two adjacent values, so the others are not needed.
    return int(np.floor(np.quantile(at[low : low + 2], position - low))) + 1
