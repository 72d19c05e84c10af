"""The files of one table: a file, a folder of parts, a pattern; and their rows put together."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import polars as pl

from ratecast.column_types import Location
from ratecast.data.dat_folder import ratings_in
from ratecast.data.table_source import TableSource, unpacked
from ratecast.errors import InputError
from ratecast.parted_table import is_parted
from ratecast.table_options import TableOptions

# Spark, Hive and dask write files of their own beside the parts.
_NOT_DATA = re.compile(r"[._].*|.*\.crc")
_KEY = re.compile(r"([A-Za-z][\w .-]*)=(.*)")
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
_MOST_NAMED = 3
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")


class Parts(NamedTuple):
    """The rows of all parts, one after another; location: where a row stands."""

    frame: pl.DataFrame
    location: Location
    heights: list[int]

    @staticmethod
    def of(frames: Sequence[pl.DataFrame], locations: Sequence[Location]) -> "Parts":
        """The parts as one. Raises `InputError` if their types differ."""
        heights = [frame.height for frame in frames]
        if len(frames) == 1:
            return Parts(frames[0], locations[0], heights)
        try:
            frame = pl.concat(frames, how="diagonal_relaxed")
        except pl.exceptions.PolarsError as error:
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"{locations[0](0)}: the parts have columns of other types ({reason}); "
                "write them alike"
            ) from None
        starts = [0, *accumulate(heights)]

        def location(row: int) -> str:
            part = bisect_right(starts, row) - 1
            return locations[part](row - starts[part])

        return Parts(frame, location, heights)


def called(path: Path | Sequence[Path]) -> str:
    """What messages call a file, or several."""
    if isinstance(path, Path):
        return str(path)
    names, more = [str(one) for one in path[:_MOST_NAMED]], len(path) - _MOST_NAMED
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def table_sources(path: Path | Sequence[Path], options: TableOptions) -> list[TableSource]:
    """The parts of the table at `path`, unpacked: a file, a folder, or several files.

    With the option `glob` the path is a pattern. Raises `InputError` if there is none.
    """
    sources = [_source(file, keys) for file, keys in _paths(path, options)]
    names = {tuple(source.keys) for source in sources}
    if len(names) > 1:
        raise InputError(f"{called(path)}: parts in folders of different keys; give one table")
    return [source for source in sources if source.head(1)] or sources[:1]


def with_keys(parts: Parts, sources: Sequence[TableSource]) -> pl.DataFrame:
    """The rows with a column for each key in the names of the folders."""
    part = np.repeat(np.arange(len(sources)), parts.heights)
    columns = []
    for name in sources[0].keys:
        values = [None if s.keys[name] == _HIVE_NULL else s.keys[name] for s in sources]
        column = pl.Series(name, values, pl.String)
        if all(_WHOLE.fullmatch(value) for value in values if value is not None):
            column = column.cast(pl.Int64)
        columns.append(column.gather(part))
    return parts.frame.with_columns(columns)


def archive_of(path: Path) -> Path | None:
    """The archive of which `path` names a member, as in ratings.zip/2020.csv."""
    return next((parent for parent in path.parents if parent.is_file()), None)


def is_there(path: Path, options: TableOptions) -> bool:
    """Whether there is a table at `path`: a file, a folder, a member of an archive, a pattern."""
    if options.glob:
        return bool(_matching(path))
    return path.exists() or archive_of(path) is not None


def _matching(pattern: Path) -> list[Path]:
    """The files and folders of a pattern, without those that Spark writes beside the parts."""
    root = Path(pattern.anchor or ".")
    inner = str(pattern.relative_to(pattern.anchor)) if pattern.anchor else str(pattern)
    return [file for file in sorted(root.glob(inner)) if not _NOT_DATA.fullmatch(file.name)]


def _source(path: Path, keys: dict[str, str]) -> TableSource:
    archive = None if path.exists() else archive_of(path)
    if archive is None:
        return unpacked(TableSource(path, keys=keys))
    return unpacked(TableSource(archive, keys=keys), path.relative_to(archive).as_posix())


def _paths(path: Path | Sequence[Path], options: TableOptions) -> list[tuple[Path, dict[str, str]]]:
    if not isinstance(path, Path):
        return [(one, {}) for one in path]
    if options.glob:
        found = _matching(path)
        if not found:
            raise InputError(
                f"{path}: no file of this pattern; check it, or leave out --glob (glob in Python)"
            )
        return [pair for file in found for pair in _files(file)]
    if not path.is_dir():
        return [(path, {})]
    if ratings := ratings_in(path):
        return [(ratings, {})]
    if is_parted(path):
        raise InputError(
            f"{path}: has lists or forecasts that ratecast wrote, and no ratings; give a table of "
            "ratings, or, for the scores of forecasts: ratecast evaluate --forecasts " + str(path)
        )
    files = list(_files(path))
    if not files:
        raise InputError(f"{path}: a folder without files; give a file or folder of ratings")
    return files


def _files(path: Path) -> Iterable[tuple[Path, dict[str, str]]]:
    """The file, or the data files in a folder and its folders, each with its keys."""
    if not path.is_dir():
        yield path, {}
        return
    for file in sorted(path.rglob("*")):
        inner = file.relative_to(path)
        if file.is_file() and not any(map(_NOT_DATA.fullmatch, inner.parts)):
            keys = (_KEY.fullmatch(part) for part in inner.parts[:-1])
            yield file, {found[1]: unquote(found[2]) for found in keys if found}
