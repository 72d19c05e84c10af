"""How many new ratings a refit of the movies waits for, in the walk over train and later.

A refit changes a movie by what its new ratings say. So it waits for a share of all ratings, which
is larger where the average user and movie have few: there a refit costs as much and changes little.
"""

from itertools import pairwise

import numpy as np

from ratecast.modelling.history.user_history import RatingColumns

# From so many ratings on, a refresh waits for a share that rises in proportion to their number.
MANY_RATINGS = 1_000_000
# So many ratings of a user or movie, on average, make a table dense; where they have fewer, the
# share is larger in proportion, at most by this factor.
DENSE, MAX_SPARSITY = 8.0, 8.0
# Walk over train before the fit: share of it in the first fit, and in each slice after it.
FIRST_SHARE, SLICE_GROWTH = 0.25, 0.02


def refresh_after(known: int, ids: int, growth: float) -> int:
    """New ratings until a refresh: ⌈growth * max(1, n / 1e6) * sparsity * n⌉ after n ratings.

    known: n. ids: users and movies.
    """
    share = growth * max(1.0, known / MANY_RATINGS) * _sparsity(known, ids)
    return int(np.ceil(share * known))


def time_slices(ratings: RatingColumns, ids: int, wanted: int) -> list[RatingColumns]:
    """The rows in time order: those of a first fit, then slices, each forecast and then learned.

    wanted: rows after the first fit, at most, since more would be dropped again.
    """
    first = max(FIRST_SHARE, 1 - wanted / len(ratings))
    return cut_by_time(ratings, first, SLICE_GROWTH * _sparsity(len(ratings), ids))


def cut_by_time(ratings: RatingColumns, share: float, growth: float) -> list[RatingColumns]:
    """The rows in time order, cut into slices; rows of equal time stay in one slice.

    share: part of all rows in the first slice. growth: each further slice adds this share of the
    rows before it.
    """
    ordered = ratings.take(np.argsort(ratings.at, kind="stable"))
    stops = [share * len(ordered)]
    while stops[-1] < len(ordered):
        stops.append(stops[-1] * (1 + growth))
    ends = np.append(np.flatnonzero(np.diff(ordered.at)) + 1, len(ordered))
    edges = np.unique(ends[np.searchsorted(ends, np.minimum(stops, len(ordered)))])
    return [ordered.take(np.arange(a, b)) for a, b in pairwise([0, *edges])]


def _sparsity(known: int, ids: int) -> float:
    """How many times as far apart refits are as on a dense table: 1 to `MAX_SPARSITY`."""
    return min(max(1.0, DENSE * ids / max(known, 1)), MAX_SPARSITY)
