"""Reads files of side information: with column names, by number, or in a layout that is known."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from ratecast.data.column_roles import columns_named, listed
from ratecast.data.column_table import read_all_columns
from ratecast.data.delimited import DelimitedFile
from ratecast.data.file_kind import TEXT, kind_of
from ratecast.data.parts import archive_of, table_sources
from ratecast.data.side_columns import SideSource
from ratecast.data.table_source import TableSource
from ratecast.data.text_format import TextFormat, recognise
from ratecast.data.text_table import read_all_text
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER
from ratecast.table_options import DEFAULT, TableOptions

_SAMPLE_LINES = 100
_SEPARATOR = "::"


class _Layout(NamedTuple):
    """A text without column names: what a line is, its columns, and those that say nothing."""

    line: str
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()


_LAYOUTS = {
    MOVIE: (_Layout(r"\d+::.* \(\d{4}\)::[^:]*", (MOVIE, "title", "genres")),),
    USER: (
        _Layout(r"\d+::[MF]::\d+::\d+::[^:]*", (USER, "gender", "age", "occupation", "zip")),
        # Of MovieTweetings; the number of a Twitter account is another id.
        _Layout(r"\d+::\d+", (USER, "twitter"), ("twitter",)),
    ),
}


class SideReading(NamedTuple):
    """How a table of side information is read.

    kind: `user` or `movie`. columns: name to column, by name or number, where they are given.
    encoding: of a text that is not UTF-8.
    """

    kind: str
    columns: Mapping[str, str]
    encoding: str | None

    @property
    def option(self) -> str:
        """The option that names the columns, as it is typed, in Python too."""
        name = "item-columns" if self.kind == MOVIE else "user-columns"
        return f"--{name} {self.kind}=1,price=2 ({name.replace('-', '_')}= in Python)"


def read_side_file(path: Path, reading: SideReading) -> tuple[SideSource, list[str]]:
    """The table in a file, and notes on what was assumed. Raises `InputError`."""
    if path.is_dir():
        raise InputError(f"{path}: a folder; give a file of {reading.kind}s, as in {path}/FILE")
    if not path.is_file() and archive_of(path) is None:
        raise InputError(f"{path}: no such file; give a CSV or Parquet file of {reading.kind}s")
    sources = table_sources(path, DEFAULT)
    first = sources[0]
    encoding = None if _is_utf8(first) else reading.encoding
    form = kind_of(first, encoding)
    if form != TEXT:
        table = read_all_columns(sources, form)
        return named(SideSource(table.frame, str(path), table.location), reading)
    if not reading.columns and (layout := _layout_of(first, reading.kind)):
        return _of_layout(first, layout, encoding)
    options = TableOptions(header=None if reading.columns else True, encoding=encoding)
    table, has_names = read_all_text(sources, options)
    source = SideSource(table.frame, str(path), table.location)
    if reading.columns and not has_names:
        return _of_numbers(source, reading)
    return named(source, reading)


def named(source: SideSource, reading: SideReading) -> tuple[SideSource, list[str]]:
    """The table with the names that are given for its columns; others keep their own."""
    if not reading.columns:
        return source, []
    columns = _columns(source, reading)
    taken = set(columns) - set(columns.values())
    if clash := next((name for name in source.frame.columns if name in taken), None):
        raise InputError(f"{source.where}: has a column {clash} already; give another name")
    frame = source.frame.rename({column: name for name, column in columns.items()})
    return source._replace(frame=frame), []


def has_no_names(path: Path, encoding: str | None) -> bool:
    """Whether a file is a text whose first line has no column names."""
    source = table_sources(path, DEFAULT)[0]
    encoding = None if _is_utf8(source) else encoding
    is_text = kind_of(source, encoding) == TEXT
    return is_text and not recognise(source, TableOptions(encoding=encoding)).has_header


def _columns(source: SideSource, reading: SideReading) -> dict[str, str]:
    """Name to column, as given. Raises `InputError` for a column that is not there."""
    # As further columns of ratings are called: movie.price is price.
    names = [name.removeprefix(f"{reading.kind}.") for name in reading.columns]
    columns = columns_named(list(reading.columns.values()), source.frame.columns, source.where)
    return dict(zip(names, columns, strict=True))


def _of_numbers(source: SideSource, reading: SideReading) -> tuple[SideSource, list[str]]:
    """The columns that are named; of the others nothing is known."""
    columns = _columns(source, reading)
    if reading.kind not in columns:
        raise InputError(
            f"{source.where}: the column of the {reading.kind} ids is not named; give "
            f"{reading.option}"
        )
    rest = [name for name in source.frame.columns if name not in columns.values()]
    notes = [f"{source.where}: columns not used: {listed(rest)}"] if rest else []
    frame = source.frame.select(pl.col(column).alias(name) for name, column in columns.items())
    return source._replace(frame=frame), notes


def _of_layout(
    source: TableSource, layout: _Layout, encoding: str | None
) -> tuple[SideSource, list[str]]:
    """The table in a known layout; latin-1, as MovieLens has it, if it is not UTF-8."""
    encoding = encoding or ("utf-8" if _is_utf8(source) else "latin-1")
    form = TextFormat(layout.columns, _SEPARATOR, quote=False, encoding=encoding)
    file = DelimitedFile(
        source.path, dict.fromkeys(layout.columns, pl.String), form, source.content
    )
    frame = file.read().drop(layout.left_out)
    notes = [f"{source.path}: columns without names are read as {', '.join(layout.columns)}"]
    notes += [f"{source.path}: left out: {name}" for name in layout.left_out]
    notes += [f"{source.path}: read as latin-1"] if encoding == "latin-1" else []
    return SideSource(frame, str(source.path), file.location), notes


def _layout_of(source: TableSource, kind: str) -> _Layout | None:
    """The layout that most of the first lines have, or None."""
    lines = source.head().decode("utf-8-sig", "replace").splitlines()[:_SAMPLE_LINES]
    lines = [line.strip() for line in lines]
    for layout in _LAYOUTS[kind]:
        if sum(bool(re.fullmatch(layout.line, line)) for line in lines) * 2 > len(lines):
            return layout
    return None


def _is_utf8(source: TableSource) -> bool:
    try:
        return "\0" not in source.read().decode()
    except UnicodeDecodeError:
        return False
