"""Reads a file of ids: one on each line, or a table with a column of them."""

from pathlib import Path

import polars as pl

from ratecast.data.column_roles import Needed, roles
from ratecast.data.column_table import read_all_columns
from ratecast.data.file_kind import TEXT, kind_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.parts import table_sources
from ratecast.data.table_file import read_roles
from ratecast.data.text_format import recognise
from ratecast.errors import InputError
from ratecast.ids import read_ids as ids_in_form
from ratecast.table_options import DEFAULT, TableOptions


def read_ids(
    path: Path, kind: str, options: TableOptions = DEFAULT, notify: Notify = to_stderr
) -> pl.Series:
    """The distinct ids in `path` as text, in their order.

    kind: `user` or `movie`. A text is a table if its first line names a column for them, as a table
    of ratings or movies does; otherwise each line is one id. options: may name that column. notify:
    gets a line for what was assumed or left out. Raises `InputError` for a file without ids.
    """
    try:
        column = _column(path, kind, options)
        ids = _lines(path, kind) if column is None else _of_table(path, kind, column)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); give a file of ids") from None
    if not len(ids):
        raise InputError(f"{path}: no {kind} id; write one on each line")
    if column is not None:
        notify(f"{path}: {kind} ids are taken from column {column}")
    once = ids.unique(maintain_order=True)
    if len(once) < len(ids):
        notify(f"{path}: {len(ids) - len(once):,} repeated ids left out")
    return once


def _column(path: Path, kind: str, options: TableOptions) -> str | None:
    """The name of the column with the ids; None for a text with an id on each line."""
    sources = table_sources(path, DEFAULT)
    form = kind_of(sources[0])
    if form != TEXT:
        names = read_all_columns(sources, form).frame.columns
    elif not sources[0].head().removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].strip():
        return None
    else:
        names = list(recognise(sources[0], TableOptions(header=True)).format.names)
    chosen = options.roles.get(kind)
    if chosen in names:
        return chosen
    # A table of another form than text must have a column that is recognised.
    return roles(names, {}, path, () if form == TEXT else (kind,)).get(kind)


def _of_table(path: Path, kind: str, column: str) -> pl.Series:
    is_text = kind_of(table_sources(path, DEFAULT)[0]) == TEXT
    options = TableOptions(columns={kind: column}, header=True if is_text else None)
    table, _ = read_roles(path, options, Needed((kind,)))
    ids = table.frame[kind]
    if ids.null_count():
        row = int(ids.is_null().arg_max() or 0)
        raise InputError(f"{table.location(row)}: no {kind}; fill it in or remove the row")
    return ids_in_form(ids, table.location).ids.cast(pl.String)


def _lines(path: Path, kind: str) -> pl.Series:
    text = table_sources(path, DEFAULT)[0].read().decode("utf-8-sig")
    # Not by splitlines, which also divides at control characters.
    lines = (line.strip() for line in text.split("\n"))
    return pl.Series(kind, [line for line in lines if line], pl.String)
