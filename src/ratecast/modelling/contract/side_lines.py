"""What a model computes from side information, kept by row number.

polars takes a millisecond to look up one id, and some more for its columns; a row number takes a
microsecond.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from ratecast.arrays import I64
from ratecast.modelling.contract.rows import Rows, as_unknown
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.ratings import USER

# Arrays of one line for each id; those of labels are sparse.
Column = TypeVar("Column", NDArray[Any], sp.csr_array)
Columns = tuple[NDArray[Any] | sp.csr_array, ...]
Mask = NDArray[np.bool_]


class Lines(NamedTuple):
    """The distinct users, or movies, of some rows.

    which: (n,) the line of each row. numbers: (lines,) row numbers, 0 for an id that is not known.
    columns: what was computed of each line.
    """

    which: I64
    numbers: NDArray[np.int32]
    columns: Columns


@dataclass
class SideLines:
    """Columns computed from the side information of users, or of movies.

    Those of known ids are computed where they are first looked at, those of new ids after them, and
    kept; line 0 is that of an id of which nothing is known. A request that brings side information
    is computed on its own.

    compute: from a table with n lines, columns of n lines; a line depends on no other.
    """

    compute: Callable[[pl.DataFrame], Columns]
    # How many lines are kept, and their columns; set at once, since requests may run side by side.
    _kept: tuple[int, Columns] = field(default=(0, ()), init=False, repr=False)

    def of(self, rows: Rows, known: Vocabulary) -> Lines:
        """The lines of the rows' users or movies, whichever `known` has."""
        numbers = _numbers(rows, known)
        if is_described(rows, known):
            return self._of_ids(rows, known)
        distinct, which = _distinct(numbers)
        columns = self._up_to(int(distinct.max(initial=UNKNOWN)), known)
        return Lines(which, distinct, tuple(column[distinct] for column in columns))

    def of_unknown(self, rows: Rows, known: Vocabulary) -> Lines:
        """As `of`, of the rows alone whose id is not known."""
        unknown = _numbers(rows, known) == UNKNOWN
        if not is_described(rows, known):
            which = np.zeros(int(unknown.sum()), np.int64)
            return Lines(which, np.zeros(1, np.int32), self._up_to(UNKNOWN, known))
        return self._of_ids(rows.take(unknown), known)

    def keep_all(self, known: Vocabulary) -> None:
        """Compute the lines of all known ids now."""
        self._up_to(len(known) - 1, known)

    def forget(self, row: int) -> None:
        """Keep nothing of the id that had this row number; it is never asked for again."""
        lines, columns = self._kept
        for column in columns if row < lines else ():
            if isinstance(column, np.ndarray):
                as_unknown(row, column)
            else:
                own = slice(*column.indptr[row : row + 2])
                column.indices[own], column.data[own] = 0, 0

    def _of_ids(self, rows: Rows, known: Vocabulary) -> Lines:
        """Computed from the side information that `rows` bring, and what is known beside it."""
        which, ids = distinct_ids(rows.table.frame[known.kind])
        numbers = np.zeros(len(ids), np.int32)
        numbers[which] = _numbers(rows, known)
        return Lines(which, numbers, self.compute(known.side(ids, _brought(rows, known))))

    def _up_to(self, last: int, known: Vocabulary) -> Columns:
        """The kept columns, at least to line `last`."""
        lines, columns = self._kept
        if not lines:
            lines, columns = 1, self.compute(known.table.clear(1))
        if last >= lines:
            more = known.table[lines - 1 :]
            columns = tuple(map(_followed, columns, self.compute(more)))
            lines += more.height
        self._kept = lines, columns
        return columns


def is_described(rows: Rows, known: Vocabulary) -> bool:
    """Whether there is side information of an id beside that of the known ones.

    The rows bring it, or the fit had it of an id without ratings.
    """
    brought = _brought(rows, known)
    if brought.width > 1 and brought.height:
        return True
    if known.unrated is None or not known.unrated.height:
        return False
    unknown = _numbers(rows, known) == UNKNOWN
    if not unknown.any():
        return False
    ids = rows.table.frame[known.kind].filter(pl.Series(unknown))
    return bool(ids.is_in(known.unrated[known.kind].implode()).any())


def distinct_ids(ids: pl.Series) -> tuple[I64, pl.Series]:
    """Each id's number among the distinct ids (n,), and those ids (distinct,)."""
    unique = ids.unique(maintain_order=True)
    number = unique.to_frame().with_row_index("_row")
    which = ids.to_frame().join(number, on=ids.name, how="left", maintain_order="left")["_row"]
    return which.to_numpy().astype(np.int64), unique


def _numbers(rows: Rows, known: Vocabulary) -> NDArray[np.int32]:
    return rows.users if known.kind == USER else rows.movies


def _brought(rows: Rows, known: Vocabulary) -> pl.DataFrame:
    return rows.table.users if known.kind == USER else rows.table.movies


def _distinct(numbers: NDArray[np.int32]) -> tuple[NDArray[np.int32], I64]:
    """The distinct row numbers, ascending, and which of them each row has: (n,)."""
    if len(numbers) and (numbers[0] == numbers).all():
        return numbers[:1], np.zeros(len(numbers), np.int64)
    distinct, which = np.unique(numbers, return_inverse=True)
    return distinct, which


def _followed(column: Column, more: Column) -> Column:
    if isinstance(column, np.ndarray):
        return np.concatenate([column, more])
    return sp.csr_array(sp.vstack([column, more], format="csr"))
