"""Which rows the first calibration uses: of a large table some, of train those held out."""

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I32, I64, read_only
from ratecast.compiled import MANY_ROWS, njit
from ratecast.modelling.calibration.online import WINDOW
from ratecast.ratings import Ratings

HISTORY_ROWS = 50_000
CALIBRATION_ROWS = 1_000_000
# A copy fitted to these many rows gives the same probabilities as one fitted to a million
# (docs/log.md), in a quarter of the time.
COPY_ROWS = 250_000
# Of train: a tenth of the rows, or 1,000 where that is more, but no more than a fifth; and all rows
# of a twentieth of the users, whose forecasts are those of new users.
_ROWS_SHARE, _LEAST_ROWS, _MOST_SHARE, _USERS_SHARE = 0.1, 1_000, 0.2, 0.05
# With fewer rows than this none can be spared.
_FEWEST = 20

Mask = NDArray[np.bool_]


def sample(table: Ratings) -> Ratings:
    """At most `CALIBRATION_ROWS` rows, evenly spaced, with all of the newest `WINDOW` rows."""
    if len(table) <= CALIBRATION_ROWS:
        return table
    newest = len(table) - WINDOW
    even = np.linspace(0, newest, CALIBRATION_ROWS - WINDOW, endpoint=False, dtype=np.int64)
    return table.take(np.concatenate([even, np.arange(newest, len(table))]))


def held_out(users: I32, counts: I64, seed: int) -> tuple[I64, I64] | None:
    """Rows to fit a copy of the model on, and rows for it to forecast, both ascending.

    Of a table of more than `COPY_ROWS` rows, they are those of some users. None where the table is
    too small.

    users: (n,) row numbers. counts: ratings of each row number, at least (highest + 1,).
    """
    if len(users) < _FEWEST:
        return None
    random = np.random.default_rng(seed)
    order = random.permutation(len(counts))
    reached = np.cumsum(counts[order])
    taken = np.zeros(len(order), bool)
    taken[order[reached <= max(COPY_ROWS, reached[0])]] = True
    new = np.zeros(len(order), bool)
    new[order[reached <= _USERS_SHARE * min(len(users), COPY_ROWS)]] = True
    some, rows = rows_of(users, taken, counts), min(len(users), COPY_ROWS)
    share = min(max(_ROWS_SHARE, _LEAST_ROWS / rows), _MOST_SHARE)
    # A random number for each row that is used: of a large table that is few.
    held = new[users[some]] | (random.random(len(some)) < share)
    return (some[~held], some[held]) if 0 < held.sum() < len(held) else None


def rows_of(users: I32, chosen: Mask, counts: I64) -> I64:
    """The rows of the chosen users, ascending.

    users: (n,) row numbers. chosen, counts: whether each is wanted, and how many rows it has.
    """
    if chosen.all():
        return np.arange(len(users))
    if len(users) < MANY_ROWS:
        return np.flatnonzero(chosen[users])
    rows = np.empty(int(counts[chosen].sum()) + 1, np.int64)
    _fill_rows(read_only(users), chosen, rows)
    return rows[:-1]


@njit(cache=True)
def _fill_rows(users, chosen, rows):  # type: ignore[no-untyped-def]
    """See `rows_of`; a row that is not wanted is written over by the next, without a branch."""
    place = 0
    for i in range(len(users)):
        rows[place] = i
        place += chosen[users[i]]
