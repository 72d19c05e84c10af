"""Intervals of many figures from the same resampled users."""

import numpy as np

from ratecast.arrays import F64
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import even_cuts, on_all_threads

_COUNTS = 1 << 23
# Lines of the sums that stay in a core's cache while several draws read them.
_USERS = 256


def drawn_sums(sums: F64, draws: int, seed: int = 0) -> F64:
    """Sums over resampled users, drawn with replacement, as many as there are: (draws, C).

    sums: (users, C), what each user adds to C sums; a draw is the same users for all of them.

    >>> drawn_sums(np.ones((3, 2)), draws=2).tolist()
    [[3.0, 3.0], [3.0, 3.0]]
    """
    random, users = np.random.default_rng(seed), len(sums)
    totals = np.zeros((draws, sums.shape[1]))
    step = max(1, _COUNTS // users)
    for start in range(0, draws, step):
        block = totals[start : start + step]
        counts = np.stack(
            [np.bincount(random.integers(users, size=users), minlength=users) for _ in block]
        )
        on_all_threads(_add_counted, even_cuts(len(block)), counts, sums, block)
    return totals


@njit(cache=True, nogil=True)
def _add_counted(run, counts, sums, totals):  # type: ignore[no-untyped-def]
    """Add the sums of each user as often as each draw of the run counts it.

    In the order of the users, without fastmath: the bits are the same on every processor.
    """
    for first in range(0, len(sums), _USERS):
        for draw in range(run[0], run[1]):
            for user in range(first, min(first + _USERS, len(sums))):
                count = counts[draw, user]
                if count:
                    for k in range(sums.shape[1]):
                        totals[draw, k] += count * sums[user, k]
