"""Tables inside a model: row numbers, tie groups, and what is predicted for each row."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ratecast.arrays import F32, I64, read_only
from ratecast.compiled import njit
from ratecast.errors import InputError
from ratecast.ratings import Ratings, Requests, Scale

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True)
class Rows:
    """A table inside a model: row numbers instead of raw ids (0: unknown), and the table itself.

    users, movies: (n,) int32, read-only. former: (n,) the stars that each row's pair had before,
    NaN for none; equal to the given stars where there is nothing to learn. None: no pair had any.
    """

    users: NDArray[np.int32]
    movies: NDArray[np.int32]
    table: Requests
    former: F32 | None = None

    def __post_init__(self) -> None:
        """Make the row numbers read-only."""
        for name in ("users", "movies"):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    def __len__(self) -> int:
        return len(self.users)

    @property
    def stars(self) -> NDArray[np.float32]:
        """The given stars, (n,); only of a table of ratings."""
        assert isinstance(self.table, Ratings)
        return self.table.stars

    @property
    def former_stars(self) -> NDArray[np.float32]:
        """The stars that each row's pair had before, (n,); NaN for none."""
        return np.full(len(self), np.nan, np.float32) if self.former is None else self.former

    @property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether a row is the first rating of its pair: (n,)."""
        return np.isnan(self.former_stars)

    @property
    def change(self) -> NDArray[np.float64]:
        """What each row adds to a sum of stars, (n,): the given ones less the former ones."""
        return self.stars.astype(np.float64) - np.nan_to_num(self.former_stars)

    def take(self, part: slice | NDArray[np.bool_] | NDArray[np.integer]) -> "Rows":
        """Only these rows."""
        former = None if self.former is None else self.former[part]
        return Rows(self.users[part], self.movies[part], self.table.take(part), former)

    def with_former(self, former: F32) -> "Rows":
        """The same rows, whose pairs had these stars before."""
        return replace(self, former=read_only(former))


@dataclass(frozen=True)
class Expected:
    """The prediction of a model for each request; the contract turns it into a `Forecast`.

    mean: (n,) stars, not yet clipped. deviation: (n,) predictive standard deviation, where the
    model knows it.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64] | None = None

    def usable_deviation(self, scale: Scale) -> NDArray[np.float64] | None:
        """The deviation, not below a tenth of a step: equal ratings leave a model none at all."""
        step = scale.cell_width if scale.step is None else scale.step
        return None if self.deviation is None else np.maximum(self.deviation, step / 10)

    def take(self, rows: NDArray[np.integer]) -> "Expected":
        """Only these rows."""
        deviation = None if self.deviation is None else self.deviation[rows]
        return Expected(self.mean[rows], deviation)

    def spread(self, noise: float) -> "Expected":
        """The same means, with the deviations multiplied by `noise`, in stars."""
        return self if self.deviation is None else Expected(self.mean, noise * self.deviation)

    @classmethod
    def concat(cls, parts: list["Expected"]) -> "Expected":
        """The predictions of several calls, in order."""
        deviations = [part.deviation for part in parts if part.deviation is not None]
        return cls(
            np.concatenate([part.mean for part in parts]),
            np.concatenate(deviations) if deviations else None,
        )


class Walked(NamedTuple):
    """What a walk gives of each row, (n,) each.

    history, movie_counts: ratings of the user and of the movie before the row's tie group.
    is_first: whether the pair had no rating before.
    """

    expected: Expected
    history: I64
    movie_counts: I64
    is_first: NDArray[np.bool_]


def time_groups(stream: Ratings) -> NDArray[np.int64]:
    """Borders of the tie groups, the runs of equal time: (k + 1,), from 0 to n.

    Raises `InputError` where time goes back.
    """
    steps = np.diff(stream.at)
    if (steps < 0).any():
        row = int((steps < 0).argmax()) + 2
        raise InputError(f"stream, row {row}: earlier than the row before it; sort by time first")
    return np.concatenate([[0], np.flatnonzero(steps) + 1, [len(stream)]])


def counts(rows: NDArray[np.int32], size: int) -> NDArray[np.int64]:
    """How often each row number below `size` occurs: (size,)."""
    number: NDArray[np.int64] = _counts(rows, size)
    return number


@njit(cache=True)
def _counts(rows, size):  # type: ignore[no-untyped-def]
    """Without a copy in eight bytes, which numpy's own makes of its input."""
    number = np.zeros(size, np.int64)
    for row in rows:
        number[row] += 1
    return number


def grown(array: NDArray[T], size: int) -> NDArray[T]:
    """`array` (n, ...) with lines added up to `size`, each a copy of line 0, the unknown's."""
    more = size - len(array)
    return np.concatenate([array, np.repeat(array[:1], more, axis=0)]) if more > 0 else array


def as_unknown(row: int, *arrays: NDArray[Any]) -> None:
    """Make line `row` of each array (n, ...) a copy of line 0, the unknown's, in place."""
    for array in arrays:
        array[row] = array[0]


@njit(cache=True)
def counted_before(rows, is_first, edges, total):  # type: ignore[no-untyped-def]
    """How often each row's number was counted before its tie group, (n,), and the totals after.

    is_first: (n,) which rows count. total: counts before the first tie group; left as it is.
    """
    before, total = np.empty(len(rows), np.int64), total.copy()
    for group in range(len(edges) - 1):
        for i in range(edges[group], edges[group + 1]):
            before[i] = total[rows[i]]
        for i in range(edges[group], edges[group + 1]):
            total[rows[i]] += is_first[i]
    return before, total
