"""What is known beforehand of users and movies, as labels that a model can weigh.

Columns that a table lacks, and values that are null, give no label: a model uses what there is.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from ratecast.arrays import F64, I64

# One label a line: the expression that makes a text of the column.
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
    """Labels of one kind: line `rows[j]` of a table bears `labels[j]`, weighing `values[j]`."""

    rows: I64
    labels: NDArray[np.str_]
    values: F64


def label_columns(frame: pl.DataFrame) -> dict[str, LabelColumn]:
    """Every kind of label that `frame` has columns for; genres weigh 1 / sqrt(their number)."""
    found = {}
    lines = frame.with_row_index("_row")
    for name, text in _SINGLE.items():
        if name in frame.columns:
            said = lines.select("_row", label=text).drop_nulls()
            found[name] = _trait(said, np.ones(said.height))
    if "genres" in frame.columns:
        said = genre_rows(lines)
        count = np.bincount(said["_row"].to_numpy(), minlength=1)
        found["genres"] = _trait(said, count[said["_row"].to_numpy()] ** -0.5)
    return {name: trait for name, trait in found.items() if len(trait.rows)}


def genre_rows(lines: pl.DataFrame) -> pl.DataFrame:
    """One line for each genre of each line, `_row` and `label`; a text is split by spaces."""
    genres = lines.select("_row", label=pl.col("genres"))
    if genres.schema["label"] == pl.String:
        genres = genres.with_columns(pl.col("label").str.split(" "))
    split = genres.explode("label").drop_nulls()
    return split.filter(~pl.col("label").is_in(_NO_GENRE))


def numeric_column(frame: pl.DataFrame, column: str) -> F64:
    """A numeric column, NaN where it is null or missing: (lines,)."""
    if column not in frame.columns:
        return np.full(frame.height, np.nan)
    return frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()


@dataclass(frozen=True)
class Labels:
    """The labels met in the tables of train, each with a column number; others count as absent."""

    known: dict[str, NDArray[np.str_]]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Self:
        """All labels of `frame`, sorted, so that the same table always gives the same columns."""
        return cls({name: np.unique(trait.labels) for name, trait in label_columns(frame).items()})

    def matrices(self, frame: pl.DataFrame) -> dict[str, sp.csr_array]:
        """For each kind, which line bears which label: (lines, labels)."""
        traits = label_columns(frame)
        return {name: self._matrix(name, traits, frame.height) for name in self.known}

    def _matrix(self, name: str, traits: dict[str, LabelColumn], lines: int) -> sp.csr_array:
        labels = self.known[name]
        if name not in traits:
            return sp.csr_array((lines, len(labels)))
        trait = traits[name]
        at = np.minimum(np.searchsorted(labels, trait.labels), len(labels) - 1)
        met = labels[at] == trait.labels
        cells = trait.values[met], (trait.rows[met], at[met])
        return sp.csr_array(cells, shape=(lines, len(labels)))


def _trait(said: pl.DataFrame, values: F64) -> LabelColumn:
    return LabelColumn(
        said["_row"].to_numpy().astype(np.int64), said["label"].to_numpy().astype(str), values
    )
