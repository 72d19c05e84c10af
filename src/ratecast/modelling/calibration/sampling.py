"""Which rows the first calibration uses: of a large table some, of train those held out."""

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import I32
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


def held_out(users: I32, seed: int) -> tuple[Mask, Mask] | None:
    """Rows to fit a copy of the model on, and rows for it to forecast: (n,) each.

    Of a table of more than `COPY_ROWS` rows, they are those of some users. None where the table is
    too small.

    users: (n,) row numbers.
    """
    if len(users) < _FEWEST:
        return None
    random = np.random.default_rng(seed)
    order = random.permutation(int(users.max()) + 1)
    reached = np.cumsum(np.bincount(users)[order])
    taken = np.zeros(len(order), bool)
    taken[order[reached <= max(COPY_ROWS, reached[0])]] = True
    new = np.zeros(len(order), bool)
    new[order[reached <= _USERS_SHARE * min(len(users), COPY_ROWS)]] = True
    used, rows = taken[users], min(len(users), COPY_ROWS)
    share = min(max(_ROWS_SHARE, _LEAST_ROWS / rows), _MOST_SHARE)
    # A random number for each row that is used: of a large table that is few.
    some = np.flatnonzero(used)
    chosen = new[users[some]] | (random.random(len(some)) < share)
    held = np.zeros(len(users), bool)
    held[some[chosen]] = True
    rest = used & ~held
    return (rest, held) if rest.any() and held.any() else None
