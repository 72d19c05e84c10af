"""Wide tables, a row for each user and a column for each movie, as one row for each rating."""

import polars as pl

from ratecast.column_types import Location
from ratecast.data.column_roles import listed, roles
from ratecast.data.text_table import RoleTable
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, RATING, USER
from ratecast.table_options import TableOptions

_ROW = "_row"


def unpivoted(
    table: RoleTable, where: str, options: TableOptions, *, has_names: bool = True
) -> RoleTable:
    """The ratings in the cells of a wide table; empty cells are not rated.

    The users are in the column that the options or its name give, else in the first one; without
    column names, and unless they are given, they are the numbers of the rows. Movies are the names
    of the other columns. Raises `InputError` for a cell that is no number.
    """
    user = _user_column(table.frame.columns, options, where, has_names)
    frame = table.frame.with_row_index(_ROW)
    users = pl.int_range(1, pl.len() + 1) if user is None else pl.col(user)
    movies = [name for name in table.frame.columns if name != user]
    numbers = [_numbers(frame, movie, table.location) for movie in movies]
    cells = frame.select(_ROW, users.alias(USER), *numbers)
    long = cells.unpivot(movies, index=[_ROW, USER], variable_name=MOVIE, value_name=RATING)
    long = long.filter(pl.col(RATING).is_not_nan()).sort(_ROW, maintain_order=True)
    rows, ids = long[_ROW], _as_numbers(long[MOVIE])
    note = f"{where}: {len(movies):,} columns are movies, as {listed(movies[:3])}"
    note += "; users are the numbers of the rows" if user is None else f"; users are in {user}"
    return RoleTable(
        long.select(_as_numbers(long[USER]), ids, RATING),
        lambda row: f"{table.location(rows[row])}, column {ids[row]}",
        [*table.notes, note],
    )


def _user_column(
    names: list[str], options: TableOptions, where: str, has_names: bool
) -> str | None:
    given = {role: name for role, name in options.roles.items() if role == USER}
    others = options.roles.keys() - {USER}
    if others:
        raise InputError(
            f"{where}: --columns {sorted(others)[0]} is of a table with a row for each rating; "
            "with --wide give user alone"
        )
    if len(names) < 2:
        raise InputError(f"{where}: one column; a wide table has one of users and one a movie")
    if given or has_names:
        return roles(names, given, where, required=()).get(USER, names[0])
    return None


def _numbers(frame: pl.DataFrame, name: str, location: Location) -> pl.Series:
    """The cells of a column, as numbers; empty ones null."""
    cells = frame[name]
    if cells.dtype.is_numeric() or cells.dtype == pl.Null:
        return cells.cast(pl.Float32)
    if cells.dtype == pl.String:
        text = cells.str.strip_chars()
        numbers = text.cast(pl.Float32, strict=False)
        bad = numbers.is_null() & text.is_not_null() & (text != "")
    else:
        numbers, bad = cells, cells.is_not_null()
    if bad.any():
        row = int(bad.arg_max() or 0)
        raise InputError(
            f"{location(row)}, column {name}: {cells[row]!r} is not a number; leave the cell empty "
            "if it is not rated"
        )
    return numbers.cast(pl.Float32)


def _as_numbers(ids: pl.Series) -> pl.Series:
    """Ids as integers if every one is written as one."""
    if ids.dtype != pl.String:
        return ids
    whole = ids.str.contains(r"^-?(0|[1-9]\d{0,17})$").all()
    return ids.cast(pl.Int64) if whole else ids
