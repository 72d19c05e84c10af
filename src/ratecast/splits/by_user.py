"""Splits of each user's ratings, and splits of the users."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.data.frames import ratings_of
from ratecast.data.pairs import Table
from ratecast.errors import InputError
from ratecast.ratings import USER, Ratings
from ratecast.splits.at_random import FOLDS
from ratecast.splits.numbers import check_count, check_share
from ratecast.splits.split import Separation, Split

TRAIN, VALID, TEST = range(3)


class _Kind(NamedTuple):
    """As in `Split`."""

    name: str
    separation: Separation
    given: int = 0


def last_ratings(ratings: Table, count: int = 1, share: float | None = None) -> Split:
    """The latest ratings of each user are test, those just before them valid, the rest train.

    count: ratings of a user in test, and as many in valid; with 1 this is the leave-last-out of
    sequential recommenders. share: of a user's ratings in test, and of the others in valid, each
    rounded up, instead of a number. Of ratings of equal time the first in the table is the earlier
    one. A user of whom train would have none is in train whole. Train knows later ratings of other
    users. Raises `InputError` for a table without timestamps.

    >>> import ratecast as rc
    >>> split = rc.last_ratings(rc.example_ratings(), count=2)
    >>> len(split.test) == 2 * split.test.frame["user"].n_unique()
    True
    """
    if share is not None:
        check_share("last", share)
    check_count("last", 1, count=count)
    ratings = ratings_of(ratings)
    if not ratings.timed:
        raise InputError(
            "last: the table has no timestamps; use --split leave-one-out "
            "(rc.leave_one_out in Python)"
        )
    histories = _Histories.of(ratings, ratings.at)
    total = histories.totals
    tested = _some(total, count, share)
    valid = _some(total - tested, count, share)
    return _of_each_user(_Kind("last", "user-time"), histories, tested, valid)


def leave_one_out(ratings: Table, seed: int = 0) -> Split:
    """One random rating of each user is test, another one valid, the rest train.

    A user of fewer than three ratings is in train whole. Train knows later ratings, so its figures
    are optimistic; where there are times, `last_ratings` is the stricter split.

    >>> import ratecast as rc
    >>> split = rc.leave_one_out(rc.example_ratings())
    >>> int(split.test.frame["user"].is_duplicated().sum())
    0
    """
    check_count("leave-one-out", 0, seed=seed)
    ratings = ratings_of(ratings)
    drawn = np.random.default_rng(seed).permutation(len(ratings))
    histories = _Histories.of(ratings, drawn)
    one = np.ones_like(histories.totals)
    return _of_each_user(_Kind("leave-one-out", "rows"), histories, one, one)


def new_users(ratings: Table, share: float = 0.2, given: int = 0, seed: int = 0) -> Split:
    """All ratings of some users are test, all of some others valid; train has the other users.

    share: of the users in test, and of the others in valid. given: how many ratings of such a user
    are in train too, the first ones, or random ones without times. Users who have no more than
    these are in train whole.

    >>> import ratecast as rc
    >>> split = rc.new_users(rc.example_ratings(), given=3)
    >>> in_train = split.train.frame["user"].is_in(split.test.frame["user"].implode())
    >>> int(in_train.sum()) == 3 * split.test.frame["user"].n_unique()
    True
    """
    check_share("new-users", share)
    histories, drawn = _drawn_users(ratings, given, seed, "new-users")
    tested = max(1, round(len(drawn) * share))
    valid = tested + round((len(drawn) - tested) * share)
    part_of_user = np.full(len(drawn), TRAIN)
    part_of_user[drawn[tested:valid]], part_of_user[drawn[:tested]] = VALID, TEST
    return _of_users(_Kind("new-users", "users", given), histories, part_of_user)


def user_kfold(ratings: Table, folds: int = FOLDS, given: int = 0, seed: int = 0) -> list[Split]:
    """Cross-validation over users: the users of test are those of one fold, train has the others.

    given: as for `new_users`. There is no valid.

    >>> import ratecast as rc
    >>> len(rc.user_kfold(rc.example_ratings(), folds=4))
    4
    """
    histories, drawn = _drawn_users(ratings, given, seed, "user-kfold")
    check_count("user-kfold", 2, folds=folds)
    if folds > len(drawn):
        raise InputError(f"user-kfold: folds is {folds}; give 2 to {len(drawn)}, the users")
    fold = np.empty(len(drawn), np.int64)
    fold[drawn] = np.arange(len(drawn)) % folds
    return [
        _of_users(
            _Kind(f"user-kfold-{k + 1}", "users", given),
            histories,
            np.where(fold == k, TEST, TRAIN),
        )
        for k in range(folds)
    ]


class _Histories(NamedTuple):
    """The ratings, and where each stands among those of its user.

    users: each row's user as a number, (n,). earlier: how many ratings of its user come before it,
    (n,). totals: how many ratings each user has, (users,).
    """

    ratings: Ratings
    users: I64
    earlier: I64
    totals: I64

    @classmethod
    def of(cls, ratings: Ratings, order: NDArray[np.int64]) -> "_Histories":
        """order: (n,), by which the ratings of a user are sorted; of equals, by row."""
        users = ratings.frame[USER].rank("dense").to_numpy().astype(np.int64) - 1
        totals = np.bincount(users).astype(np.int64)
        rows = np.lexsort((order, users))
        earlier = np.empty(len(users), np.int64)
        first = np.concatenate([[0], np.cumsum(totals)[:-1]])
        earlier[rows] = np.arange(len(users)) - np.repeat(first, totals)
        return cls(ratings, users, earlier, totals)

    @property
    def later(self) -> I64:
        """How many ratings of its user come after each row: (n,)."""
        return self.totals[self.users] - 1 - self.earlier


def _some(total: I64, count: int, share: float | None) -> I64:
    """How many of so many ratings of each user are held out."""
    if share is None:
        return np.full_like(total, count)
    return np.ceil(np.round(share * total, 9)).astype(np.int64)


def _of_each_user(split: _Kind, histories: _Histories, tested: I64, valid: I64) -> Split:
    """The last ratings of each user by the order of `histories`. tested, valid: how many of each.

    Users of whom train would have none stay in train.
    """
    users, later = histories.users, histories.later
    enough = histories.totals > tested + valid
    part = np.where(later < (tested + valid)[users], VALID, TRAIN)
    part[later < tested[users]] = TEST
    part[~enough[users]] = TRAIN
    return _taken(split, histories.ratings, part, int((~enough).sum()))


def _drawn_users(
    table: Table, given: int, seed: int, name: str
) -> tuple[_Histories, NDArray[np.int64]]:
    """The ratings with their places, and the users in random order."""
    check_count(name, 0, given=given, seed=seed)
    ratings = ratings_of(table)
    random = np.random.default_rng(seed)
    order = ratings.at if ratings.timed else random.permutation(len(ratings))
    histories = _Histories.of(ratings, order)
    return histories, random.permutation(len(histories.totals))


def _of_users(split: _Kind, histories: _Histories, part_of_user: NDArray[np.int64]) -> Split:
    part = part_of_user[histories.users]
    part[histories.earlier < split.given] = TRAIN
    few = histories.totals[part_of_user != TRAIN] <= split.given
    return _taken(split, histories.ratings, part, int(few.sum()))


def _taken(split: _Kind, ratings: Ratings, part: NDArray[np.int64], whole: int) -> Split:
    """The split of the rows by their part. whole: users who are in train whole, though drawn."""
    train, valid, test = (ratings.take(part == each) for each in range(3))
    for label, rows in (("train", train), ("test", test)):
        if not len(rows):
            raise InputError(f"{split.name} split: part {label} is empty; give more ratings")
    few = f"{whole:,} users have too few ratings to hold some out; theirs are in train"
    kept = valid if len(valid) else None
    return Split(
        split.name, train, kept, test, split.separation, split.given, remarks=(few,) * (whole > 0)
    )
