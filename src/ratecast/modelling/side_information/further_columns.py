"""Columns of side information beyond those of MovieLens, of any names, as features of models.

Each gives labels (for models of labels) and dense columns (for regressions).
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import F64, I64, as_bytes, json_in
from ratecast.modelling.side_information.feature_columns import (
    FeatureColumn,
    NumberColumn,
    ValuesColumn,
    VectorColumn,
    first_label,
)
from ratecast.ratings import MOVIE, USER

if TYPE_CHECKING:
    # Imported where labels are made, which not every model needs: it takes a tenth of a second.
    import scipy.sparse as sp

# Columns that the models treat each in its own way, or not at all.
STANDARD = {
    USER: ("age", "gender", "occupation", "zip"),
    MOVIE: ("title", "year", "genres", "imdb", "tmdb"),
}
_KINDS: dict[str, type[FeatureColumn]] = {
    c.kind: c for c in (NumberColumn, ValuesColumn, VectorColumn)
}


@dataclass(frozen=True)
class FurtherColumns:
    """The further columns of users or of movies, by name, in the order of the table."""

    columns: dict[str, FeatureColumn]

    @classmethod
    def of(cls, table: pl.DataFrame) -> Self:
        """Learn from the table of the known users or movies, whose first column is their id."""
        kind, columns = table.columns[0], dict[str, FeatureColumn]()
        for column in table.iter_columns():
            form = None if column.name in (kind, *STANDARD[kind]) else _form(column.dtype)
            if form is not None and column.null_count() < len(column):
                columns[column.name] = form.of(column)
        return cls(columns)

    @classmethod
    def unpacked(cls, packed: NDArray[np.uint8] | None) -> Self:
        """The columns that `packed` wrote; none if there is nothing."""
        values: dict[str, Any] = {} if packed is None else json_in(packed)
        return cls({name: _KINDS[v.pop("kind")](**v) for name, v in values.items()})

    def packed(self, name: str) -> dict[str, NDArray[np.uint8]]:
        """Everything as one array of bytes (JSON) called `name`; without columns, none."""
        values = {key: {"kind": c.kind} | asdict(c) for key, c in self.columns.items()}
        return {name: as_bytes(values)} if values else {}

    def labels(self, table: pl.DataFrame) -> "dict[str, sp.csr_array]":
        """For each column, the weight of each label in each row: (rows, labels)."""
        return {name: c.labels(self._column(table, name)) for name, c in self.columns.items()}

    def dense(self, table: pl.DataFrame) -> F64:
        """All dense columns side by side: (rows, D)."""
        none = np.zeros((table.height, 0))
        parts = (c.dense(self._column(table, name)) for name, c in self.columns.items())
        return np.column_stack([none, *parts])

    def single_labels(self, table: pl.DataFrame) -> dict[str, tuple[I64, int]]:
        """Label of each row, -1 for none, and how many there are, of numbers and categories."""
        single = {}
        for name, column in self.columns.items():
            if column.has_one_label:
                labels = column.labels(self._column(table, name))
                single[name] = first_label(labels), labels.shape[1]
        return single

    def _column(self, table: pl.DataFrame, name: str) -> pl.Series:
        if name in table.columns:
            return table[name]
        return pl.Series(name, [None] * table.height, self.columns[name].form)


def _form(kind: pl.DataType) -> type[FeatureColumn] | None:
    if kind.is_numeric():
        return NumberColumn
    if isinstance(kind, pl.Array) and kind.inner.is_numeric():
        return VectorColumn
    return ValuesColumn if kind in (pl.String, pl.List(pl.String)) else None
