"""Data: editions of MovieLens and your own tables, read into one form."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ratecast.data import canonical
from ratecast.data.cache import home
from ratecast.data.edition_reader import read_folder
from ratecast.data.editions import CITATION, EDITIONS, Edition, edition_of
from ratecast.data.frames import ratings_of
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.sources import fetch
from ratecast.data.summary import describe
from ratecast.data.table_file import read_table
from ratecast.errors import InputError, choice
from ratecast.ratings import Ratings, Scale, checked

__all__ = [
    "CITATION",
    "EDITIONS",
    "Edition",
    "describe",
    "edition_of",
    "fetch",
    "home",
    "load",
    "load_as",
]


def load(
    source: Any,
    *,
    columns: Mapping[str, str] | str | None = None,
    scale: Scale | str | None = None,
    notify: Notify = to_stderr,
) -> Ratings:
    """The ratings of an edition, an unpacked or canonical folder, or a table of your own.

    source: the name of an edition (fetched unless it is in the cache), a folder, a CSV or Parquet
    file, or a table in memory, of polars, pandas or Arrow. columns: for a file or table, role to
    column name, for names that are not recognised, also as in "movie=film". scale: only if it is
    not the edition's scale or cannot be inferred. notify: called with one line for everything that
    was assumed, merged or dropped. The name of an edition takes precedence over a folder of the
    same name; write ./NAME for the folder.

    Raises `InputError` for a missing or unreadable source.

    >>> import polars as pl
    >>> import ratecast as rc
    >>> table = pl.DataFrame({"user": ["ann", "bob"], "film": [1, 2], "stars": [3.5, 4.0]})
    >>> str(rc.load(table).scale)
    '3.5:4:0.5'
    """
    if isinstance(columns, str):
        columns = dict(_role(pair) for pair in columns.split(","))
    if isinstance(scale, str):
        scale = Scale.parse(scale)
    if not isinstance(source, str | Path):
        return ratings_of(source, scale, columns=columns, notify=notify)
    path = Path(source).expanduser()
    if columns and not path.is_file():
        raise InputError(f"{source}: columns apply to a table file only; remove --columns")
    if str(source) in EDITIONS:
        return _on_scale(canonical.read(fetch(str(source), notify=notify)), scale, str(source))
    if path.is_dir() and (path / canonical.METADATA).exists():
        return _on_scale(canonical.read(path), scale, str(source))
    if not path.exists():
        hint = choice(str(source), EDITIONS, "editions are")
        raise InputError(f"{source}: no such file, folder or edition; {hint}")
    try:
        loaded = read_folder(path, scale) if path.is_dir() else read_table(path, columns, scale)
    except OSError as error:
        raise InputError(f"{source}: {error.strerror or error}; check permissions") from None
    for note in loaded.notes:
        notify(note)
    return loaded.ratings


def load_as(source: str | Path, columns: str | None = None, scale: str | None = None) -> Ratings:
    """`load`, with columns and scale as they are typed on the command line.

    columns: comma-separated role=name pairs, as in "user=who,movie=film,rating=score"; roles are
    user, movie, rating, at, title and genres. scale: low:high:step, as in 0.5:5:0.5.
    """
    return load(source, columns=columns or None, scale=scale or None)


def _role(pair: str) -> tuple[str, str]:
    role, equals, name = pair.partition("=")
    if not (role and equals and name):
        raise InputError(f"columns: {pair!r} is not role=name; write it as in movie=film")
    return role, name


def _on_scale(ratings: Ratings, scale: Scale | None, where: str) -> Ratings:
    return ratings if scale is None else checked(replace(ratings, scale=scale), where)
