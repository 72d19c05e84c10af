"""The first stage: every row once, as row numbers and stars in columns on disk."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ratecast.arrays import F32, I32, I64, read_only
from ratecast.compiled import njit
from ratecast.modelling.contract.counts import Counts
from ratecast.modelling.contract.rows import Rows
from ratecast.modelling.factors.bilinear_state import Centring
from ratecast.out_of_core.ahead import iterate_ahead
from ratecast.out_of_core.columns import Appender, Array, Columns
from ratecast.out_of_core.numbering import IdNumbers
from ratecast.out_of_core.parts import PartedTable
from ratecast.out_of_core.work_folder import WorkFolder
from ratecast.progress import bar
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Scale, trusted

STAGE, SAMPLE = "rows", "sample"
USERS, MOVIES, STARS, TIMES = "users", "movies", "stars", "at"
_SIDES = (USER, MOVIE)


@dataclass(frozen=True)
class RowTable:
    """The rows of train, numbered, in the order of the parts; and those for validation.

    columns: users, movies, stars and, if they were kept, times. values: the stars of each code,
    None on a continuous scale, whose stars stand in the column. first: earliest time of each user.
    """

    folder: Path
    facts: dict[str, Any]
    scale: Scale

    def __len__(self) -> int:
        return int(self.facts["rows"])

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process reads from the folder what this one has read.
        return RowTable, (self.folder, self.facts, self.scale)

    @cached_property
    def columns(self) -> Columns:
        """All of them; raises `InputError` where one is incomplete."""
        types = {USERS: "i4", MOVIES: "i4", STARS: self.star_type}
        types |= {TIMES: "i8"} if self.facts["times"] else {}
        return Columns(self.folder, types, len(self))

    @property
    def star_type(self) -> str:
        """The type of a star on disk: its code, or the number itself."""
        return "f4" if self.scale.is_continuous else "u1"

    @cached_property
    def values(self) -> F32 | None:
        """The stars of each code, (S,); None where they have no codes."""
        return None if self.scale.is_continuous else self.scale.stars.astype(np.float32)

    @cached_property
    def counts(self) -> Counts:
        """Ratings of each user, of each movie and of each star."""
        saved = np.load(self.folder / "counts.npz")
        return Counts(saved["users"], saved["movies"], saved["stars"])

    @property
    def sizes(self) -> tuple[int, int]:
        """Row numbers of users and of movies."""
        return len(self.counts.of_users), len(self.counts.of_movies)

    @cached_property
    def first(self) -> I64:
        """The earliest time of each user, (users,)."""
        first: I64 = np.load(self.folder / "first.npy")
        return first

    @property
    def timed(self) -> bool:
        """Whether the rows have times, and these were kept."""
        return bool(self.facts["times"])

    def ids(self, kind: str) -> pl.Series:
        """The ids of users or movies in the order of their numbers."""
        return pl.read_parquet(self.folder / f"{kind}.parquet", glob=False)[kind]

    def valid(self) -> Ratings:
        """The rows for validation, under their ids."""
        frame = pl.read_parquet(self.folder / "valid.parquet", glob=False)
        return trusted(Ratings(frame, scale=self.scale))

    @cached_property
    def centring(self) -> Centring:
        """Mean and standard deviation of the stars, from how often each occurs."""
        stars = self.counts.of_stars
        if self.values is None:
            total, squares, centre = self.facts["moments"]
            mean = total / len(self)
            return Centring(centre + mean, sqrt(max(squares / len(self) - mean**2, 0.0)) or 1.0)
        assert stars is not None
        values = self.values.astype(np.float64)
        mean = float((values * stars).sum() / len(self))
        variance = float((np.square(values - mean) * stars).sum() / len(self))
        return Centring(mean, sqrt(variance) if np.count_nonzero(stars) > 1 else 1.0)

    def stars_of(self, codes: Array) -> F32:
        """The stars of what stands in the column, (n,)."""
        stars: F32 = codes if self.values is None else self.values[codes]
        return stars

    def centred(self, centre: float, unit: float, codes: Array) -> F32:
        """(stars - centre) / unit of what stands in the column, (n,), in single precision."""
        values = codes if self.values is None else self.values
        centred: F32 = (values - np.float32(centre)) / np.float32(unit)
        return centred if self.values is None else centred[codes]


def row_table(
    work: WorkFolder, table: PartedTable, valid: float | Ratings, seed: int, *, times: bool
) -> RowTable:
    """The rows of the table, read from the parts unless this is done already.

    valid: share of the rows, drawn by `seed`, that stay out of train, or the rows themselves.
    times: whether they are kept.
    """
    facts = work.done(STAGE)
    if facts is None:
        folder = work.begin(STAGE)
        facts = _Reading(folder, table, valid, seed, times and table.timed).all()
        work.finish(STAGE, facts)
    return RowTable(work.stage(STAGE), facts, table.scale)


class _Reading:
    """One pass over the parts."""

    def __init__(
        self, folder: Path, table: PartedTable, valid: float | Ratings, seed: int, times: bool
    ) -> None:
        self._folder, self._table, self._times = folder, table, times
        self._numbers = IdNumbers(USER), IdNumbers(MOVIE)
        self._counts = [np.zeros(1, np.int64), np.zeros(1, np.int64)]
        self._stars = np.zeros(len(table.scale.stars), np.int64)
        self._first = np.zeros(0, np.int64)
        self._random = np.random.default_rng(seed)
        self._valid, self._held = valid, list[pl.DataFrame]()
        self._centre = (table.scale.low + table.scale.high) / 2
        self._sums = np.zeros(2)
        self._rows, self._last, self._in_order = 0, np.iinfo(np.int64).min, True

    def all(self) -> dict[str, Any]:
        """Read every piece; what there is to know of them."""
        names = (USERS, MOVIES, STARS, *((TIMES,) if self._times else ()))
        pieces = iterate_ahead(self._table.pieces(), most=1)
        with Appender(self._folder, names) as out, bar("read", self._table.rows) as progress:
            for piece in pieces:
                out.append(*self._columns(self._train(piece)))
                progress.advance(piece.height)
        self._write_sides()
        sums = [*self._sums.tolist(), self._centre]
        facts = {"rows": self._rows, "times": self._times, "moments": sums}
        return facts | {"in_order": self._in_order}

    def _train(self, piece: pl.DataFrame) -> pl.DataFrame:
        """The piece without its rows for validation, which are kept apart."""
        if self._table.timed and piece.height:
            at = piece[AT]
            self._in_order &= at.is_sorted() and int(at[0]) >= self._last
            self._last = int(at[-1])
        if isinstance(self._valid, Ratings):
            return piece
        held = self._random.random(piece.height) < self._valid
        self._held.append(piece.filter(pl.Series(held)))
        return piece.filter(pl.Series(~held))

    def _columns(self, piece: pl.DataFrame) -> list[Array]:
        columns: list[Array] = []
        for side, name in enumerate(_SIDES):
            rows = self._numbers[side].encode(piece[name])
            self._counts[side] = _longer(self._counts[side], len(self._numbers[side]), 0)
            _count(rows, self._counts[side])
            columns.append(rows)
        columns.append(self._star_column(read_only(piece[RATING].to_numpy())))
        self._rows += piece.height
        if self._times:
            at = piece[AT].to_numpy()
            self._first = _longer(self._first, len(self._numbers[0]), np.iinfo(np.int64).max)
            earliest(columns[0], at, self._first)
            columns.append(at)
        return columns

    def _star_column(self, stars: F32) -> Array:
        """The codes of the stars, counted; on a continuous scale the stars."""
        scale = self._table.scale
        if scale.step is not None:
            codes = np.empty(len(stars), np.uint8)
            _code(stars, (scale.low, scale.step), codes, self._stars)
            return codes
        self._stars += np.bincount(scale.index(scale.clip(stars)), minlength=len(self._stars))
        away = stars.astype(np.float64) - self._centre
        self._sums += away.sum(), np.square(away).sum()
        return stars

    def _write_sides(self) -> None:
        users, movies = (
            count[: len(n)] for count, n in zip(self._counts, self._numbers, strict=True)
        )
        np.savez(self._folder / "counts.npz", users=users, movies=movies, stars=self._stars)
        for numbers in self._numbers:
            ids = numbers.ids()
            ids.to_frame().write_parquet(self._folder / f"{ids.name}.parquet")
        if self._times:
            np.save(self._folder / "first.npy", self._first[: len(users)])
        valid = self._valid
        held = valid.frame if isinstance(valid, Ratings) else _of_one_type(self._held)
        held.write_parquet(self._folder / "valid.parquet")


def _of_one_type(pieces: list[pl.DataFrame]) -> pl.DataFrame:
    """The pieces as one; ids of a column are text as soon as those of one piece are."""
    text = {
        name: pl.String
        for name in _SIDES
        if any(piece.schema[name] == pl.String for piece in pieces)
    }
    return pl.concat([piece.cast(text) for piece in pieces])  # type: ignore[arg-type]


def _longer(array: I64, size: int, fill: int) -> I64:
    """The array, at least `size` long, with `fill` in new places."""
    if size <= len(array):
        return array
    more = np.full(max(size, 2 * len(array)), fill, np.int64)
    more[: len(array)] = array
    return more


@njit(cache=True)
def _count(rows, counts):  # type: ignore[no-untyped-def]
    """Add how often each row number occurs to `counts`."""
    for row in rows:
        counts[row] += 1


@njit(cache=True)
def _code(stars, scale, codes, counts):  # type: ignore[no-untyped-def]
    """Fill codes (n,) with the positions of the stars on a scale, and count them."""
    low, step = scale
    for i in range(len(stars)):
        code = int(np.rint((stars[i] - low) / step))
        codes[i] = min(max(code, 0), len(counts) - 1)
        counts[codes[i]] += 1


@njit(cache=True)
def earliest(rows, at, first):  # type: ignore[no-untyped-def]
    """Bring `first` (rows,) to the earliest time of each row number."""
    for i in range(len(rows)):
        first[rows[i]] = min(first[rows[i]], at[i])


def sampled(work: WorkFolder, table: RowTable, most: int) -> Rows:
    """Evenly spaced rows, up to about `most`, kept in a stage of their own."""
    path = work.stage(SAMPLE) / "rows.npz"
    if work.done(SAMPLE) is None:
        work.begin(SAMPLE)
        stride, columns = -(-len(table) // most), table.columns
        np.savez(path, *(columns.strided(name, stride) for name in (USERS, MOVIES, STARS)))
        work.finish(SAMPLE, {})
    users, movies, codes = np.load(path).values()
    return rows_of(users, movies, table.stars_of(codes), table.scale)


def rows_of(users: I32, movies: I32, stars: F32, scale: Scale) -> Rows:
    """Rows with their stars, without ids: for what looks at row numbers and stars alone."""
    return Rows(users, movies, trusted(Ratings(pl.DataFrame({RATING: stars}), scale=scale)))
