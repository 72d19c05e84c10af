"""Where the pairs of each part come from: memory, or the rows of a Parquet file."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl

from ratecast.data import is_own_table
from ratecast.data.column_roles import ambiguities, wanted_roles
from ratecast.data.column_table import typed
from ratecast.data.file_kind import PARQUET, kind_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.parts import table_sources
from ratecast.errors import InputError
from ratecast.evaluation.pairs_file import Pairs, TrueRatings, needed, pairs_of, say_unrated
from ratecast.queries.many_forecasts import BLOCK_ROWS, EveryPair
from ratecast.ratings import AT, MOVIE, RATING, USER, Requests, frame_fingerprint
from ratecast.table_options import TableOptions

# So many blocks in a part: 80 MB of forecasts.
BLOCKS = 8
# Numbers that can be nothing but seconds: of the years 1973 to 5138.
_SECONDS = (100_000_000, 99_999_999_999)


def _in_part() -> int:
    return BLOCKS * BLOCK_ROWS


class PairSource(Protocol):
    """Pairs with their true ratings, where known."""

    @property
    def size(self) -> int:
        """How many are in a part."""
        ...

    @property
    def folder(self) -> Path | None:
        """The folder that workers read, if they do."""
        ...

    def __len__(self) -> int:
        """How many."""
        ...

    def fingerprint(self) -> str:
        """What no other pairs and ratings have."""
        ...

    def given(self, part: slice) -> "Pairs | PairsOfFile":
        """What a worker gets for these rows."""
        ...


@dataclass(frozen=True, eq=False)
class HeldPairs:
    """Pairs in memory, or every pair of some users and movies; ratings: (n,), or None."""

    pairs: Requests | EveryPair
    ratings: pl.Series | None = None
    size: int = field(default_factory=_in_part)
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def fingerprint(self) -> str:
        """See `PairSource`."""
        if isinstance(self.pairs, EveryPair):
            users = frame_fingerprint(self.pairs.users.to_frame(), f"all at {self.pairs.at}")
            return frame_fingerprint(self.pairs.movies.to_frame(), users)
        return _fingerprint(Pairs(self.pairs, self.ratings))

    def given(self, part: slice) -> Pairs:
        """See `PairSource`."""
        return Pairs(self.pairs.take(part), None if self.ratings is None else self.ratings[part])


class ParquetPairs(NamedTuple):
    """The columns of a Parquet file of plain pairs. names: role to column. rows: how many."""

    path: Path
    names: dict[str, str]
    rows: int
    true: TrueRatings
    options: TableOptions

    def read(self, start: int, stop: int) -> Pairs:
        """Some of the rows, checked. Raises `InputError` for the first bad row."""
        columns = [pl.col(name).alias(role) for role, name in self.names.items()]
        try:
            scan = pl.scan_parquet(self.path, glob=False, hive_partitioning=False)
            frame = scan.select(columns).slice(start, stop - start).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise _damaged(self.path, error) from None
        table = typed(frame, lambda row: f"{self.path}, row {start + row + 1}", str(self.path), [])
        return pairs_of(table, str(self.path), self.true, self.options, lambda _: None)

    def ids(self, kind: str) -> pl.Series:
        """The distinct users or movies, in order of appearance."""
        column = pl.scan_parquet(self.path, glob=False, hive_partitioning=False).select(
            pl.col(self.names[kind]).cast(pl.Int64).alias(kind)
        )
        return column.unique(maintain_order=True).collect(engine="streaming").to_series()


class PairsOfFile(NamedTuple):
    """Rows that a worker reads for itself, which must be those that were checked."""

    file: ParquetPairs
    start: int
    stop: int
    fingerprint: str

    def read(self) -> Pairs:
        """The pairs. Raises `InputError` if the file has changed."""
        found = self.file.read(self.start, self.stop)
        if _fingerprint(found) != self.fingerprint:
            raise InputError(
                f"{self.file.path}: has changed during the work; give the command again"
            )
        return found


@dataclass(frozen=True, eq=False)
class FilePairs:
    """Pairs in a Parquet file, of which only those of a part are in memory.

    fingerprints: of the rows of each part, which were checked.
    """

    file: ParquetPairs
    fingerprints: tuple[str, ...]
    size: int

    @property
    def folder(self) -> Path:
        """See `PairSource`."""
        return self.file.path.parent

    def __len__(self) -> int:
        return self.file.rows

    def fingerprint(self) -> str:
        """See `PairSource`."""
        return frame_fingerprint(pl.DataFrame({"parts": self.fingerprints}), "parts of a file")

    def given(self, part: slice) -> PairsOfFile:
        """See `PairSource`."""
        start, stop, _ = part.indices(self.file.rows)
        return PairsOfFile(self.file, start, stop, self.fingerprints[start // self.size])


def file_pairs(
    source: str,
    true: TrueRatings,
    options: TableOptions,
    refuse: Callable[[Requests], None],
    notify: Notify = to_stderr,
) -> FilePairs | None:
    """The pairs of a Parquet file whose rows can be read alone; None for any other table.

    They can where ids are whole numbers and times are seconds: what a row means then depends on no
    other row. Every row is read and checked here once, part by part. refuse: raises for pairs that
    cannot be of the model. Raises `InputError` for the first bad row.
    """
    options.check()
    true.check(source, options)
    file = _plain_file(source, true, options, notify)
    if file is None:
        return None
    size = _in_part()
    fingerprints, unrated = [], 0
    for start in range(0, file.rows, size):
        pairs = file.read(start, min(start + size, file.rows))
        refuse(pairs.requests)
        unrated += 0 if pairs.ratings is None else pairs.ratings.null_count()
        fingerprints.append(_fingerprint(pairs))
    say_unrated(str(file.path), unrated, file.rows, notify)
    return FilePairs(file, tuple(fingerprints), size)


def _plain_file(
    source: str, true: TrueRatings, options: TableOptions, notify: Notify
) -> ParquetPairs | None:
    path = Path(source).expanduser()
    if not is_own_table(source, options) or not path.is_file() or options.glob or options.wide:
        return None
    (found,) = table_sources(path, options)
    if found.content is not None or kind_of(found, options.encoding) != PARQUET:
        return None
    wanted = needed(true)
    try:
        schema = pl.read_parquet_schema(path)
        names = wanted_roles(list(schema), options, path, wanted)
        if not _are_plain({role: schema[name] for role, name in names.items()}, options):
            return None
        scan = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        rows = int(scan.select(pl.len()).collect().item())
        if AT in names:
            at = pl.col(names[AT])
            ends = scan.select(at.min().alias("low"), at.max().alias("high"), at.null_count())
            low, high, none = ends.collect(engine="streaming").row(0)
            if none or low is None or low < _SECONDS[0] or high > _SECONDS[1]:
                return None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _damaged(path, error) from None
    if not rows:
        return None
    for note in ambiguities(list(schema), options.roles, names, path, wanted):
        notify(note)
    return ParquetPairs(path.resolve(), names, rows, true, options)


def _are_plain(types: dict[str, pl.DataType], options: TableOptions) -> bool:
    """Whether columns of these types mean the same row by row."""
    if not types.keys() <= {USER, MOVIE, RATING, AT} or options.time_format is not None:
        return False
    numbers = {role: kind for role, kind in types.items() if role != RATING}
    stars = types.get(RATING)
    is_number = stars is None or stars.is_integer() or stars.is_float()
    return is_number and all(kind.is_integer() for kind in numbers.values())


def _fingerprint(pairs: Pairs) -> str:
    ratings = "" if pairs.ratings is None else frame_fingerprint(pairs.ratings.to_frame())
    return frame_fingerprint(pairs.requests.frame, ratings)


def _damaged(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    return InputError(f"{path}: cannot be read as Parquet ({reason}); write it again")
