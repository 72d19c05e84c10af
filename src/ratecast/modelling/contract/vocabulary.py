"""The only place that knows both the raw id of a user or movie and its row number in a model."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.errors import InputError
from ratecast.ids import Id, id_of, lost_zeros, padded_ids, whole_numbers
from ratecast.modelling.contract.dense_ids import Direct, first_rows

UNKNOWN = 0
_ROW = "_row"
_FEW = 256
# Below every id that is requested: users who were forgotten.
FORGOTTEN = -(2**62)

Unknown = Literal["create", "ignore", "raise"]


@dataclass
class Vocabulary:
    """Ids of one kind, numbered 1, 2, ... in order of appearance; 0 stands for the unknown.

    `table` has one line for each known id, in row order from 1: the id in column `kind`, and its
    side information where there is any. `unrated` has the side information of ids that have no
    rating yet, if there are any.
    """

    kind: str
    table: pl.DataFrame
    unrated: pl.DataFrame | None = None
    _few: dict[Id, int] | None = field(default=None, init=False, repr=False)
    _many: Direct | None = field(default=None, init=False, repr=False)
    _ids: list[Id] = field(default_factory=list, init=False, repr=False)
    _padded: dict[str, str] | None = field(default=None, init=False, repr=False)

    @classmethod
    def of(cls, ids: pl.Series, side: pl.DataFrame) -> "Vocabulary":
        """The distinct `ids` in order of appearance, with their lines of `side`."""
        distinct = _distinct(ids)
        table = _with_side(distinct, side)
        unrated = (
            side.filter(~side[ids.name].is_in(distinct.implode())) if table.width > 1 else None
        )
        return cls(ids.name, table, unrated if unrated is not None and unrated.height else None)

    def __len__(self) -> int:
        """Number of row numbers, the unknown's included."""
        return self.table.height + 1

    def __contains__(self, known: Id) -> bool:
        """Whether the id has a row number, or side information alone."""
        return bool(self.rows_of([known])[0]) or (
            self.unrated is not None and known in self.unrated[self.kind]
        )

    def encode(
        self, ids: pl.Series, unknown: Unknown = "ignore", side: pl.DataFrame | None = None
    ) -> NDArray[np.int32]:
        """Row number of each id: (n,).

        unknown: `create` gives a new id the next number (and its line of `side`), `ignore`
        gives 0, `raise` raises `InputError` with the first unknown id.
        """
        ids = self.own_ids(ids)
        rows = self._look_up(ids)
        new = rows == UNKNOWN
        if unknown == "ignore" or not new.any():
            return rows
        if unknown == "raise":
            raise InputError(f"{self.kind} {ids[int(new.argmax())]!r}: not known to this model")
        fresh = _distinct(ids.filter(pl.Series(new)))
        # Not from `table`, where a new id is not. Joined with it again and again, polars would
        # double what its text takes in memory each time (findings/polars-join-doubles-text.sh).
        known = [self.table.clear(), *([] if self.unrated is None else [self.unrated])]
        more = fresh.clear().to_frame() if side is None else side
        self._add(_joined(fresh, pl.concat(known, how="diagonal"), more))
        return self._look_up(ids)

    @cached_property
    def dtype(self) -> pl.DataType:
        """The type of the ids: Int64 or String."""
        return self.table.schema[self.kind]

    @cached_property
    def as_text(self) -> bool:
        """Whether ids are text here; otherwise they are whole numbers."""
        return self.dtype == pl.String

    def own_id(self, value: object) -> Id:
        """The id in the type of the ids here, known or not. Raises `InputError`."""
        own = id_of(value, self.as_text, self.kind)
        if isinstance(own, str) and not isinstance(value, str):
            self._refuse_lost_zeros(own)
        return own

    def own_ids(self, ids: pl.Series) -> pl.Series:
        """Ids in their form, Int64 or String, in the type of the ids here. Raises `InputError`."""
        if ids.dtype == self.dtype:
            return ids
        if ids.is_empty():
            return ids.cast(self.dtype)
        if self.as_text:
            text = ids.cast(pl.String)
            for own in text.filter(pl.Series(self._look_up(text) == UNKNOWN)).unique():
                self._refuse_lost_zeros(own)
            return text
        numbers = whole_numbers(ids)
        if numbers.null_count():
            self.own_id(ids[int(numbers.is_null().arg_max() or 0)])
        return numbers

    def rows_of(self, ids: list[Id]) -> NDArray[np.int32]:
        """Row number of each id in a list, 0 for one that is not known: (n,)."""
        numbers = self._numbers()
        return np.array([numbers.get(i, UNKNOWN) for i in ids], np.int32)

    @property
    def known(self) -> pl.Series:
        """The ids in row order, without those that were forgotten."""
        ids = self.table[self.kind]
        erased = ids.str.starts_with("\0") if self.as_text else ids < FORGOTTEN
        return ids.filter(~erased)

    @property
    def described(self) -> pl.DataFrame:
        """The lines of `table`, then those of ids that are known by side information alone."""
        if self.unrated is None:
            return self.table
        return pl.concat([self.table, self.unrated], how="diagonal")

    def ids_of(self, rows: NDArray[np.integer]) -> list[Id]:
        """Raw id of each row number, none of them the unknown's: (n,)."""
        if len(self._ids) < self.table.height:
            self._ids = self.table[self.kind].to_list()
        return [self._ids[row - 1] for row in rows.tolist()]

    def forget(self, known: Id) -> int:
        """Make this id unknown; its line stays, without the id and its side information.

        Returns the row number that it had.
        """
        if self.unrated is not None:
            self.unrated = self.unrated.filter(pl.col(self.kind) != known)
        row = self._numbers().pop(known, UNKNOWN)
        if row == UNKNOWN:
            return row
        erased = f"\0{row}" if isinstance(known, str) else FORGOTTEN - row
        gone = pl.int_range(1, pl.len() + 1) == row
        self.table = self.table.with_columns(
            pl.when(gone)
            .then(pl.lit(erased if name == self.kind else None))
            .otherwise(name)
            .alias(name)
            for name in self.table.columns
        )
        self._numbers()[erased], self._ids, self._many, self._padded = row, [], None, None
        return row

    def side(self, ids: pl.Series, more: pl.DataFrame) -> pl.DataFrame:
        """Side information, aligned with `ids` (n lines): from `more`, else what is known here."""
        return _joined(ids, self.described, more)

    def _add(self, fresh: pl.DataFrame) -> None:
        numbers = range(len(self), len(self) + fresh.height)
        if self._few is not None:
            self._few |= dict(zip(fresh[self.kind].to_list(), numbers, strict=True))
        self.table = pl.concat([self.table, fresh], how="diagonal")
        if self.unrated is not None:
            rated = self.unrated[self.kind].is_in(fresh[self.kind].implode())
            self.unrated = self.unrated.filter(~rated)
        if self._padded is not None:
            self._padded |= padded_ids(fresh[self.kind])
        self._many = None

    def _look_up(self, ids: pl.Series) -> NDArray[np.int32]:
        if len(ids) <= _FEW:
            return self.rows_of(ids.to_list())
        known = self.table[self.kind]
        if self._many is None and known.dtype == pl.Int64:
            self._many = Direct.of(known.to_numpy())
        if self._many is not None and not ids.null_count():
            return self._many.look_up(ids.to_numpy())
        numbered = known.to_frame().with_row_index(_ROW, offset=1)
        joined = ids.to_frame().join(numbered, on=self.kind, how="left", maintain_order="left")
        return joined[_ROW].fill_null(UNKNOWN).cast(pl.Int32).to_numpy()

    def _numbers(self) -> dict[Id, int]:
        """Row number of each id, for a few at a time; made when it is first needed."""
        if self._few is None:
            known = self.table[self.kind].to_list()
            self._few = dict(zip(known, range(1, len(self)), strict=True))
        return self._few

    def _refuse_lost_zeros(self, number: str) -> None:
        """Refuse a number that is not known, where the same digits after zeros are."""
        if number in self._numbers():
            return
        if self._padded is None:
            self._padded = padded_ids(self.table[self.kind])
        if number in self._padded:
            fault = lost_zeros(self._padded[number], "this model")
            raise InputError(f"{self.kind} {number}: {fault}")


def _joined(ids: pl.Series, known: pl.DataFrame, more: pl.DataFrame) -> pl.DataFrame:
    """Side information, aligned with `ids` (n lines): from `more`, else from `known`."""
    if more.width > 1 and more.height:
        from ratecast.data.side_columns import like_known

        more = like_known(more, known)
        known = pl.concat([more, known], how="diagonal").unique(
            ids.name, keep="first", maintain_order=True
        )
    elif not known.height:
        return pl.concat([ids.to_frame(), known], how="diagonal")
    return ids.to_frame().join(known, on=ids.name, how="left", maintain_order="left")


def _distinct(ids: pl.Series) -> pl.Series:
    """The distinct ids in order of appearance."""
    whole = ids.dtype == pl.Int64 and not ids.null_count() and len(ids) > _FEW
    first = first_rows(ids.to_numpy()) if whole else None
    return ids.unique(maintain_order=True) if first is None else ids.gather(first)


def _with_side(ids: pl.Series, side: pl.DataFrame | None) -> pl.DataFrame:
    if side is None or side.width <= 1:
        return ids.to_frame()
    return ids.to_frame().join(
        side.unique(ids.name, keep="first"), on=ids.name, how="left", maintain_order="left"
    )
