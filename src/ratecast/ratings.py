"""The table of ratings: its columns, its scale, and the checks of every table.

Tables hold raw ids (integers or strings, as in the source); models hold row numbers.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from ratecast.arrays import read_only
from ratecast.column_types import canonical_ids, plain_numbers, whole_seconds
from ratecast.errors import InputError
from ratecast.sorting import by_time

USER, MOVIE, RATING, AT = "user", "movie", "rating", "at"
_CHECKED = "_checked"
MOST_STARS = 101


@dataclass(frozen=True)
class Scale:
    """A rating scale: the stars low, low + step, ..., high.

    >>> import ratecast as rc
    >>> rc.Scale(0.5, 5, 0.5).stars[:3]
    array([0.5, 1. , 1.5])
    """

    low: float
    high: float
    step: float = 1.0

    def __post_init__(self) -> None:
        if not (self.high > self.low and self.step > 0):
            raise InputError(f"scale {self}: give low < high and step > 0")
        count = (self.high - self.low) / self.step
        if abs(count - round(count)) > 1e-9 or round(count) >= MOST_STARS:
            raise InputError(
                f"scale {self}: high - low must be a multiple of step, under {MOST_STARS} steps"
            )

    def __str__(self) -> str:
        return f"{self.low:g}:{self.high:g}:{self.step:g}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `low:high` or `low:high:step`, for example `0.5:5:0.5`."""
        try:
            return cls(*(float(part) for part in text.split(":")))
        except (TypeError, ValueError):
            raise InputError(
                f"scale {text!r}: write it as low:high:step, as in 0.5:5:0.5"
            ) from None

    @classmethod
    def infer(cls, ratings: pl.Series) -> Self:
        """The narrowest scale of whole, half or tenth stars that contains all `ratings`."""
        values = ratings.drop_nulls().unique().to_numpy()
        if not len(values) or not np.isfinite(values).all():
            raise InputError("ratings: empty or not finite; give the scale as low:high:step")
        low, high = float(values.min()), float(values.max())
        for step in (1.0, 0.5, 0.1):
            if np.allclose((values - low) / step, np.round((values - low) / step), atol=1e-4):
                return cls(low, max(high, low + step), step)
        raise InputError("ratings: not in steps of 1, 0.5 or 0.1; give the scale as low:high:step")

    @cached_property
    def stars(self) -> NDArray[np.float64]:
        """Every star in ascending order, (S,), read-only."""
        count = round((self.high - self.low) / self.step) + 1
        stars: NDArray[np.float64] = np.round(self.low + self.step * np.arange(count), 6)
        stars.setflags(write=False)
        return stars

    def index(self, ratings: ArrayLike) -> NDArray[np.int64]:
        """Position of each rating in `stars`."""
        return np.rint((np.asarray(ratings, float) - self.low) / self.step).astype(np.int64)

    def clip(self, values: ArrayLike) -> NDArray[np.float64]:
        """Values clipped to [low, high]."""
        clipped: NDArray[np.float64] = np.clip(np.asarray(values, float), self.low, self.high)
        return clipped

    def holds(self, ratings: pl.Series) -> pl.Series:
        """Whether each rating is one of the stars; false for NaN and null."""
        # By numpy: for the few rows that a service checks at a time, a tenth of the time.
        known = ratings.dtype.is_float() or ratings.dtype.is_integer()
        values = (ratings if known else ratings.cast(pl.Float64)).to_numpy()
        with np.errstate(invalid="ignore"):
            steps = (values.astype(np.float64) - self.low) / self.step
            on_step = np.abs(steps - np.rint(steps)) < 1e-4
        return pl.Series(on_step & (values >= self.low - 1e-6) & (values <= self.high + 1e-6))


T = TypeVar("T", bound="Requests")

# Created once, because a service creates a table for every request; frames are immutable.
_NO_MOVIES = pl.DataFrame(schema={MOVIE: pl.Int64})
_NO_USERS = pl.DataFrame(schema={USER: pl.Int64})


@dataclass(frozen=True)
class Requests:
    """Prediction requests: pairs (user, movie), optionally with the time `at` in UTC seconds.

    frame: columns user, movie and, optionally, at. movies, users: side information, one row for
    each id (any of title, year, genres; age, gender, occupation, zip); may be empty.

    >>> import ratecast as rc
    >>> len(rc.Requests.of([1, 2], [3, 4]))
    2
    """

    frame: pl.DataFrame
    movies: pl.DataFrame = field(default_factory=lambda: _NO_MOVIES)
    users: pl.DataFrame = field(default_factory=lambda: _NO_USERS)

    @classmethod
    def of(cls, users: list[int | str], movies: list[int | str], at: int | None = None) -> Self:
        """Requests from plain lists of the same length."""
        try:
            frame = pl.DataFrame({USER: users, MOVIE: movies})
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
            line = str(error).splitlines()[0]
            raise InputError(f"requests: ids cannot be read ({line})") from None
        return cls(frame if at is None else frame.with_columns(pl.lit(at).alias(AT)))

    def __len__(self) -> int:
        return self.frame.height

    @property
    def timed(self) -> bool:
        """Whether the rows have a time."""
        return AT in self.frame.columns

    @property
    def is_checked(self) -> bool:
        """Whether the table passed `checked`, or consists of rows of one that did."""
        return bool(self.__dict__.get(_CHECKED, False))

    def take(self, rows: pl.Series | NDArray[np.integer] | NDArray[np.bool_] | slice) -> Self:
        """The table with only these rows: a mask, row numbers or a slice."""
        if isinstance(rows, slice):
            return _marked_like(self, replace(self, frame=self.frame[rows]))
        selected = np.asarray(rows)
        if selected.dtype == bool:
            return _marked_like(self, replace(self, frame=self.frame.filter(pl.Series(selected))))
        return _marked_like(self, replace(self, frame=self.frame[selected]))


@dataclass(frozen=True)
class Ratings(Requests):
    """Ratings on one scale: the columns of `Requests` and `rating` (float32).

    >>> import ratecast as rc
    >>> ratings = rc.example_ratings()
    >>> ratings.frame.columns, ratings.stars.dtype
    (['user', 'movie', 'rating', 'at'], dtype('float32'))
    """

    scale: Scale = field(default_factory=lambda: Scale(1, 5))

    @property
    def stars(self) -> NDArray[np.float32]:
        """The given stars: (n,), read-only."""
        return read_only(self.frame[RATING].to_numpy())

    @property
    def at(self) -> NDArray[np.int64]:
        """The times in UTC seconds, (n,), read-only. Raises `InputError` if the table has none."""
        if not self.timed:
            raise InputError("ratings: no timestamps; give a table with a time column")
        return read_only(self.frame[AT].to_numpy())

    @property
    def in_time_order(self) -> bool:
        """Whether the rows are sorted by time."""
        return self.timed and self.frame[AT].is_sorted()

    def requests(self) -> Requests:
        """The same rows without their ratings, so that none can leak into a prediction."""
        return _marked_like(self, Requests(self.frame.drop(RATING), self.movies, self.users))

    def fingerprint(self) -> str:
        """SHA-256 of every row in order; equal for equal tables only."""
        digest = hashlib.sha256(f"{self.scale} {len(self)}".encode())
        for column in self.frame.iter_columns():
            digest.update(f"{column.name} {column.dtype}".encode())
            text = column.dtype == pl.String
            digest.update("\0".join(column).encode() if text else _buffer(column))
        return digest.hexdigest()

    def sorted(self) -> Self:
        """The table sorted by time, stably; a sorted table is returned unchanged."""
        if self.in_time_order:
            return self
        rows = pl.Series(by_time(self.at))
        # Rows are selected faster from a column in one chunk; column by column, to save memory.
        columns = [column.rechunk().gather(rows) for column in self.frame.iter_columns()]
        return _marked_like(self, replace(self, frame=pl.DataFrame(columns)))

    def with_more(self, other: "Ratings") -> Self:
        """These ratings, then those of `other`; the side information is that of this table."""
        more = replace(self, frame=pl.concat([self.frame, other.frame]))
        both = self.is_checked and other.is_checked and self.scale == other.scale
        return trusted(more) if both else more


def _buffer(column: pl.Series) -> memoryview:
    """The bytes of the values, without a copy if they are contiguous."""
    return np.ascontiguousarray(column.to_numpy()).data


def checked(ratings: Ratings, where: str = "ratings") -> Ratings:
    """The table with canonical types: ids Int64 or String, ratings Float32, times Int64.

    Raises `InputError` with the first bad row, counted from 1.
    """
    frame = _typed(ratings, (USER, MOVIE, RATING), where)
    _refuse_off_scale(frame[RATING], ratings.scale, where)
    if frame.schema[RATING] != pl.Float32:
        frame = frame.with_columns(pl.col(RATING).cast(pl.Float32))
    return trusted(replace(ratings, frame=frame))


def checked_requests(requests: Requests, where: str = "requests") -> Requests:
    """The requests with canonical types: columns user, movie and, if present, at.

    Raises `InputError` with the first bad row, counted from 1.
    """
    return trusted(replace(requests, frame=_typed(requests, (USER, MOVIE), where)))


def trusted(table: T) -> T:
    """The table, marked as checked, for tables whose source has checked them."""
    # Not a field, so that it cannot be set by the constructor.
    table.__dict__[_CHECKED] = True
    return table


def _marked_like(source: Requests, part: T) -> T:
    """The table `part`, marked as checked if `source` is, from which its rows are."""
    return trusted(part) if source.is_checked else part


def _typed(table: Requests, required: tuple[str, ...], where: str) -> pl.DataFrame:
    """The required columns and `at`, with canonical types. Raises for a missing value."""
    frame = table.frame
    missing = [name for name in required if name not in frame.columns]
    if missing:
        raise InputError(f"{where}: no column {missing[0]!r}; columns are {frame.columns}")
    names = [name for name in (*required, AT) if name in frame.columns]
    for name in names:
        if frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            raise InputError(f"{where}, row {row + 1}: no {name}; fill it in or drop the row")
    columns = [_canonical(frame[name], where) for name in names]
    same = frame.columns == names and all(c.dtype == frame.schema[c.name] for c in columns)
    return frame if same else pl.DataFrame(columns)


def _canonical(column: pl.Series, where: str) -> pl.Series:
    """Ids and times in their types; ratings as they are, since their scale is checked first."""
    if column.name == AT:
        return whole_seconds(column, where)
    return plain_numbers(column) if column.name == RATING else canonical_ids(column, where)


def _refuse_off_scale(ratings: pl.Series, scale: Scale, where: str) -> None:
    if not ratings.dtype.is_numeric():
        raise InputError(f"{where}: ratings are {ratings.dtype}; write numbers")
    # Only the distinct ratings are checked; there are few.
    if not scale.holds(ratings.unique()).all():
        row = int((~scale.holds(ratings)).arg_max() or 0)
        raise InputError(
            f"{where}, row {row + 1}: rating {ratings[row]} is not on the scale {scale}; "
            "correct it or give the scale"
        )
