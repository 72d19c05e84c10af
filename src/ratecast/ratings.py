"""The table of ratings: its columns, and the checks of every table.

Tables hold raw ids (integers or strings, as in the source); models hold row numbers.
"""

import hashlib
from dataclasses import dataclass, field, replace
from typing import Self, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ratecast.arrays import read_only
from ratecast.column_types import plain_numbers, rows_of, whole_seconds
from ratecast.errors import InputError
from ratecast.ids import one_type, read_ids
from ratecast.scale import Scale
from ratecast.sorting import by_time

__all__ = [
    "AT",
    "MOVIE",
    "RATING",
    "USER",
    "Ratings",
    "Requests",
    "Scale",
    "checked",
    "checked_requests",
    "trusted",
]

USER, MOVIE, RATING, AT = "user", "movie", "rating", "at"
# So few are not worth a search for equal ones.
_FEW = 4096
_CHECKED = "_checked"

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
        return frame_fingerprint(self.frame, f"{self.scale} {len(self)}")

    def sorted(self) -> Self:
        """The table sorted by time, stably; a sorted table is returned unchanged."""
        if self.in_time_order:
            return self
        rows = pl.Series(by_time(self.at))
        # Rows are selected faster from a column in one chunk, and from a frame on all threads;
        # column by column, to save memory.
        columns = [
            column.rechunk().to_frame()[rows].to_series() for column in self.frame.iter_columns()
        ]
        return _marked_like(self, replace(self, frame=pl.DataFrame(columns)))

    def with_more(self, other: "Ratings") -> Self:
        """These ratings, then those of `other`; the side information is that of this table."""
        more = replace(self, frame=pl.concat([self.frame, other.frame]))
        both = self.is_checked and other.is_checked and self.scale == other.scale
        return trusted(more) if both else more


def frame_fingerprint(frame: pl.DataFrame, about: str = "") -> str:
    """SHA-256 of every row of ids and numbers, in order. about: what else counts."""
    digest = hashlib.sha256(about.encode())
    for column in frame.iter_columns():
        digest.update(f"{column.name} {column.dtype}".encode())
        text = column.dtype == pl.String
        digest.update("\0".join(column).encode() if text else _buffer(column))
    return digest.hexdigest()


def _buffer(column: pl.Series) -> memoryview:
    """The bytes of the values, without a copy if they are contiguous."""
    return np.ascontiguousarray(column.to_numpy()).data


def checked(ratings: Ratings, where: str = "ratings") -> Ratings:
    """The table with canonical types: ids Int64 or String, ratings Float32, times Int64.

    Raises `InputError` with the first bad row, counted from 1.
    """
    table = _with_one_type(replace(ratings, frame=_typed(ratings, (USER, MOVIE, RATING), where)))
    return checked_stars(table, where)


def checked_stars(ratings: Ratings, where: str = "ratings", remedy: str | None = None) -> Ratings:
    """The table after a check of its ratings alone, where ids and times are known to be right.

    remedy: what to do about a rating off the scale, if it is no other scale.
    """
    frame = ratings.frame
    _refuse_off_scale(ratings, where, remedy)
    if frame.schema[RATING] != pl.Float32:
        frame = frame.with_columns(pl.col(RATING).cast(pl.Float32))
    return trusted(replace(ratings, frame=frame))


def checked_requests(requests: Requests, where: str = "requests") -> Requests:
    """The requests with canonical types: columns user, movie and, if present, at.

    Raises `InputError` with the first bad row, counted from 1.
    """
    frame = _typed(requests, (USER, MOVIE), where)
    return trusted(_with_one_type(replace(requests, frame=frame)))


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


def _with_one_type(table: T) -> T:
    frame, users = one_type(table.frame, table.users, USER)
    frame, movies = one_type(frame, table.movies, MOVIE)
    return replace(table, frame=frame, users=users, movies=movies)


def _canonical(column: pl.Series, where: str) -> pl.Series:
    """Ids and times in their types; ratings as they are, since their scale is checked first."""
    if column.name == AT:
        return whole_seconds(column, where)
    if column.name == RATING:
        return plain_numbers(column)
    return read_ids(column, rows_of(where)).ids


def _refuse_off_scale(table: Ratings, where: str, remedy: str | None) -> None:
    ratings, scale = table.frame[RATING], table.scale
    if not ratings.dtype.is_numeric():
        raise InputError(f"{where}: ratings are {ratings.dtype}; write numbers")
    # Of many only the distinct ratings are checked, which are few.
    if not scale.holds(ratings if len(ratings) <= _FEW else ratings.unique()).all():
        row = int((~scale.holds(ratings)).arg_max() or 0)
        raise InputError(
            f"{where}, row {row + 1}: rating {ratings[row]} is not on the scale {scale}; "
            f"{remedy or scale.remedy(ratings)}"
        )
