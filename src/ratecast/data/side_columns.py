"""Tables of side information: one row for each movie or user, and columns in their types."""

from dataclasses import replace
from typing import NamedTuple, TypeVar

import polars as pl

from ratecast.column_types import Location, rows_of
from ratecast.data.feature_types import as_category, as_number, as_set, as_vector
from ratecast.data.standard_columns import (
    GIVEN_AT,
    TIMED_SET,
    VALUE,
    named,
    refuse_nested,
    typed_column,
)
from ratecast.data.titles import TITLE, YEAR, year_of
from ratecast.errors import InputError
from ratecast.ids import read_ids, whole_numbers
from ratecast.ratings import MOVIE, USER, Ratings, Requests, trusted
from ratecast.visible_text import counted

R = TypeVar("R", bound=Requests)


class SideSource(NamedTuple):
    """A table as it was given: its id column is called `user` or `movie`. where: its name."""

    frame: pl.DataFrame
    where: str
    location: Location


class SideTable(NamedTuple):
    """A table in its types; which column was taken for what, and which were left out."""

    frame: pl.DataFrame
    taken: list[str]
    left_out: list[str]

    @property
    def note(self) -> str:
        """What was taken for what, in one line."""
        left = f"; left out: {', '.join(self.left_out)}" if self.left_out else ""
        return f"side information: {', '.join(self.taken) or 'none'}{left}"


def side_table(source: SideSource, kind: str, ids: pl.DataType) -> SideTable:
    """The table in its types, of one row for each id.

    kind: `user` or `movie`. ids: the type of the ids in the ratings. Raises `InputError` for ids of
    another type, an id with two different rows, or a value that does not fit its column.
    """
    frame = named(source.frame, kind)
    known = _like(frame[kind], ids, source)
    taken, left_out, columns = [], [], [known]
    for name in frame.columns:
        if name == kind:
            continue
        found = typed_column(frame[name], kind, source.location)
        if isinstance(found, str):
            left_out.append(found)
            continue
        taken.append(found.about)
        columns.append(found.column)
    table = _one_row_each(pl.DataFrame(columns), kind, source)
    if TITLE in table.columns and YEAR not in table.columns:
        years = table.select(year_of(pl.col(TITLE)).alias(YEAR))
        table = table if years[YEAR].null_count() == len(table) else table.with_columns(years)
    return SideTable(table, taken, left_out)


def with_table(table: pl.DataFrame, more: pl.DataFrame, where: str) -> pl.DataFrame:
    """`table` with the rows and columns of `more`, whose values come first; both by their id."""
    kind = table.columns[0]
    shared = [name for name in more.columns[1:] if name in table.columns]
    for name in shared:
        if table.height and table.schema[name] != more.schema[name]:
            raise InputError(
                f"{where}: {name} is {more.schema[name]}, but {table.schema[name]} in the table it "
                "is joined to; rename or remove the column"
            )
    left = table.cast({kind: more.schema[kind]}).drop([] if table.height else shared)
    joined = left.join(more, on=kind, how="full", coalesce=True, maintain_order="left_right")
    both = [name for name in shared if name in left.columns]
    firsts = [pl.coalesce(f"{name}_right", name).alias(name) for name in both]
    return joined.with_columns(firsts).drop(f"{name}_right" for name in both)


def sides_of_rows(
    frame: pl.DataFrame, kind: str, where: str, location: Location
) -> tuple[pl.DataFrame, list[str]]:
    """The table of the columns `kind.NAME` of ratings, which have one value for each id; and notes.

    The first value of an id is kept; ids that have another one are counted.
    """
    table = SideTable(pl.DataFrame(schema={kind: frame.schema[kind]}), [], [])
    names = [name for name in frame.columns if name.startswith(f"{kind}.")]
    differ = [table.frame[kind]]
    for name in names:
        given = frame.select(
            pl.int_range(pl.len()).alias("_row"), kind, pl.col(name).alias(name.partition(".")[2])
        ).drop_nulls()
        source = _firsts(given, kind, SideSource(frame, where, location))
        side = side_table(source, kind, frame.schema[kind])
        joined = with_table(table.frame, side.frame, where)
        table = SideTable(joined, table.taken + side.taken, table.left_out + side.left_out)
        values = given.drop("_row").unique()[kind]
        differ.append(values.filter(values.is_duplicated()))
    notes = [f"{where}: {table.note}"] if names else []
    if several := pl.concat(differ).n_unique():
        have = "has" if several == 1 else "have"
        notes.append(
            f"{where}: {counted(several, kind)} {have} several values there; the first is taken"
        )
    return table.frame, notes


def typed_sides(ratings: Ratings) -> tuple[Ratings, list[str]]:
    """Ratings made by hand with their side information in its types, and notes on what is left out.

    Raises `InputError` for a table that cannot be used.
    """
    notes: list[str] = []
    tables = {USER: ratings.users, MOVIE: ratings.movies}
    for kind, table in tables.items():
        where = f"{kind}s"
        _require_id(table, kind, where)
        if table.width > 1:
            source = SideSource(table, where, rows_of(where))
            side = side_table(
                source, kind, read_ids(ratings.frame[kind], rows_of("ratings")).ids.dtype
            )
            tables[kind] = side.frame
            notes += [f"{where}: left out: {', '.join(side.left_out)}"] if side.left_out else []
    return replace(ratings, users=tables[USER], movies=tables[MOVIE]), notes


def checked_sides(table: R) -> R:
    """The table with side information under its standard names, one row for each id.

    The values are read later, in the types that a model knows. Raises `InputError`.
    """
    checked = []
    for kind, side in ((USER, table.users), (MOVIE, table.movies)):
        _require_id(side, kind, f"{kind}s")
        if side.width > 1:
            source = SideSource(named(side, kind), f"{kind}s", rows_of(f"{kind}s"))
            ids = _own_ids(source.frame[kind], source)
            side = _one_row_each(source.frame.with_columns(ids), kind, source)  # noqa: PLW2901
        checked.append(side)
    return replace(table, users=checked[0], movies=checked[1])


def known_at_end(train: Ratings) -> Ratings:
    """Train with the tags that were given up to its last rating; all of them if it has no times."""
    return known_by(train, last_time(train))


def last_time(ratings: Ratings) -> int | None:
    """The time of the last rating, in UTC seconds; None without times."""
    return int(ratings.at.max()) if ratings.timed and len(ratings) else None


def known_by(ratings: Ratings, last: int | None) -> Ratings:
    """Ratings with the tags that were given up to `last`, in UTC seconds, or with all of them."""
    users, movies = _known_by(ratings.users, last), _known_by(ratings.movies, last)
    if users is ratings.users and movies is ratings.movies:
        return ratings
    return trusted(replace(ratings, users=users, movies=movies))


def like_known(more: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Side information that comes with a request, in the types that the model knows.

    Columns that the model does not know stay as they are; those that it knows and the request lacks
    are as known, and so are tags with times, as of the fit. Raises `InputError` for a value that
    does not fit.
    """
    kind = known.columns[0]
    if more.schema == known.schema:
        return more
    source = SideSource(more, f"{kind}s", rows_of(f"{kind}s of the request"))
    columns = []
    for column in more.iter_columns():
        if column.dtype == TIMED_SET:
            continue
        if column.name == kind:
            columns.append(_like(column, known.schema[kind], source))
        else:
            kept = known.schema.get(column.name, column.dtype)
            columns.append(_as_known(column, kept, source))
    table = pl.DataFrame(columns)
    lacking = [name for name in known.columns if name not in table.columns]
    return table.join(known.select(kind, *lacking), on=kind, how="left", maintain_order="left")


def _as_known(column: pl.Series, known: pl.DataType, source: SideSource) -> pl.Series:
    if column.dtype == known:
        return column
    refuse_nested(column, source.location, lists=known.is_nested())
    if column.null_count() == len(column):
        return pl.Series(column.name, [None] * len(column), known)
    if known == pl.String:
        return as_category(column).column
    if known.is_numeric():
        return as_number(column, source.location).column.cast(known, strict=False)
    if isinstance(known, pl.Array):
        vectors = as_vector(column, source.location).column
        if vectors.dtype == known:
            return vectors
        raise InputError(f"{source.location(0)}: {column.name} is {vectors.dtype}, not {known}")
    return as_set(column, source.location).column if isinstance(known, pl.List) else column


def _require_id(side: pl.DataFrame, kind: str, where: str) -> None:
    if kind not in side.columns:
        raise InputError(f"{where}: no column {kind!r}; columns are {side.columns}")


def _firsts(given: pl.DataFrame, kind: str, source: SideSource) -> SideSource:
    """The first value of each id. given: _row, id and value. source: where the rows stand."""
    first = given.unique(kind, keep="first", maintain_order=True)
    rows = first["_row"].to_list()
    return SideSource(first.drop("_row"), source.where, lambda row: source.location(rows[row]))


def _known_by(table: pl.DataFrame, last: int | None) -> pl.DataFrame:
    """The table with each timed set as the set of what was given up to `last`, in UTC seconds."""
    timed = [name for name, form in table.schema.items() if form == TIMED_SET]
    if not timed:
        return table
    values = pl.element()
    if last is not None:
        values = values.filter(values.struct.field(GIVEN_AT) <= last)
    known = values.struct.field(VALUE).unique(maintain_order=True)
    return table.with_columns(pl.col(name).list.eval(known) for name in timed)


def _like(ids: pl.Series, known: pl.DataType, source: SideSource) -> pl.Series:
    """The ids in the type of the ratings' ids. Raises for one that is missing or of another."""
    own = _own_ids(ids, source)
    same = whole_numbers(own) if own.dtype == pl.String != known else own.cast(known)
    if same.null_count():
        row = int(same.is_null().arg_max() or 0)
        raise InputError(
            f"{source.location(row)}: {ids.name} {ids[row]!r} is no {known}, as the ids of the "
            "ratings are; write the same ids"
        )
    return same


def _own_ids(ids: pl.Series, source: SideSource) -> pl.Series:
    """The ids in their form. Raises for one that is missing."""
    if ids.null_count():
        row = int(ids.is_null().arg_max() or 0)
        raise InputError(f"{source.location(row)}: no {ids.name}; fill it in or remove the row")
    return read_ids(ids, source.location).ids


def _one_row_each(table: pl.DataFrame, kind: str, source: SideSource) -> pl.DataFrame:
    if not table[kind].is_duplicated().any():
        return table
    unique = table.with_row_index("_row").unique(table.columns, keep="first", maintain_order=True)
    again = unique.filter(unique[kind].is_duplicated())
    if again.height:
        first = unique.filter(pl.col(kind) == again[kind][0])["_row"]
        raise InputError(
            f"{source.location(int(first[1]))}: {kind} {again[kind][0]!r} has another row, "
            f"{source.location(int(first[0]))}, that differs; keep one of them"
        )
    return unique.drop("_row")
