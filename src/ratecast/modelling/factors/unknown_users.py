"""Weights of an unknown user, learned from the users who came late in train."""

from typing import NamedTuple

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.rows import Rows
from ratecast.ratings import Ratings

LATE_SHARE = 0.2
DAMPING = 100.0
TINY = 1e-12


class Arrivals(NamedTuple):
    """When users came: the time of the first rating of each, (users,), and from when it is late."""

    first: I64
    late: float


def arrivals_in(train: Rows, users: int) -> Arrivals | None:
    """Of so many users; None for a table without times."""
    if not isinstance(train.table, Ratings) or not train.table.timed:
        return None
    at = train.table.at
    first = np.full(users, np.iinfo(np.int64).max)
    np.minimum.at(first, train.users, at)
    return Arrivals(first, float(np.quantile(at, 1 - LATE_SHARE)))


def unknown_user_weights(train: Rows, weights: F64, counts: I64) -> F64:
    """Weights that stand for a user without ratings, see `weights_after`: (d,)."""
    return weights_after(arrivals_in(train, len(counts)), weights, counts)


def weights_after(arrivals: Arrivals | None, weights: F64, counts: I64) -> F64:
    """Weights that stand for a user without ratings: (d,).

    w + k (w_late - w), with w the mean weights over all rows and w_late over the rows of the users
    whose first rating is among the last fifth of train: new users' ratings all come after train, so
    that who rates much counts much. k = max(0, 1 - v / (w_late - w)²), v the variance of w_late if
    late users were drawn from all: what a few late users differ by is mostly chance.
    w counts the prior mean w_0 of a user with one rating as 100 rows; w_0 is the result for a table
    without times, where an unknown user is one whose few other ratings happened to stay out.

    weights: (users, d), row 0 is w_0. counts: (users,).
    Reference: James, Stein 1961, "Estimation with quadratic loss" (its positive part).
    """
    unknown: F64 = weights[0].copy()
    if arrivals is None:
        return unknown
    late = np.where(arrivals.first > arrivals.late, counts, 0)
    mean: F64 = (counts @ weights + DAMPING * unknown) / (counts.sum() + DAMPING)
    if not late.any():
        return mean
    difference = late @ weights / late.sum() - mean
    variance = counts @ np.square(weights - mean) / counts.sum()
    chance = variance * np.square(late / late.sum()).sum()
    kept = np.maximum(0.0, 1.0 - chance / np.maximum(np.square(difference), TINY))
    return np.asarray(mean + kept * difference)
