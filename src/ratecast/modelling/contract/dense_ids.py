"""A table from id to row number for whole ids that lie close together: one look for each id."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import read_only
from ratecast.compiled import njit
from ratecast.modelling.kernels.loops import at_once, even_cuts, on_all_threads, side_by_side

# A table may be this much longer than the ids are many, and this long in any case.
_GAPS, _SMALL = 32, 1 << 16
# A look takes a nanosecond, so that fewer ids are not worth another run.
_IDS_A_RUN = 1 << 17

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Direct:
    """Row numbers by id: `rows[id - low]`, 0 where there is none."""

    low: int
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, ids: Ids) -> "Direct | None":
        """Numbers 1, 2, ... for distinct `ids`, in their order; None where they lie far apart."""
        bounds = _close(ids)
        if bounds is None:
            return None
        rows = np.zeros(bounds[1] - bounds[0] + 1, np.int32)
        rows[ids - bounds[0]] = np.arange(1, len(ids) + 1)
        return cls(bounds[0], rows)

    def look_up(self, ids: Ids) -> NDArray[np.int32]:
        """The row number of each id: (n,)."""
        rows = np.zeros(len(ids), np.int32)
        run = on_all_threads if side_by_side(len(ids)) else at_once
        cuts = even_cuts(len(ids), least=_IDS_A_RUN)
        run(_look_up, cuts, read_only(ids), self.low, self.rows, rows)
        return rows


def first_rows(ids: Ids) -> NDArray[np.int64] | None:
    """Where each distinct id stands first, in that order; None where they lie far apart."""
    bounds = _close(ids)
    if bounds is None:
        return None
    first: NDArray[np.int64] = _firsts(ids, bounds[0], bounds[1] - bounds[0] + 1)
    return first


def _close(ids: Ids) -> tuple[int, int] | None:
    if not len(ids):
        return None
    low, high = int(ids.min()), int(ids.max())
    return (low, high) if high - low < max(_SMALL, _GAPS * len(ids)) else None


@njit(cache=True, nogil=True)
def _look_up(part, ids, low, rows, result):  # type: ignore[no-untyped-def]
    """See `look_up`: the ids from part[0] to part[1] - 1, into result (n,)."""
    high = low + (len(rows) - 1)
    for k in range(part[0], part[1]):
        if low <= ids[k] <= high:
            result[k] = rows[ids[k] - low]


@njit(cache=True)
def _firsts(ids: Ids, low: int, span: int) -> NDArray[np.int64]:
    seen, first = np.zeros(span, np.bool_), np.empty(min(span, len(ids)), np.int64)
    count = 0
    for k in range(len(ids)):
        if not seen[ids[k] - low]:
            seen[ids[k] - low] = True
            first[count] = k
            count += 1
    return first[:count]
