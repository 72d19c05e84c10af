"""Splits of rows at random, and the official folds of MovieLens 100K."""

import numpy as np

from ratecast.data.frames import ratings_of
from ratecast.data.pairs import Table
from ratecast.errors import InputError
from ratecast.ratings import USER
from ratecast.splits.numbers import check_count
from ratecast.splits.shares import TRAIN_SHARE, Shares
from ratecast.splits.split import Split

FOLDS = 5
# Of MovieLens 100K, the only table that has official folds.
OFFICIAL_ROWS, OFFICIAL_USERS = 100_000, 943


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
    check_count("official folds", 0, fold=fold)
    if not 1 <= fold <= FOLDS:
        raise InputError(f"fold u{fold}: the official folds are u1 to u5 of ml-100k")
    if (len(ratings), ratings.frame[USER].n_unique()) != (OFFICIAL_ROWS, OFFICIAL_USERS):
        other = "chronological" if ratings.timed else "holdout"
        raise InputError(
            f"fold u{fold}: the table is not ml-100k, whose folds are u1 to u5; "
            f"use --split {other} (rc.{other} in Python)"
        )
    block = np.arange(len(ratings)) // (len(ratings) // FOLDS) == fold - 1
    return Split(f"u{fold}", ratings.take(~block), None, ratings.take(block), "rows")


def kfold(ratings: Table, folds: int = FOLDS, seed: int = 0) -> list[Split]:
    """Random k-fold cross-validation: `folds` splits whose test parts partition the table.

    The same seed gives the same folds.

    >>> import ratecast as rc
    >>> [len(split.test) for split in rc.kfold(rc.example_ratings(), folds=3)]
    [500, 500, 500]
    """
    ratings = ratings_of(ratings)
    check_count("kfold", 2, folds=folds)
    check_count("kfold", 0, seed=seed)
    if len(ratings) < folds:
        raise InputError(f"kfold: {len(ratings)} ratings are too few for {folds} folds")
    fold = np.random.default_rng(seed).permutation(len(ratings)) % folds
    return [
        Split(f"kfold-{k + 1}", ratings.take(fold != k), None, ratings.take(fold == k), "rows")
        for k in range(folds)
    ]


def holdout(
    ratings: Table, share: float = TRAIN_SHARE, seed: int = 0, shares: str | None = None
) -> Split:
    """Random holdout: a fifth of the rows is test, a fifth of the others valid, the rest train.

    For tables without times; its figures are optimistic, since train knows later ratings. The same
    seed gives the same parts; rows keep their order. share: of train and valid, and of train in
    these two. shares: of train, valid and test instead, as in 70/10/20; valid may be 0.
    Raises `InputError` if a part would be empty.

    >>> import ratecast as rc
    >>> {name: len(part) for name, part in rc.holdout(rc.example_ratings()).parts.items()}
    {'train': 960, 'valid': 240, 'test': 300}
    """
    wanted = Shares.of(share, shares, "holdout")
    check_count("holdout", 0, seed=seed)
    ratings = ratings_of(ratings)
    known = round(len(ratings) * wanted.known)
    borders = [round(known * wanted.train), known, len(ratings)]
    if len({0, *borders}) < (4 if wanted.has_valid else 3):
        raise InputError(f"holdout: {len(ratings)} ratings are too few for three parts; add some")
    rank = np.random.default_rng(seed).permutation(len(ratings))
    part = np.searchsorted(borders, rank, side="right")
    train, valid, test = (ratings.take(part == k) for k in range(3))
    return Split("holdout", train, valid if wanted.has_valid else None, test, "rows")
