"""Tables in memory, of polars, pandas, Arrow or whatever speaks its C stream, as ratings."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

import polars as pl

from ratecast.column_types import plain_numbers, rows_of
from ratecast.data.column_roles import RATINGS, Needed, ambiguities, listed, wanted_roles
from ratecast.data.column_table import typed
from ratecast.data.missing_ratings import RatingRules, numbers_of, without_missing
from ratecast.data.notices import Notify, to_stderr
from ratecast.data.offset_zones import offsets_are_zones
from ratecast.data.pairs import UNREAD, reason
from ratecast.data.side_columns import checked_sides, typed_sides
from ratecast.data.table_file import canonical_columns, loaded, scale_of
from ratecast.data.text_table import RoleTable
from ratecast.data.wide_table import unpivoted
from ratecast.errors import InputError
from ratecast.ratings import (
    AT,
    MOVIE,
    RATING,
    USER,
    Ratings,
    Requests,
    Scale,
    checked,
    checked_requests,
    trusted,
)
from ratecast.table_options import DEFAULT, TableOptions

PAIRS = Needed((USER, MOVIE), left_out=(RATING,))

R = TypeVar("R", bound=Requests)


def to_polars(table: Any, where: str = "table") -> pl.DataFrame:
    """The table as a polars frame, its columns shared where they can be.

    table: of polars (lazy ones are collected), of pandas, or with `__arrow_c_stream__`, as pyarrow,
    DuckDB and others have. Raises `InputError` for anything else.
    Reference: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
    """
    if isinstance(table, pl.DataFrame):
        return table
    try:
        with offsets_are_zones():
            if isinstance(table, pl.LazyFrame):
                return table.collect()
            if type(table).__module__.partition(".")[0] == "pandas":
                if hasattr(table, "columns"):
                    return _of_pandas(table, where)
            elif hasattr(table, "__arrow_c_stream__") and not isinstance(table, pl.Series):
                return pl.DataFrame(table)
    except ImportError as error:
        raise InputError(f"{where}: {error}; pip install pyarrow, or give a polars frame") from None
    except UNREAD as error:
        raise InputError(
            f"{where}: cannot be read ({reason(error)}); give columns of one type each, with a "
            "name each"
        ) from None
    hint = "; rc.load reads an edition or a file" if isinstance(table, str) else ""
    raise InputError(
        f"{where}: {type(table).__name__} is no table; give ratings, a frame of polars or pandas, "
        f"or an Arrow table{hint}"
    )


def _of_pandas(table: Any, where: str) -> pl.DataFrame:
    """A frame of pandas. Raises `InputError` for the first column that polars cannot hold."""
    # Of numbers alone polars needs no pyarrow here; by the stream pandas always does.
    with_index = _has_named_index(table)
    try:
        frame: pl.DataFrame = pl.from_pandas(table, include_index=with_index)
    except UNREAD:
        for k, name in enumerate(table.columns):
            try:
                pl.from_pandas(table.iloc[:, [k]])
            except UNREAD as error:
                values = table.iloc[:, k].tolist()
                fault = _mixed(values, where, str(name)) or (
                    f"{where}: column {str(name)!r} ({table.dtypes.iloc[k]}) cannot be read "
                    f"({reason(error)}); write numbers or text in it, or drop it"
                )
                raise InputError(fault) from None
        raise
    return frame


def _mixed(values: list[Any], where: str, name: str) -> str | None:
    """What is wrong with a column of several types, with the first row of another; None for one."""
    first, kind = None, type(None)
    for row, value in enumerate(values, 1):
        if value is None or value != value:  # noqa: PLR0124 - NaN
            continue
        if first is None:
            first, kind = row, type(value)
        elif type(value) is not kind and not {type(value), kind} <= {int, float, bool}:
            shown = repr(value if not isinstance(value, str) else value[:40])
            return (
                f"{where}, row {row}: column {name!r} has {shown} ({type(value).__name__}), but "
                f"{kind.__name__} in row {first}; convert one, as by astype(str): write numbers or "
                "text in it, or drop it"
            )
    return None


def ratings_of(
    table: Any,
    scale: Scale | None = None,
    *,
    options: TableOptions = DEFAULT,
    where: str = "ratings",
    notify: Notify = to_stderr,
) -> Ratings:
    """The ratings of a table, checked; `Ratings` that were checked are given back as they are.

    scale: the one they must be on; else that of the options or of `Ratings`, or inferred. Of
    ratings of one pair the latest is kept, as of a file; notify: called with a line where that, or
    a unit of time, was assumed. Raises `InputError`.
    """
    rules = RatingRules.of_frame(options, scale)
    scale = rules.scale
    if isinstance(table, Ratings):
        if table.is_checked:
            # It may be an edition of the command line, whose options work.
            rules = replace(rules, in_memory=rules.is_fixed)
            return _with_options(table, rules, options, where, notify)
        table = _in_polars(table, where)
        if scale is not None:
            # Its values are brought into the types of the model later, whose scale it is.
            table = checked_sides(table)
        else:
            table, notes = typed_sides(table)
            for note in notes:
                notify(note)
        _say_unused(table.frame.columns, (USER, MOVIE, RATING, AT), where, notify)
        return _with_options(table, rules, options, where, notify)
    read = _columns(table, options, RATINGS, where)
    result = loaded(read, where, options, rules)
    for note in (*read.notes, *result.notes):
        notify(note)
    return result.ratings


def requests_of(table: Any, where: str = "requests", notify: Notify = to_stderr) -> Requests:
    """The requests of a table, checked: users, movies and, where it says them, times.

    Ratings in it are left out, so that no forecast can know them. notify: called with a line for
    other columns, which are not used.
    """
    if isinstance(table, Ratings):
        table = table.requests()
    if isinstance(table, Requests):
        if table.is_checked:
            return table
        table = _in_polars(table, where)
        _say_unused(table.frame.columns, (USER, MOVIE, RATING, AT), where, notify)
        return checked_requests(checked_sides(table), where)
    table = to_polars(table, where)
    used = wanted_roles(table.columns, DEFAULT, where, Needed(PAIRS.required)).values()
    _say_unused(table.columns, used, where, notify)
    frame = _columns(table, DEFAULT, PAIRS, where).frame
    frame = frame.select(name for name in (USER, MOVIE, AT) if name in frame.columns)
    return trusted(Requests(canonical_columns(frame, rows_of(where), where)[0]))


def _say_unused(columns: list[str], used: Iterable[str], where: str, notify: Notify) -> None:
    unused = [name for name in columns if name not in used]
    if unused:
        notify(f"{where}: columns not used: {listed(unused)}")


def _in_polars(table: R, where: str) -> R:
    """The table with its frames as those of polars, where they are of another library."""
    return replace(
        table,
        frame=to_polars(table.frame, where),
        movies=to_polars(table.movies, "movies"),
        users=to_polars(table.users, "users"),
    )


def _with_options(
    ratings: Ratings, rules: RatingRules, options: TableOptions, where: str, notify: Notify
) -> Ratings:
    frame, scale = ratings.frame, rules.scale or ratings.scale
    if rules.missing:
        frame = frame.with_columns(numbers_of(frame[RATING], rules, rows_of(where)))
    frame, notes = without_missing(frame, rules, where)
    frame = frame.drop(AT, strict=False) if options.no_time else frame
    for note in notes:
        notify(note)
    if ratings.is_checked and scale == ratings.scale and frame is ratings.frame:
        return ratings
    if RATING in frame.columns and frame.schema[RATING].is_numeric():
        scale_of(plain_numbers(frame[RATING]), replace(rules, scale=scale), rows_of(where))
    return checked(replace(ratings, frame=frame, scale=scale), where)


def _has_named_index(table: Any) -> bool:
    """Whether columns of a pandas frame are its index, as after `set_index` or `pivot`."""
    names = getattr(getattr(table, "index", None), "names", [])
    return any(name is not None for name in names)


def _columns(table: Any, options: TableOptions, needed: Needed, where: str) -> RoleTable:
    """The columns that are needed, and times, under the names of their roles."""
    options.refuse_file(where)
    frame, location = to_polars(table, where), rows_of(where)
    if options.wide:
        return unpivoted(RoleTable(frame, location, []), where, options)
    chosen = wanted_roles(frame.columns, options, where, needed)
    columns = frame.select(pl.col(name).alias(role) for role, name in chosen.items())
    return typed(columns, location, where, ambiguities(frame.columns, options.roles, chosen, where))
