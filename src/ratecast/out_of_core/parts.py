"""The Parquet parts of a table that is read piece by piece, with the checks of every table."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from ratecast.column_types import Location
from ratecast.data import EDITIONS, canonical, fetch
from ratecast.data.column_roles import wanted_roles
from ratecast.data.column_table import typed
from ratecast.data.file_kind import PARQUET, kind_of
from ratecast.data.missing_ratings import RatingRules, numbers_of, without_missing
from ratecast.data.notices import Notify
from ratecast.data.parts import called, table_sources
from ratecast.data.table_file import canonical_columns, scale_of
from ratecast.disk_files import digest_of
from ratecast.errors import InputError, choice
from ratecast.ratings import AT, MOVIE, RATING, USER, Scale
from ratecast.table_options import TableOptions

PIECE_ROWS = 1 << 22
# Of a Parquet file: it ends with the statistics and the places of all its columns.
_FOOTER = 1 << 16
_SIDES = ("items", "users", "item_columns", "user_columns")


class Part(NamedTuple):
    """A file of the table. footer: SHA-256 of its end. sha256: of all of it, where it is known."""

    path: Path
    size: int
    rows: int
    footer: str
    sha256: str | None

    def plain(self) -> dict[str, Any]:
        """What says whether a file is still the same."""
        return {"name": self.path.name, "size": self.size, "rows": self.rows, "end": self.footer}


@dataclass(frozen=True)
class PartedTable:
    """A table in parts.

    where: its name in messages. names: role to column. is_canonical: whether its rows were checked
    when it was written. users, movies: side information, or only an empty column of ids.
    """

    where: str
    parts: tuple[Part, ...]
    names: dict[str, str]
    scale: Scale
    rules: RatingRules
    options: TableOptions
    is_canonical: bool = False
    users: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={USER: pl.Int64}))
    movies: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema={MOVIE: pl.Int64}))

    @property
    def rows(self) -> int:
        """Number of rows, those that are left out included."""
        return sum(part.rows for part in self.parts)

    @property
    def timed(self) -> bool:
        """Whether the rows have a time."""
        return AT in self.names

    def pieces(self) -> Iterator[pl.DataFrame]:
        """The rows, checked, piece by piece.

        Columns: user, movie, rating and, where the table has times, at. Raises `InputError` with
        the part, and the row where one is bad.
        """
        for part in self.parts:
            refuse_changed(part)
            # A row group is decoded as a whole: a part that is little longer is one piece.
            rows = part.rows if part.rows < 2 * PIECE_ROWS else PIECE_ROWS
            for first in range(0, part.rows, rows):
                yield self._piece(part, first, rows)

    def _piece(self, part: Part, first: int, most: int) -> pl.DataFrame:
        columns = [pl.col(name).alias(role) for role, name in self.names.items()]
        try:
            rows = pl.scan_parquet(part.path, glob=False, hive_partitioning=False)
            frame = rows.select(columns).slice(first, most).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _damaged(part.path, error) from None
        return frame if self.is_canonical else self._checked(frame, part.path, first)

    def _checked(self, frame: pl.DataFrame, path: Path, first: int) -> pl.DataFrame:
        location = _rows_from(path, first)
        frame = typed(frame, location, str(path), []).frame
        frame = frame.with_columns(numbers_of(frame[RATING], self.rules, location))
        frame, _ = canonical_columns(frame, location, str(path), self.options.time_format)
        scale_of(frame[RATING], self._fixed, location)
        frame, _ = without_missing(frame, self.rules, str(path))
        return frame.select(
            USER, MOVIE, pl.col(RATING).cast(pl.Float32), *([AT] if self.timed else [])
        )

    @property
    def _fixed(self) -> RatingRules:
        return RatingRules(self.scale, self.rules.missing)


def _rows_from(path: Path, first: int) -> Location:
    return lambda row: f"{path}, row {first + row + 1:,}"


def parted_table(
    source: str | Path | Sequence[str | Path], options: TableOptions, notify: Notify
) -> PartedTable:
    """The parts of an edition, a canonical folder, a folder of Parquet files, or several files.

    Their footers and their ratings are read here; the rows are not. Raises `InputError` for a part
    that is missing or damaged, by name, and for other files than Parquet.
    """
    options.check()
    given = [name for name in _SIDES if name in options.plain()]
    if given or options.wide:
        name = "wide" if options.wide else given[0]
        raise InputError(
            f"out of core: --{name.replace('_', '-')} is not read there; leave it out "
            f"({name}= in Python)"
        )
    if isinstance(source, str | Path):
        folder = fetch(str(source), notify=notify) if str(source) in EDITIONS else Path(source)
        folder = folder.expanduser()
        if (folder / canonical.METADATA).exists():
            return _canonical(folder, str(source), options)
        return _own(folder, options, notify)
    return _own([Path(one).expanduser() for one in source], options, notify)


def _canonical(folder: Path, where: str, options: TableOptions) -> PartedTable:
    options.refuse_layout(where)
    files, digests = canonical.parts_of(folder)
    known = {file: digests.get(file.relative_to(folder).as_posix()) for file in files}
    sides = canonical.sides_in(folder)
    roles = (USER, MOVIE, RATING, *(() if options.no_time else (AT,)))
    scale = canonical.scale_in(folder)
    given = Scale.parse(options.scale) if options.scale else scale
    if (given.low, given.high, given.step) != (scale.low, scale.high, scale.step):
        raise InputError(f"{where}: is on the scale {scale}; leave --scale out (scale= in Python)")
    parts = tuple(part_of(file, known[file]) for file in files)
    present = _columns(parts[0].path)
    names = {role: role for role in roles if role in present}
    rules = RatingRules(scale)
    users, movies = sides["users"], sides["movies"]
    return PartedTable(where, parts, names, scale, rules, options, True, users, movies)


def _own(path: Path | list[Path], options: TableOptions, notify: Notify) -> PartedTable:
    where = called(path)
    for one in [path] if isinstance(path, Path) else path:
        if not options.glob and not one.exists():
            hint = choice(str(one), EDITIONS, "editions are")
            raise InputError(f"{one}: no such file, folder or edition; {hint}")
    sources = table_sources(path, options)
    for source in sources:
        if source.content is not None or kind_of(source, options.encoding) != PARQUET:
            raise InputError(
                f"{source.path}: is no Parquet file; out of core only Parquet is read: write the "
                "parts as Parquet, or train without a work folder"
            )
    parts = tuple(part_of(source.path) for source in sources)
    names = wanted_roles(_columns(parts[0].path), options, parts[0].path)
    names = {role: name for role, name in names.items() if role in (USER, MOVIE, RATING, AT)}
    for part in parts[1:]:
        lacking = [name for name in names.values() if name not in _columns(part.path)]
        if lacking:
            raise InputError(f"{part.path}: no column {lacking[0]!r}, which {parts[0].path} has")
    rules = RatingRules.of_file(options)
    scale, notes = _scale(parts, names[RATING], rules)
    for note in notes:
        notify(f"{where}: {note}")
    return PartedTable(where, parts, names, scale, rules, options)


def part_of(path: Path, sha256: str | None = None) -> Part:
    """What there is to know of a part before its rows are read. Raises `InputError`."""
    try:
        size, footer = _end_of(path)
        count = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len())
        return Part(path, size, int(count.collect().item()), footer, sha256)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None


def refuse_changed(part: Part) -> None:
    """Raise `InputError` if the file is not what it was when its footer was read."""
    try:
        same = _end_of(part.path) == (part.size, part.footer)
    except OSError as error:
        raise _damaged(part.path, error) from None
    if not same:
        raise InputError(f"{part.path}: has changed since the fit began; start it again")
    if part.sha256 is not None and digest_of(part.path) != part.sha256:
        raise InputError(f"{part.path}: is damaged; make the table again, or copy it again")


def _end_of(path: Path) -> tuple[int, str]:
    """Size of a file, and the SHA-256 of its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _FOOTER))
        return size, hashlib.sha256(file.read()).hexdigest()[:16]


def _columns(path: Path) -> list[str]:
    try:
        return list(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None


def _scale(parts: tuple[Part, ...], name: str, rules: RatingRules) -> tuple[Scale, list[str]]:
    """The scale that is given or that all ratings are on, and what was assumed."""
    if rules.scale is not None:
        return rules.scale, []
    distinct = []
    for part in parts:
        try:
            rows = pl.scan_parquet(part.path, glob=False, hive_partitioning=False)
            found = rows.select(pl.col(name).alias(RATING).unique()).collect(engine="streaming")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _damaged(part.path, error) from None
        location = partial("{0}, a rating of row group {1}".format, part.path)
        table = typed(found, location, str(part.path), []).frame
        distinct.append(numbers_of(table[RATING], rules, location).cast(pl.Float64))
    ratings = pl.concat(distinct).unique()
    return scale_of(ratings, rules, lambda _: str(parts[0].path))


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(f"{path}: cannot be read ({reason}); copy it again, or write it anew")
