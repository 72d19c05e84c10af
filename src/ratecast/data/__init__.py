"""Data: editions of MovieLens and your own tables, read into one form."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ratecast.data import canonical
from ratecast.data.cache import home
from ratecast.data.edition_reader import Loaded, read_folder
from ratecast.data.editions import CITATION, EDITIONS, Edition, edition_of
from ratecast.data.frames import ratings_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.sources import fetch
from ratecast.data.summary import describe
from ratecast.data.table_file import read_table, scale_given
from ratecast.errors import InputError, choice
from ratecast.ratings import Ratings, Scale
from ratecast.table_options import DEFAULT, TableOptions

__all__ = [
    "CITATION",
    "EDITIONS",
    "Edition",
    "TableOptions",
    "describe",
    "edition_of",
    "fetch",
    "home",
    "load",
    "load_table",
]


def load(
    source: Any,
    *,
    columns: Mapping[str, str] | str | None = None,
    scale: Scale | str | None = None,
    missing: float | str | None = None,
    time_format: str | None = None,
    no_time: bool = False,
    notify: Notify = to_stderr,
) -> Ratings:
    """The ratings of an edition, an unpacked or canonical folder, or a table of your own.

    source: the name of an edition (fetched unless it is in the cache), a folder, a CSV or Parquet
    file, or a table in memory, of polars, pandas or Arrow. columns: for a file or table, role to
    column name, for names that are not recognised, also as in "movie=film". scale: only if it is
    not the edition's scale or cannot be inferred. missing: the value, or several as in "-1,99",
    that stands for "not rated"; such rows are left out. time_format: how times are written, as in
    "%d.%m.%Y". no_time: leaves the times out. notify: called with one line for everything that
    was assumed, merged or dropped. The name of an edition takes precedence over a folder of the
    same name; write ./NAME for the folder.

    Raises `InputError` for a missing or unreadable source.

    >>> import polars as pl
    >>> import ratecast as rc
    >>> table = pl.DataFrame({"user": ["ann", "bob"], "film": [1, 2], "stars": [3.5, 4.0]})
    >>> str(rc.load(table).scale)
    '3.5:4:0.5'
    """
    options = TableOptions(
        columns=dict(columns) if isinstance(columns, Mapping) else columns,
        scale=None if scale is None else str(scale),
        missing=None if missing is None else str(missing),
        time_format=time_format,
        no_time=no_time,
    )
    return load_table(source, options, notify)


def load_table(source: Any, options: TableOptions = DEFAULT, notify: Notify = to_stderr) -> Ratings:
    """`load`, with its options as one value, as commands and experiments have them."""
    if not isinstance(source, str | Path):
        return ratings_of(source, options=options, notify=notify)
    path = Path(source).expanduser()
    if str(source) in EDITIONS:
        options.refuse_layout(str(source))
        ratings = canonical.read(fetch(str(source), notify=notify))
        return ratings_of(ratings, options=options, where=str(source), notify=notify)
    if path.is_dir() and (path / canonical.METADATA).exists():
        options.refuse_layout(str(source))
        return ratings_of(canonical.read(path), options=options, where=str(source), notify=notify)
    if not path.exists():
        hint = choice(str(source), EDITIONS, "editions are")
        raise InputError(f"{source}: no such file, folder or edition; {hint}")
    try:
        loaded = _of_folder(path, options) if path.is_dir() else read_table(path, options)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror or error}; check permissions") from None
    for note in loaded.notes:
        notify(note)
    return loaded.ratings


def _of_folder(path: Path, options: TableOptions) -> Loaded:
    options.refuse_layout(str(path))
    loaded = read_folder(path, scale_given(options))
    return replace(loaded, ratings=ratings_of(loaded.ratings, options=options, where=str(path)))
