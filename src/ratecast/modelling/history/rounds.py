"""Walks of models that store ratings and go through them user by user.

A rating in the place of a former one changes what its user is predicted from, so the rows after it
are predicted in a later round, once the former one is gone. Other users are not affected.
"""

from collections.abc import Callable

import numpy as np

from ratecast.arrays import I64
from ratecast.compiled import njit
from ratecast.modelling.contract.rows import Expected, Rows
from ratecast.modelling.history.user_batches import group_ids


def walk_in_rounds(
    rows: Rows, edges: I64, walk: Callable[[Rows, I64], Expected], users: int
) -> Expected:
    """Expected stars of each row, in order: those of `walk` for the rows of each round.

    edges: (k + 1,) borders of the tie groups. walk: gets rows and the tie group of each, predicts
    them, then stores them. users: number of row numbers.
    """
    group, again = group_ids(edges), ~rows.is_first
    if not again.any():
        return walk(rows, group)
    number = _rounds(rows.users, group, again, users)
    parts = [np.flatnonzero(number == one) for one in range(int(number.max()) + 1)]
    expected = [walk(rows.take(part), group[part]) for part in parts]
    return Expected.concat(expected).take(np.argsort(np.concatenate(parts)))


@njit(cache=True)
def _rounds(users, group, again, size):  # type: ignore[no-untyped-def]
    """How many earlier tie groups have a rating given again by the same user, of each row: (n,)."""
    number, last = np.zeros(len(users), np.int64), np.full(size, -1)
    before, pending = np.zeros(size, np.int64), np.zeros(size, np.int64)
    for i in range(len(users)):
        user = users[i]
        if last[user] != group[i]:
            before[user] += pending[user]
            last[user], pending[user] = group[i], 0
        number[i] = before[user]
        if again[i]:
            pending[user] = 1
    return number
