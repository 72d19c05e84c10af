"""Numbers ids 1, 2, ... in order of appearance, piece by piece."""

import numpy as np
import polars as pl

from ratecast.arrays import I32, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.contract.vocabulary import Vocabulary

# Whole ids in a range of so many, or of so many for each id, are numbered by a table of the range.
_SMALL, _GAPS = 1 << 22, 32


class IdNumbers:
    """The numbers of the ids of one kind, as `Vocabulary` gives them for the whole table."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._count, self._low, self._high = 0, 0, -1
        self._table = np.zeros(0, np.int32)
        self._new: list[I64] = []
        # For text, and for whole ids that lie far apart.
        self._sparse: Vocabulary | None = None

    def __len__(self) -> int:
        """How many row numbers there are, the unknown's included."""
        return self._count + 1 if self._sparse is None else len(self._sparse)

    def encode(self, ids: pl.Series) -> I32:
        """Row number of each id, (n,); new ids get the next numbers."""
        if self._sparse is None and ids.dtype == pl.Int64 and self._fits(ids):
            fresh = np.empty(min(len(ids), len(self._table)), np.int64)
            rows = np.empty(len(ids), np.int32)
            values = read_only(ids.to_numpy())
            found = _number(values, self._low, self._table, (self._count, fresh), rows)
            self._count += found
            self._new.append(fresh[:found].copy())
            return rows
        return self._encode_sparse(ids)

    def ids(self) -> pl.Series:
        """All ids, in the order of their numbers."""
        if self._sparse is not None:
            return self._sparse.table[self.kind]
        known = np.concatenate([np.zeros(0, np.int64), *self._new])
        return pl.Series(self.kind, known)

    def _fits(self, ids: pl.Series) -> bool:
        """Make the table long enough for these ids, if they lie close enough together."""
        if ids.is_empty():
            return True
        low, high = int(ids.min()), int(ids.max())  # type: ignore[arg-type]
        if self._count:
            low, high = min(low, self._low), max(high, self._high)
        if high - low >= max(_SMALL, _GAPS * (self._count + len(ids))):
            return False
        offset, length = max(self._low - low, 0) if self._count else 0, len(self._table)
        if low < self._low or high - low >= length or not self._count:
            # Twice as long, so that few ids at a time do not copy it each time.
            table = np.zeros(max(high - low + 1, 2 * length, offset + length), np.int32)
            table[offset:][:length] = self._table
            self._table, self._low = table, low
        self._high = high
        return True

    def _encode_sparse(self, ids: pl.Series) -> I32:
        if self._sparse is None:
            known = self.ids()
            known = known if self._count else known.cast(ids.dtype)
            self._sparse = Vocabulary(self.kind, known.to_frame())
            self._table, self._new = np.zeros(0, np.int32), []
        if ids.dtype != self._sparse.dtype:
            # A column is text as soon as one of its ids is.
            if ids.dtype == pl.String:
                known = self._sparse.table[self.kind].cast(pl.String)
                self._sparse = Vocabulary(self.kind, known.to_frame())
            else:
                ids = ids.cast(pl.String)
        return self._sparse.encode(ids, "create")


@njit(cache=True)
def _number(ids, low, table, fresh, rows):  # type: ignore[no-untyped-def]
    """Fill rows (n,) from the table of numbers by id - low; returns how many ids were new.

    fresh: (numbers given before, room for the new ids in their order).
    """
    before, new = fresh
    count = 0
    for i in range(len(ids)):
        place = ids[i] - low
        if table[place] == 0:
            new[count] = ids[i]
            count += 1
            table[place] = before + count
        rows[i] = table[place]
    return count
