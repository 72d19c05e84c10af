"""Reading an edition of MovieLens, or a table of your own, into one form."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ratecast.data import canonical, layouts
from ratecast.data.dat_folder import ratings_in, sides_in
from ratecast.data.edition_reader import Loaded, read_folder
from ratecast.data.editions import EDITIONS
from ratecast.data.frames import ratings_of
from ratecast.data.missing_ratings import scale_given
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.parts import archive_of, called
from ratecast.data.side_tables import with_sides
from ratecast.data.sources import fetch
from ratecast.data.table_file import read_table
from ratecast.errors import InputError, choice
from ratecast.ratings import Ratings, Scale
from ratecast.table_options import DEFAULT, TableOptions


# The options of a table, one by one.
def load(  # noqa: PLR0913
    source: Any,
    *,
    columns: Mapping[str, str] | str | None = None,
    scale: Scale | str | None = None,
    missing: float | str | None = None,
    time_format: str | None = None,
    no_time: bool = False,
    header: bool | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    wide: bool = False,
    leave_out: str | int | None = None,
    glob: bool = False,
    items: Any = None,
    users: Any = None,
    item_columns: Mapping[str, str] | str | None = None,
    user_columns: Mapping[str, str] | str | None = None,
    notify: Notify = to_stderr,
) -> Ratings:
    """The ratings of an edition, an unpacked or canonical folder, or a table of your own.

    source: the name of an edition (fetched unless it is in the cache), a folder, a file of any form
    (text with any separator, Parquet, Arrow, JSON, compressed or not), a folder or a list of files
    that are parts of one table, or a table in memory, of polars, pandas or Arrow. The name of an
    edition takes precedence over a folder of the same name; write ./NAME for the folder.

    columns: role to column name, for names that are not recognised, or to the number of the column
    from 1, also as in "movie=film,rating=3". scale: only if it is not the edition's scale or the
    one that `Scale.infer` finds, also as in "-10:10:continuous". missing: the value, or several as
    in "-1,99", that stands for "not rated"; its rows are left out; "NA" stands for every cell
    without a value, empty, null, NaN or NA. time_format: how times are
    written, as in "%d.%m.%Y". no_time: leaves the times out. header: whether a text has column
    names in its first line. separator: of one or two characters, "tab" or "space". encoding: as in
    "latin-1". wide: the table has a row for each user and a column for each movie. leave_out: its
    columns that are no movies, by name or number, as in "count,total". glob: `source` is a pattern
    of files that are parts of one table. items, users: further columns of the movies and of the
    users, each a file, a frame, or a list of these, with a column for the id. item_columns,
    user_columns: name to column of that one table, by name or number. notify: called with one line
    for everything that was assumed, merged or dropped.

    Raises `InputError` for a missing or unreadable source.

    >>> import polars as pl
    >>> import ratecast as rc
    >>> table = pl.DataFrame({"user": ["ann", "bob"], "film": [1, 2], "stars": [3.5, 4.0]})
    >>> str(rc.load(table).scale)
    '0.5:4:0.5'
    """
    options = TableOptions(
        columns=dict(columns) if isinstance(columns, Mapping) else columns,
        scale=None if scale is None else str(scale),
        missing=None if missing is None else str(missing),
        time_format=time_format,
        no_time=no_time,
        header=header,
        separator=separator,
        encoding=encoding,
        wide=wide,
        leave_out=None if leave_out is None else str(leave_out),
        glob=glob,
        item_columns=dict(item_columns) if isinstance(item_columns, Mapping) else item_columns,
        user_columns=dict(user_columns) if isinstance(user_columns, Mapping) else user_columns,
    )
    return _load(source, options, (items, users), notify)


def load_table(source: Any, options: TableOptions = DEFAULT, notify: Notify = to_stderr) -> Ratings:
    """`load`, with its options as one value, as commands and experiments have them."""
    return _load(source, options, (options.items, options.users), notify)


def _load(source: Any, options: TableOptions, sides: tuple[Any, Any], notify: Notify) -> Ratings:
    """The ratings with their side information. sides: tables of the items and of the users."""
    options.check()
    ratings = _load_ratings(source, options, notify)
    return with_sides(ratings, _with_files_beside(source, sides, options), options, notify)


def _with_files_beside(
    source: Any, sides: tuple[Any, Any], options: TableOptions
) -> tuple[Any, Any]:
    """The side tables; where none is given, those that the layout of a folder has."""
    if not isinstance(source, str | Path) or source in EDITIONS or options.glob:
        return sides
    folder = Path(source).expanduser()
    if not folder.is_dir() or ratings_in(folder) is None:
        return sides
    movies, users = sides_in(folder)
    return (movies if sides[0] is None else sides[0], users if sides[1] is None else sides[1])


def is_own_table(source: str | Path, options: TableOptions = DEFAULT) -> bool:
    """Whether `source` is there and is a table of your own, and no edition."""
    path = Path(source).expanduser()
    if options.glob or path.is_file() or archive_of(path) is not None:
        return True
    is_edition = str(source) in EDITIONS or (path / canonical.METADATA).exists()
    return path.is_dir() and not is_edition and layouts.find(path) is None


def _load_ratings(source: Any, options: TableOptions, notify: Notify) -> Ratings:
    are_paths = isinstance(source, list | tuple) and all(isinstance(s, str | Path) for s in source)
    if are_paths and source:
        return _notified(_of_files([Path(s).expanduser() for s in source], options), notify)
    if not isinstance(source, str | Path):
        return ratings_of(source, options=options, notify=notify)
    if str(source) in EDITIONS and not options.glob:
        options.refuse_layout(str(source))
        folder = fetch(str(source), notify=notify)
    else:
        folder = Path(source).expanduser()
        if options.glob or not (folder / canonical.METADATA).exists():
            return _notified(_of_path(folder, options), notify)
    options.refuse_layout(str(source))
    return ratings_of(canonical.read(folder), options=options, where=str(source), notify=notify)


def _of_path(path: Path, options: TableOptions) -> Loaded:
    is_edition = not options.glob and path.is_dir() and layouts.find(path) is not None
    return _of_folder(path, options) if is_edition else _of_files(path, options)


def _notified(loaded: Loaded, notify: Notify) -> Ratings:
    for note in loaded.notes:
        notify(note)
    return loaded.ratings


def _of_files(path: Path | list[Path], options: TableOptions) -> Loaded:
    """The table of a file, a folder of parts, a pattern, or several files."""
    for one in [path] if isinstance(path, Path) else path:
        if not options.glob and not one.exists() and archive_of(one) is None:
            hint = choice(str(one), EDITIONS, "editions are")
            raise InputError(f"{one}: no such file, folder or edition; {hint}")
        if one.name.startswith(".") and canonical.UNFINISHED in one.name:
            raise InputError(f"{one}: unfinished; run ratecast data expand again")
    try:
        return read_table(path, options)
    except OSError as error:
        where = error.filename or called(path)
        raise InputError(f"{where}: {error.strerror or error}; check permissions") from None


def _of_folder(path: Path, options: TableOptions) -> Loaded:
    options.refuse_layout(str(path))
    loaded = read_folder(path, scale_given(options))
    return replace(loaded, ratings=ratings_of(loaded.ratings, options=options, where=str(path)))
