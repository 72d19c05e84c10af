"""Reads tables whose columns have names and types: Parquet, Arrow, JSON, and frames in memory."""

import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.column_types import Location
from ratecast.data.column_roles import RATINGS, Needed, ambiguities, wanted_roles
from ratecast.data.file_kind import ARROW, ARROW_STREAM, JSON, JSON_LINES, PARQUET
from ratecast.data.offset_zones import offsets_are_zones
from ratecast.data.parts import Parts, with_keys
from ratecast.data.table_source import TableSource
from ratecast.data.text_table import RoleTable
from ratecast.data.titles import GENRES, TITLE
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, USER
from ratecast.table_options import TableOptions


def read_columns(
    sources: Sequence[TableSource],
    kind: str,
    options: TableOptions,
    needed: Needed = RATINGS,
) -> RoleTable:
    """The columns of the parts of one table of this kind. Raises `InputError`."""
    first = sources[0]
    if kind in _OF_NAMES:
        names_of, read = _OF_NAMES[kind]
        names = [*_reading(first, kind, names_of), *first.keys]
        chosen = wanted_roles(names, options, first.path, needed)
        wanted = [name for name in dict.fromkeys(chosen.values()) if name not in first.keys]
        parts = _parts(sources, kind, partial(read, names=wanted))
    else:
        parts = _parts(sources, kind, _WHOLE[kind])
        names = [*parts.frame.columns, *first.keys]
        chosen = wanted_roles(names, options, first.path, needed)
    frame = with_keys(parts, sources)
    frame = frame.select(pl.col(name).alias(role) for role, name in chosen.items())
    notes = ambiguities(names, options.roles, chosen, first.path, needed)
    return typed(frame, parts.location, str(first.path), notes)


def read_all_columns(sources: Sequence[TableSource], kind: str) -> RoleTable:
    """All columns of the parts, under their own names; for tables without roles."""
    parts = _parts(sources, kind, _OF_NAMES[kind][1] if kind in _OF_NAMES else _WHOLE[kind])
    return RoleTable(with_keys(parts, sources), parts.location, [])


def typed(frame: pl.DataFrame, location: Location, where: str, notes: list[str]) -> RoleTable:
    """The columns of the roles in types that are read further; titles and genres may be left out.

    location: where a row stands. where: the table, for notes. Raises `InputError` for types that no
    id or time has.
    """
    for role in [name for name in (TITLE, GENRES) if name in frame.columns]:
        kind = _text_of(frame.schema[role], role)
        if kind is None:
            notes = [*notes, f"{where}: {role} is left out, since it is {frame.schema[role]}"]
            frame = frame.drop(role)
        else:
            frame = frame.with_columns(pl.col(role).cast(kind))
    for role in [name for name in (USER, MOVIE, AT) if name in frame.columns]:
        if frame.schema[role].is_nested() or frame.schema[role] == pl.Object:
            raise InputError(
                f"{where}: {role} is {frame.schema[role]}; write a number or text in each row"
            )
    columns = [_plain(frame[name], location) for name in frame.columns]
    return RoleTable(pl.DataFrame(columns), location, notes)


def _text_of(kind: pl.DataType, role: str) -> pl.DataType | None:
    """Text, or for genres a list of it; None for what cannot be converted."""
    inner = kind.inner if isinstance(kind, pl.List | pl.Array) and role == GENRES else kind
    if isinstance(inner, pl.DataType) and not inner.is_nested() and inner != pl.Binary:
        return pl.String() if inner is kind else pl.List(pl.String)
    return None


def _plain(column: pl.Series, location: Location) -> pl.Series:
    """Decimals as floats, ids of bytes as text."""
    name, kind = column.name, column.dtype
    if name in (USER, MOVIE) and kind == pl.Binary:
        # Spark and Impala may write text so.
        try:
            return column.cast(pl.String)
        except pl.exceptions.PolarsError:
            raise InputError(
                f"{location(0)}: {name} ids are bytes; write them as text or whole numbers"
            ) from None
    if isinstance(kind, pl.Decimal):
        is_whole = name in (USER, MOVIE) and kind.scale == 0
        return column.cast(pl.Int128 if is_whole else pl.Float64)
    return column


def _parts(
    sources: Sequence[TableSource], kind: str, read: Callable[[TableSource], pl.DataFrame]
) -> Parts:
    frames = [_reading(source, kind, read) for source in sources]
    return Parts.of(frames, [_rows_of(source.path) for source in sources])


def _rows_of(path: Path) -> Location:
    return lambda row: f"{path}, row {row + 1}"


def _reading(source: TableSource, kind: str, read: Callable[[TableSource], Any]) -> Any:
    """What `read` reads; a fault of the file is an `InputError`."""
    try:
        with offsets_are_zones():
            return read(source)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        where = _bad_line(source) if kind == JSON_LINES else None
        raise InputError(
            f"{where or source.path}: cannot be read as {kind} ({reason}); write it again"
        ) from None


def _bad_line(source: TableSource) -> str | None:
    """The first line that is no record."""
    for number, line in enumerate(source.read().split(b"\n"), 1):
        try:
            record = json.loads(line, parse_constant=_refused) if line.strip() else {}
            if not isinstance(record, dict):
                return f"{source.path}, line {number}"
        except ValueError:
            return f"{source.path}, line {number}"
    return None


def _refused(constant: str) -> None:
    """Raise for NaN and Infinity, which Python writes and JSON does not have."""
    raise ValueError(constant)


def _parquet(source: TableSource, names: list[str] | None = None) -> pl.DataFrame:
    given = source.path if source.content is None else source.content
    return pl.read_parquet(given, columns=names, glob=False, hive_partitioning=False)


def _arrow(source: TableSource, names: list[str] | None = None) -> pl.DataFrame:
    # By its name, one with brackets would be a pattern.
    with source.opened() as file:
        return pl.read_ipc(file, columns=names)


def _parquet_names(source: TableSource) -> list[str]:
    with source.opened() as file:
        return list(pl.read_parquet_schema(file))


def _arrow_names(source: TableSource) -> list[str]:
    with source.opened() as file:
        return list(pl.read_ipc_schema(file))


# Of these only the columns that are needed are read.
_OF_NAMES: dict[str, tuple[Callable[[TableSource], list[str]], Callable[..., pl.DataFrame]]] = {
    PARQUET: (_parquet_names, _parquet),
    ARROW: (_arrow_names, _arrow),
}
_WHOLE: dict[str, Callable[[TableSource], pl.DataFrame]] = {
    ARROW_STREAM: lambda source: pl.read_ipc_stream(source.read()),
    JSON_LINES: lambda source: pl.read_ndjson(source.read(), infer_schema_length=None),
    JSON: lambda source: pl.read_json(source.read(), infer_schema_length=None),
}
