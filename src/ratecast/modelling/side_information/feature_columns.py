"""What models make of one column of side information: labels, or dense columns.

What is learned from the known users or movies, such as means and borders, is kept.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import polars as pl
from typing_extensions import override

from ratecast.arrays import F64, I64

if TYPE_CHECKING:
    # Imported where labels are made, which not every model needs: it takes a tenth of a second.
    import scipy.sparse as sp

# Of a set: so many values at most, the most frequent, each of so many ids at least.
MOST_VALUES, LEAST_IDS = 200, 2
MOST_DIRECTIONS = 32
_BINS, _MAX_DEVIATIONS = 10, 3.0


@dataclass(frozen=True)
class FeatureColumn(ABC):
    """What was learned of a column. with_missing: whether values were missing.

    A missing value has a label of its own then, and in dense columns an indicator.
    """

    kind: ClassVar[str]
    with_missing: bool

    @classmethod
    @abstractmethod
    def of(cls, column: pl.Series) -> Self:
        """Learn from the column of the known users or movies, some of whose values are given."""

    @abstractmethod
    def labels(self, column: pl.Series) -> "sp.csr_array":
        """The weight of each label in each row: (n, labels)."""

    @abstractmethod
    def dense(self, column: pl.Series) -> F64:
        """The dense columns: (n, D)."""

    @property
    @abstractmethod
    def form(self) -> pl.DataType:
        """The type of the column in a table."""

    @property
    def has_one_label(self) -> bool:
        """Whether a row has one label at most."""
        return True


@dataclass(frozen=True)
class NumberColumn(FeatureColumn):
    """A number: labels are its bins of equal counts; the dense column is standardized.

    borders: of the bins. A missing value is the mean.
    """

    kind: ClassVar[str] = "number"
    mean: float
    std: float
    borders: list[float]

    @classmethod
    @override
    def of(cls, column: pl.Series) -> Self:
        values = _numbers(column)
        known = values[np.isfinite(values)]
        borders = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1]))
        std = float(known.std()) or 1.0
        return cls(len(known) < len(values), float(known.mean()), std, borders.tolist())

    @override
    def labels(self, column: pl.Series) -> "sp.csr_array":
        values, count = _numbers(column), len(self.borders) + 1
        label = np.searchsorted(self.borders, values, side="right")
        label[np.isnan(values)] = count if self.with_missing else -1
        return one_hot(label, count + self.with_missing)

    @override
    def dense(self, column: pl.Series) -> F64:
        values = (_numbers(column) - self.mean) / self.std
        columns = np.clip(np.nan_to_num(values), -_MAX_DEVIATIONS, _MAX_DEVIATIONS)
        return np.column_stack([columns, *([np.isnan(values)] if self.with_missing else [])])

    @property
    @override
    def form(self) -> pl.DataType:
        return pl.Float64()


@dataclass(frozen=True)
class ValuesColumn(FeatureColumn):
    """A category, or a set: each known value is a label, and a dense column of 0 and 1.

    A label of a set weighs 1 / √(labels of the row).
    """

    kind: ClassVar[str] = "values"
    known: list[str]
    is_set: bool

    @classmethod
    @override
    def of(cls, column: pl.Series) -> Self:
        values = column.explode() if isinstance(column.dtype, pl.List) else column
        counts = values.drop_nulls().value_counts(name="n").filter(pl.col("n") >= LEAST_IDS)
        most = counts.sort("n", column.name, descending=[True, False])[:MOST_VALUES]
        is_set = isinstance(column.dtype, pl.List)
        missing = not is_set and column.null_count() > 0
        return cls(missing, most[column.name].sort().to_list(), is_set)

    @override
    def labels(self, column: pl.Series) -> "sp.csr_array":
        flags = self._flags(column)
        count = np.maximum(np.diff(flags.indptr), 1)
        import scipy.sparse as sp

        return sp.csr_array(sp.diags_array(count**-0.5) @ flags)

    @override
    def dense(self, column: pl.Series) -> F64:
        return np.asarray(self._flags(column).toarray(), np.float64)

    def _flags(self, column: pl.Series) -> "sp.csr_array":
        place = {value: k for k, value in enumerate(self.known)}
        rows = column.to_list()
        if not self.is_set:
            rows = [None if value is None else [value] for value in rows]
        missing = [len(place)] if self.with_missing else []
        labels = [missing if row is None else [place[v] for v in row if v in place] for row in rows]
        starts = np.cumsum([0, *map(len, labels)])
        flat = np.fromiter(chain.from_iterable(labels), np.int64)
        shape = len(labels), len(place) + self.with_missing
        import scipy.sparse as sp

        return sp.csr_array((np.ones(len(flat)), flat, starts), shape)

    @property
    @override
    def form(self) -> pl.DataType:
        return pl.List(pl.String) if self.is_set else pl.String()

    @property
    @override
    def has_one_label(self) -> bool:
        return not self.is_set


@dataclass(frozen=True)
class VectorColumn(FeatureColumn):
    """A vector: its coordinates along the leading principal directions, as dense columns.

    Their mean variance is 1. As labels they weigh 1 / √(directions). mean: (D,). directions:
    (D, k), scaled. A missing vector is the mean.
    """

    kind: ClassVar[str] = "vector"
    mean: list[float]
    directions: list[list[float]]

    @classmethod
    @override
    def of(cls, column: pl.Series) -> Self:
        vectors = _vectors(column)
        known = vectors[np.isfinite(vectors).all(axis=1)]
        mean = known.mean(axis=0)
        values, directions = np.linalg.eigh((known - mean).T @ (known - mean) / len(known))
        # The largest come last.
        leading = np.flatnonzero(values > 1e-9 * values[-1])[-MOST_DIRECTIONS:][::-1]
        directions = directions[:, leading]
        # The sign of an eigenvector is not determined.
        largest = np.abs(directions).argmax(axis=0)
        directions = directions * np.sign(directions[largest, np.arange(len(leading))])
        directions = directions / np.sqrt(values[leading].mean() if len(leading) else 1.0)
        return cls(len(known) < len(vectors), mean.tolist(), directions.tolist())

    @override
    def labels(self, column: pl.Series) -> "sp.csr_array":
        dense = self.dense(column)
        import scipy.sparse as sp

        return sp.csr_array(dense / np.sqrt(max(dense.shape[1], 1)))

    @override
    def dense(self, column: pl.Series) -> F64:
        vectors = _vectors(column)
        missing = np.asarray(~np.isfinite(vectors).all(axis=1), bool)
        centred = np.where(missing[:, None], 0.0, vectors - np.array(self.mean))
        # Not a matrix product: its rounding depends on the number of rows.
        dense = np.einsum("nd,dk->nk", centred, np.array(self.directions))
        return np.column_stack([dense, *([missing] if self.with_missing else [])])

    @property
    @override
    def form(self) -> pl.DataType:
        return pl.Array(pl.Float32, len(self.mean))

    @property
    @override
    def has_one_label(self) -> bool:
        return False


def one_hot(label: I64, count: int) -> "sp.csr_array":
    """(n, count) with 1 where a row has the label; -1 is no label."""
    known = np.flatnonzero(label >= 0)
    import scipy.sparse as sp

    return sp.csr_array((np.ones(len(known)), (known, label[known])), (len(label), count))


def first_label(labels: "sp.csr_array") -> I64:
    """The first label of each row, -1 for none: (n,)."""
    labelled = np.diff(labels.indptr) > 0
    first = np.full(labels.shape[0], -1, np.int64)
    first[labelled] = labels.indices[labels.indptr[:-1][labelled]]
    return first


def _numbers(column: pl.Series) -> F64:
    return np.asarray(column.cast(pl.Float64).fill_null(np.nan).to_numpy(), np.float64)


def _vectors(column: pl.Series) -> F64:
    """(n, D), NaN where the vector is missing."""
    size = column.dtype.shape[0] if isinstance(column.dtype, pl.Array) else 0
    filled = (
        column.cast(pl.Array(pl.Float64, size))
        .to_frame("v")
        .select(
            pl.when(pl.col("v").is_null())
            .then(pl.lit([np.nan] * size, pl.Array(pl.Float64, size)))
            .otherwise(pl.col("v"))
        )
    )
    return np.asarray(filled.to_series().to_numpy(), np.float64).reshape(len(column), size)
