"""Weights of an unknown user, learned from the users who came late in train."""

import numpy as np

from ratecast.arrays import F64, I64
from ratecast.modelling.contract.rows import Rows
from ratecast.ratings import Ratings

LATE_SHARE = 0.2
DAMPING = 100.0


def unknown_user_weights(train: Rows, weights: F64, counts: I64) -> F64:
    """Weights that stand for a user without ratings: (d,).

    (Σ n_u w_u + 100 w_0) / (Σ n_u + 100), over the users whose first rating is among the last
    fifth of train: a new user's ratings all come after train, so that who rates much counts much.
    w_0: the prior mean of a user with one rating, and the result for a table without times, where
    an unknown user is one whose few other ratings happened to stay out of train.

    weights: (users, d), row 0 is w_0. counts: (users,).
    """
    unknown: F64 = weights[0].copy()
    if not isinstance(train.table, Ratings) or not train.table.timed:
        return unknown
    at = train.table.at
    first = np.full(len(counts), np.iinfo(np.int64).max)
    np.minimum.at(first, train.users, at)
    late = np.where(first > np.quantile(at, 1 - LATE_SHARE), counts, 0)
    mean: F64 = (late @ weights + DAMPING * unknown) / (late.sum() + DAMPING)
    return mean
