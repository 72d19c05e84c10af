"""Wide tables, a row for each user and a column for each movie, as one row for each rating."""

import re
import shlex

import polars as pl

from ratecast.column_types import Location
from ratecast.data.column_roles import columns_named, normalized, roles
from ratecast.data.missing_ratings import RatingRules, numbers_of
from ratecast.data.text_table import RoleTable
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, RATING, USER
from ratecast.table_options import TableOptions
from ratecast.visible_text import counted

_ROW = "_row"
# In place of a column for the users: they are the numbers of the rows.
_ROWS = "rows"
# Names of columns that are counts or means of the others, as `normalized`.
_SUMMARIES = {
    *("count", "counts", "ratingcount", "numratings", "nratings", "ratingscount", "total", "sum"),
    *("mean", "average", "avg", "ratingmean", "meanrating", "averagerating", "avgrating", "median"),
    *("min", "max", "std", "stddev", "var", "variance", "age", "gender", "sex"),
}
# Where so many names are alike, the others are doubtful; of more than this, none is named.
_ALIKE, _MOST_DOUBTFUL = 0.5, 12
_ID = re.compile(r"[A-Za-z_. -]{0,12}\d+")


def unpivoted(
    table: RoleTable, where: str, options: TableOptions, *, has_names: bool = True
) -> RoleTable:
    """The ratings in the cells of a wide table; empty cells are not rated.

    The users are in the column that the options or its name give, else in the first one; where the
    options say so, or there are no column names, they are the numbers of the rows. Movies are the
    names of the other columns, but for those that are left out. Raises `InputError` for a cell that
    is no number.
    """
    left_out = columns_named(options.names_left_out, table.frame.columns, where)
    names = [name for name in table.frame.columns if name not in left_out]
    user = _user_column(table.frame.columns, names, options, where, has_names=has_names)
    frame = table.frame.with_row_index(_ROW)
    users = pl.int_range(1, pl.len() + 1) if user is None else pl.col(user)
    movies = [name for name in names if name != user]
    rules = RatingRules.of_file(options)
    numbers = [_numbers(frame, movie, rules, table.location) for movie in movies]
    cells = frame.select(_ROW, users.alias(USER), *numbers)
    long = cells.unpivot(movies, index=[_ROW, USER], variable_name=MOVIE, value_name=RATING)
    long = long.filter(pl.col(RATING).is_not_null()).sort(_ROW, maintain_order=True)
    rows, ids = long[_ROW], _as_numbers(long[MOVIE])
    return RoleTable(
        long.select(_as_numbers(long[USER]), ids, RATING),
        lambda row: f"{table.location(rows[row])}, column {ids[row]}",
        [
            *table.notes,
            *_notes(cells, movies, user, where),
            *_words(frame, cells, movies, where),
            *_doubtful(table.frame.columns, movies, where),
            *_counts(cells, movies, rules, where),
        ],
    )


def _notes(cells: pl.DataFrame, movies: list[str], user: str | None, where: str) -> list[str]:
    """What the columns were taken for, and whether users have several rows."""
    are = "column is a movie" if len(movies) == 1 else "columns are movies"
    ends = [movies[0], movies[-1]] if len(movies) > 3 else movies
    note = f"{where}: {len(movies):,} {are}, {(' to ' if len(movies) > 3 else ', ').join(ends)}"
    if user is None:
        return [f"{note}; users are the numbers of the rows"]
    notes = [f"{note}; users are in {user}"]
    repeated = cells[USER].filter(cells[USER].is_duplicated())
    if len(repeated):
        have = counted(repeated.n_unique(), "user") + (
            " has" if repeated.n_unique() == 1 else " have"
        )
        notes.append(f"{where}: {have} several rows, as {repeated[0]}; they are read as one")
    return notes


def _doubtful(columns: list[str], movies: list[str], where: str) -> list[str]:
    """A hint for columns that may be no movies: named as a summary, or unlike the other names."""
    ids = [name for name in movies if _ID.fullmatch(name)]
    alike = len(ids) >= _ALIKE * len(movies) and len(movies) > 3
    doubtful = [
        name
        for name in movies
        if normalized(name) in _SUMMARIES or (alike and not _ID.fullmatch(name))
    ]
    if not doubtful or len(doubtful) > _MOST_DOUBTFUL:
        return []
    # A name with a comma cannot be given.
    given = [str(columns.index(name) + 1) if "," in name else name for name in doubtful]
    are = "column may be no movie" if len(doubtful) == 1 else "columns may be no movies"
    return [
        f"{where}: {len(doubtful)} {are}: {', '.join(doubtful)}; if so: --leave-out "
        f"{shlex.quote(','.join(given))} (leave_out= in Python)"
    ]


def _counts(cells: pl.DataFrame, movies: list[str], rules: RatingRules, where: str) -> list[str]:
    """A hint where the first column counts the ratings of each row, as that of Jester does."""
    if len(movies) < 3:
        return []
    rated = [pl.col(name).is_not_null() & ~pl.col(name).is_in(rules.numbers) for name in movies[1:]]
    counts = cells.select((pl.col(movies[0]) == pl.sum_horizontal(rated)).all()).item()
    varies = cells[movies[0]].n_unique() > 1
    if not (counts and varies):
        return []
    return [
        f"{where}: column {movies[0]} counts the ratings of each row; if it is no movie: "
        f"--leave-out {movies[0]} (leave_out= in Python)"
    ]


def _user_column(
    every: list[str], names: list[str], options: TableOptions, where: str, *, has_names: bool
) -> str | None:
    """The column of the users, of those that are not left out; None if the rows are numbered."""
    given = {role: name for role, name in options.roles.items() if role == USER}
    others = options.roles.keys() - {USER}
    if others:
        raise InputError(
            f"{where}: --columns {sorted(others)[0]} is of a table with a row for each rating; "
            "with --wide give user alone"
        )
    if given.get(USER) == _ROWS and _ROWS not in every:
        return None
    if len(names) < 2:
        raise InputError(f"{where}: one column; a wide table has one of users and one a movie")
    if given or has_names:
        user = columns_named([given[USER]], every, where)[0] if given else None
        if user is not None and user not in names:
            raise InputError(
                f"{where}: column {user} has the users and is to be left out; give another column, "
                "or --columns user=rows (columns= in Python) to number the rows"
            )
        return user or roles(names, {}, where, required=()).get(USER, names[0])
    return None


def _numbers(frame: pl.DataFrame, name: str, rules: RatingRules, location: Location) -> pl.Series:
    """The cells of a column, as numbers; null where one has no value."""
    here = rules.without_numbers()
    cells = numbers_of(
        frame[name], here, lambda row: f"{location(row)}, column {name}", optional=True
    )
    return cells.cast(pl.Float32)


def _words(frame: pl.DataFrame, cells: pl.DataFrame, movies: list[str], where: str) -> list[str]:
    """A note on cells that have text in place of a number, as NA."""
    texts = [name for name in movies if frame.schema[name] == pl.String]
    written = [frame[name].filter(cells[name].is_null()).drop_nulls() for name in texts]
    words = [text for column in written for text in column if text.strip()]
    if not words:
        return []
    return [f"{where}: {counted(len(words), 'cell')} such as {words[0]!r} left out, not rated"]


def _as_numbers(ids: pl.Series) -> pl.Series:
    """Ids as integers if every one is written as one."""
    if ids.dtype != pl.String:
        return ids
    whole = ids.str.contains(r"^-?(0|[1-9]\d{0,17})$").all()
    return ids.cast(pl.Int64) if whole else ids
