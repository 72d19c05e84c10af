"""Side information of users and movies as labels: a one-hot encoding.

A column that a table lacks, or a value that is null, gives no label.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from ratecast.arrays import F64, I64, as_bytes, json_in
from ratecast.modelling.side_information.further_columns import FurtherColumns

# One label for each row: the expression that turns the column into text.
_SINGLE = {
    "age": (pl.col("age") // 10).cast(pl.String),
    "gender": pl.col("gender").cast(pl.String),
    "occupation": pl.col("occupation").cast(pl.String),
    "zip": pl.col("zip").cast(pl.String).str.slice(0, 1),
    "year": pl.col("year").cast(pl.String),
}
_NO_GENRE = ("", "unknown")


@dataclass(frozen=True)
class LabelColumn:
    """Labels of one kind: row `rows[j]` of a table has `labels[j]`, with weight `values[j]`."""

    rows: I64
    labels: NDArray[np.str_]
    values: F64


def label_columns(frame: pl.DataFrame) -> dict[str, LabelColumn]:
    """The labels of every kind that `frame` has a column for; a genre weighs 1 / √(genres)."""
    kinds = {}
    numbered = frame.with_row_index("_row")
    for name, text in _SINGLE.items():
        if name in frame.columns:
            labels = numbered.select("_row", label=text).drop_nulls()
            kinds[name] = _label_column(labels, np.ones(labels.height))
    if "genres" in frame.columns:
        labels = genre_rows(numbered)
        count = np.bincount(labels["_row"].to_numpy(), minlength=1)
        kinds["genres"] = _label_column(labels, count[labels["_row"].to_numpy()] ** -0.5)
    return {name: column for name, column in kinds.items() if len(column.rows)}


def genre_rows(numbered: pl.DataFrame) -> pl.DataFrame:
    """One row for each genre of each row: `_row` and `label`. A text is split at spaces."""
    genres = numbered.select("_row", label=pl.col("genres"))
    if genres.schema["label"] == pl.String:
        genres = genres.with_columns(pl.col("label").str.split(" "))
    split = genres.explode("label").drop_nulls()
    return split.filter(~pl.col("label").is_in(_NO_GENRE))


def numeric_column(frame: pl.DataFrame, column: str) -> F64:
    """A numeric column, NaN where it is null or missing: (rows,)."""
    if column not in frame.columns:
        return np.full(frame.height, np.nan)
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


@dataclass(frozen=True)
class Labels:
    """Known labels by kind, each a column; a label that is not known counts as missing.

    further: the columns of one's own, whose labels come after those.
    """

    known: dict[str, NDArray[np.str_]]
    further: FurtherColumns = field(default_factory=lambda: FurtherColumns({}))

    @classmethod
    def of(cls, frame: pl.DataFrame, further: FurtherColumns | None = None) -> Self:
        """All labels of `frame`, sorted: equal tables give equal columns."""
        known = {name: np.unique(column.labels) for name, column in label_columns(frame).items()}
        return cls(known, further or FurtherColumns({}))

    @classmethod
    def unpacked(cls, arrays: Mapping[str, NDArray[Any]], kind: str, frame: pl.DataFrame) -> Self:
        """What `packed` wrote. frame: for an artifact without the labels, that they are of."""
        further = FurtherColumns.unpacked(arrays.get(f"further.{kind}"))
        packed = arrays.get(f"known.{kind}")
        if packed is None:
            return cls.of(frame, further)
        return cls({n: np.array(values, str) for n, values in json_in(packed).items()}, further)

    def packed(self, kind: str) -> dict[str, NDArray[np.uint8]]:
        """Everything as arrays; the table may lose the side information of who is forgotten."""
        known = {name: labels.tolist() for name, labels in self.known.items()}
        return {f"known.{kind}": as_bytes(known)} | self.further.packed(f"further.{kind}")

    def matrices(self, frame: pl.DataFrame) -> dict[str, sp.csr_array]:
        """For each kind, the weight of each label in each row: (rows, labels)."""
        columns = label_columns(frame)
        known = {name: self._matrix(name, columns, frame.height) for name in self.known}
        return known | self.further.labels(frame)

    def _matrix(self, name: str, columns: dict[str, LabelColumn], rows: int) -> sp.csr_array:
        labels = self.known[name]
        if name not in columns:
            return sp.csr_array((rows, len(labels)))
        column = columns[name]
        at = np.minimum(np.searchsorted(labels, column.labels), len(labels) - 1)
        known = labels[at] == column.labels
        cells = column.values[known], (column.rows[known], at[known])
        return sp.csr_array(cells, shape=(rows, len(labels)))


def _label_column(labels: pl.DataFrame, values: F64) -> LabelColumn:
    return LabelColumn(
        labels["_row"].to_numpy().astype(np.int64), labels["label"].to_numpy().astype(str), values
    )
