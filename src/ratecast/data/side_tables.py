"""Reads side information of one's own: tables of movies and users, joined to the ratings.

A table is a file (CSV, Parquet), a frame, or several of them. Of MovieLens, tags.csv is a set for
each movie, with the time of each tag, genome-scores.csv a vector, and links.csv two ids.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.column_types import rows_of
from ratecast.data.column_roles import NAMES, listed, normalized
from ratecast.data.frames import to_polars
from ratecast.data.movielens_sides import gathered
from ratecast.data.notices import Notify
from ratecast.data.side_columns import SideSource, SideTable, side_table, with_table
from ratecast.data.side_files import SideReading, has_no_names, named, read_side_file
from ratecast.data.titles import TITLE
from ratecast.errors import InputError
from ratecast.ids import lost_zeros, padded_ids, whole_numbers, zeros_note
from ratecast.ratings import MOVIE, USER, Ratings, trusted
from ratecast.table_options import TableOptions
from ratecast.visible_text import counted

# Tables of one kind: a path, several separated by commas, a frame, or a list of these.
Sides = Any
# In a table with another id these are something else; a title is the id where nothing else is.
_BESIDE_ID = ("username", "isbn", "artistid", TITLE)
_OPTIONS = {MOVIE: "item_columns", USER: "user_columns"}


def with_sides(
    ratings: Ratings, sides: tuple[Sides, Sides], options: TableOptions, notify: Notify
) -> Ratings:
    """The ratings with further columns of their movies and users.

    sides: of the items and of the users, None or tables with an id column and further columns.
    options: name their columns, and the encoding of a text that is not UTF-8. notify: called with a
    line for what was taken for what, and one for ids without a rating or without a row.
    Raises `InputError` for a table that cannot be used.
    """
    tables = {MOVIE: ratings.movies, USER: ratings.users}
    for kind, given in zip((MOVIE, USER), sides, strict=True):
        places: dict[str, str] = {}
        reading = SideReading(kind, options.side_columns(_OPTIONS[kind]), options.encoding)
        for source in _sources(_listed(given), reading, ratings, notify):
            side = side_table(source, kind, ratings.frame.schema[kind])
            _refuse_again(side, source.where, places)
            notify(f"{source.where}: {side.note}")
            for line in _unmatched(side, ratings.frame[kind], source.where):
                notify(line)
            tables[kind] = with_table(tables[kind], side.frame, source.where)
    if tables[MOVIE] is ratings.movies and tables[USER] is ratings.users:
        return ratings
    more = replace(ratings, movies=tables[MOVIE], users=tables[USER])
    return trusted(more) if ratings.is_checked else more


def _refuse_again(side: SideTable, where: str, places: dict[str, str]) -> None:
    """Refuse a column that a table before has. places: column to table, filled."""
    for name in side.frame.columns[1:]:
        if name in places:
            raise InputError(
                f"{where}: column {name!r} is in {places[name]} too; rename or remove one of them"
            )
        places[name] = where


def _sources(
    given: list[Any], reading: SideReading, ratings: Ratings, notify: Notify
) -> Iterable[SideSource]:
    kind = reading.kind
    if reading.columns and len(given) != 1:
        name = f"--{_OPTIONS[kind].replace('_', '-')}"
        raise InputError(
            f"{name}: names columns of one table of {kind}s, but {len(given)} are given; "
            f"give one by --{'items' if kind == MOVIE else 'users'}, or remove {name}"
        )
    for number, one in enumerate(given, 1):
        path = Path(one).expanduser() if isinstance(one, str | Path) else None
        if path is not None:
            source, notes = read_side_file(path, reading)
        else:
            where = f"{kind}s" if number == 1 else f"{kind}s, table {number}"
            source, notes = named(SideSource(to_polars(one, where), where, rows_of(where)), reading)
        for note in notes:
            notify(note)
        if not source.frame.height:
            raise InputError(f"{source.where}: no rows; give a table with a row for each {kind}")
        found = gathered(source) or _with_id(source, kind, ratings)
        if found is None:
            raise _without_id(source, path, reading)
        yield found


def _without_id(source: SideSource, path: Path | None, reading: SideReading) -> InputError:
    """The error for a table without a column for the ids, or without column names at all."""
    names = listed(source.frame.columns)
    if path is not None and has_no_names(path, reading.encoding):
        return InputError(
            f"{source.where}: no column names, with {names} in line 1; name the columns by number, "
            f"as in {reading.option}"
        )
    return InputError(
        f"{source.where}: no column for {reading.kind}; columns are {names}; name the one with the "
        f"ids by {reading.option}"
    )


def _listed(given: Sides) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str) and not given.strip():
        raise InputError("a file of items or users: its name is empty; give a file, or no option")
    if isinstance(given, str) and not Path(given).expanduser().exists():
        return [part.strip() for part in given.split(",")]
    return list(given) if isinstance(given, list | tuple) else [given]


def _with_id(source: SideSource, kind: str, ratings: Ratings) -> SideSource | None:
    """The table with its id column under the name of its kind; None if it has none."""
    plain = {normalized(name): name for name in reversed(source.frame.columns)}
    ids = [name for name in NAMES[kind] if name not in _BESIDE_ID]
    names = [*ids, "id", *(name for name in _BESIDE_ID if name in NAMES[kind] and name != TITLE)]
    name = next((plain[n] for n in names if n in plain), None)
    if name is None and ratings.frame.schema[kind] == pl.String and kind == MOVIE:
        name = plain.get(TITLE)
    if name is None:
        return None
    if name != kind and kind in source.frame.columns:
        raise InputError(f"{source.where}: columns {kind} and {name}; rename or remove one of them")
    return source._replace(frame=source.frame.rename({name: kind}))


def _unmatched(side: SideTable, rated: pl.Series, where: str) -> list[str]:
    """A note on ids that only one of table and ratings has. Raises if none is in both."""
    kind = rated.name
    ids, known = side.frame[kind], rated.unique(maintain_order=True)
    without_rating = int((~ids.is_in(known.implode())).sum())
    without_row = int((~known.is_in(ids.implode())).sum())
    notes = _about_zeros(ids, known, where) if known.dtype == pl.String else []
    if without_rating == len(ids):
        raise InputError(
            f"{where}: none of its {len(ids):,} {kind} ids, as {ids[0]!r}, is in the ratings, "
            f"whose ids are as {known[0]!r}; give the ids of the ratings"
        )
    if without_rating or without_row:
        notes.append(
            f"{where}: {without_rating:,} of {counted(len(ids), kind)} without a rating; "
            f"{counted(without_row, f'rated {kind}')} without a row"
        )
    return notes


def _about_zeros(ids: pl.Series, known: pl.Series, where: str) -> list[str]:
    """A note where an id is rated with other leading zeros. Raises where numbers lost them."""
    padded, lacking = padded_ids(known), ids.filter(~ids.is_in(known.implode()))
    lost = next((number for number in lacking if number in padded), None)
    if lost is not None and not whole_numbers(ids).null_count():
        raise InputError(f"{where}: {ids.name} {lost}: {lost_zeros(padded[lost], 'the ratings')}")
    note = zeros_note(pl.concat([lacking, known]), f"{ids.name}s")
    return [f"{where}: {note}"] if note else []
