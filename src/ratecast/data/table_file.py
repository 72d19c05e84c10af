"""Reads your own table of any form, whose columns are recognised by name or given."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from ratecast.column_types import WITHOUT_TIMES, Location, in_calendar
from ratecast.data.block_text import has_blocks, read_blocks
from ratecast.data.column_roles import RATINGS, REQUIRED, Needed
from ratecast.data.column_table import read_all_columns, read_columns
from ratecast.data.duplicates import keep_latest
from ratecast.data.edition_reader import Loaded, duplicates_note
from ratecast.data.file_kind import TEXT, kind_of
from ratecast.data.missing_ratings import RatingRules, numbers_of, suggestion, without_missing
from ratecast.data.parts import called, table_sources
from ratecast.data.side_columns import sides_of_rows, with_table
from ratecast.data.table_source import TableSource
from ratecast.data.text_table import RoleTable, read_all_text, read_text
from ratecast.data.timestamps import FRACTION, in_time_order, to_seconds, unknown_note
from ratecast.data.titles import GENRES, TITLE, movies_of, split_genres
from ratecast.data.wide_table import unpivoted
from ratecast.errors import InputError
from ratecast.ids import read_ids
from ratecast.ratings import (
    AT,
    MOVIE,
    RATING,
    USER,
    Ratings,
    Scale,
    trusted,
)
from ratecast.table_options import DEFAULT, TableOptions


def read_table(path: Path | Sequence[Path], options: TableOptions = DEFAULT) -> Loaded:
    """Ratings from `path`, and notes on what was assumed or dropped.

    path: a file, a folder of parts, or several files; a pattern with the option `glob`. Raises
    `InputError` with file and row for the first bad value.
    """
    table, where = read_roles(path, options)
    done = loaded(table, where, options, RatingRules.of_file(options))
    return replace(done, notes=(*table.notes, *done.notes))


def read_roles(
    path: Path | Sequence[Path], options: TableOptions, needed: Needed = RATINGS
) -> tuple[RoleTable, str]:
    """The columns of the roles in the table at `path`, every row, and what messages call it."""
    options.check()
    sources = table_sources(path, options)
    kinds = {kind_of(source, options.encoding): source.path for source in sources}
    if len(kinds) > 1:
        found = " and ".join(f"{name} is {kind}" for kind, name in kinds.items())
        raise InputError(
            f"{called(path)}: not one table: {found}; give one file, or --glob with a "
            "pattern (glob=True in Python)"
        )
    table = _read(sources, next(iter(kinds)), options, needed)
    return table, str(sources[0].path) if len(sources) == 1 else called(path)


def _read(
    sources: list[TableSource], kind: str, options: TableOptions, needed: Needed
) -> RoleTable:
    """The columns of the roles in a table of this kind."""
    if options.wide:
        has_names = True
        if kind == TEXT:
            table, has_names = read_all_text(sources, options)
        else:
            table = read_all_columns(sources, kind)
        return unpivoted(table, str(sources[0].path), options, has_names=has_names)
    if kind != TEXT:
        return read_columns(sources, kind, options, needed)
    if has_blocks(sources[0]):
        return read_blocks(sources, options)
    return read_text(sources, options, needed)


def loaded(table: RoleTable, where: str, options: TableOptions, rules: RatingRules) -> Loaded:
    """Ratings from columns that have the names of their roles, of a file or in memory.

    where: the table, for messages. Of several ratings of one pair the latest is kept. Raises
    `InputError`.
    """
    frame, location = table.frame, table.location
    # In the cells of a wide table the words are read.
    rules = rules.without_words() if options.wide else rules
    if not frame.height:
        raise InputError(f"{where}: no ratings; give a table with rows")
    if options.time_format is not None and AT not in frame.columns and not options.no_time:
        raise InputError(
            f"{where}: --time-format is given, but no column has the times; name it by --columns "
            "at=NAME (columns= in Python), or leave the format out"
        )
    frame = frame.with_columns(numbers_of(frame[RATING], rules, location))
    frame, notes = canonical_columns(frame, location, where, options.time_format)
    scale, assumed = scale_of(frame[RATING], rules, location)
    if rules.missing:
        location = _of_rows(location, frame[RATING].is_not_null().arg_true())
    frame, more = without_missing(frame, rules, where)
    notes += more
    tables = {USER: pl.DataFrame(schema={USER: frame.schema[USER]}), MOVIE: movies_in(frame)}
    for kind, side in tables.items():
        further, more = sides_of_rows(frame, kind, where, location)
        tables[kind] = with_table(side, further, where) if further.width > 1 else side
        notes += more
    wanted = (*REQUIRED, AT, FRACTION)
    frame, duplicates = keep_latest(frame.select(n for n in wanted if n in frame.columns))
    frame = in_time_order(frame)
    notes += [duplicates_note(where, duplicates)] if duplicates else []
    notes += [f"{where}: {line}" for line in assumed]
    frame = frame.with_columns(pl.col(RATING).cast(pl.Float32))
    # Each column was checked above, with the place of each row.
    ratings = trusted(Ratings(frame, tables[MOVIE], tables[USER], scale))
    return Loaded(ratings, tuple(notes))


def _of_rows(location: Location, rows: pl.Series) -> Location:
    """Where a row stands, of those that were kept. rows: their numbers before."""
    return lambda row: location(rows[row])


def canonical_columns(
    frame: pl.DataFrame, location: Location, where: str, time_format: str | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """The columns, ids and times in their types, and notes. Raises for a missing id or time.

    Fractions of a second are a column of their own, `FRACTION`, if there are any.
    """
    for name in (USER, MOVIE, AT):
        if name in frame.columns and frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            instead = f", {WITHOUT_TIMES}" if name == AT else ""
            raise InputError(f"{location(row)}: no {name}; fill it in or remove the row{instead}")
    notes: list[str] = []
    for name in (USER, MOVIE):
        ids, more = read_ids(frame[name], location)
        frame = frame.with_columns(ids)
        notes += more
    if AT not in frame.columns or not frame.height:
        return frame, notes
    seconds, fraction, note = to_seconds(frame[AT], location, time_format)
    seconds = in_calendar(seconds, frame[AT], location)
    columns = [seconds] if fraction is None else [seconds, fraction]
    assumed = [line for line in (note, unknown_note(seconds)) if line]
    return frame.with_columns(columns), notes + [f"{where}: {line}" for line in assumed]


def scale_of(ratings: pl.Series, rules: RatingRules, location: Location) -> tuple[Scale, list[str]]:
    """The scale of the ratings, inferred if not given, and what was assumed or may be wrong.

    Raises `InputError` for a rating off it. Nulls do not count.
    """
    stars = ratings.drop_nulls().unique()
    scale = rules.scale
    if scale is not None:
        bad = ~scale.holds(stars)
    else:
        bad = ~stars.is_finite() if ratings.dtype.is_float() else pl.Series([False])
    if bad.any():
        row = int(ratings.is_in(stars.filter(bad).implode()).fill_null(False).arg_max() or 0)
        fault, remedy = "is not finite", "correct or remove it"
        if scale is not None:
            fault = f"is not on the scale {scale}"
            remedy = remedy if rules.is_fixed else scale.remedy(stars)
        raise InputError(
            f"{location(row)}: rating {ratings[row]:g} {fault}; {remedy}, or give "
            f"{rules.hint(f'{ratings[row]:g}')} if it stands for not rated"
        )
    if scale is not None or not len(stars):
        return scale or Scale(0, 1), []
    scale = Scale.infer(stars)
    notes = [scale.assumption(stars), None if rules.missing else suggestion(ratings, rules)]
    return scale, [note for note in notes if note]


def movies_in(frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each movie, with title and genres from its first rating."""
    present = [name for name in (TITLE, GENRES) if name in frame.columns]
    if not present:
        return pl.DataFrame(schema={MOVIE: frame.schema[MOVIE]})
    movies = frame.select(MOVIE, *present).unique(MOVIE, keep="first", maintain_order=True)
    genres = pl.lit(None, pl.List(pl.String))
    if GENRES in present:
        is_list = isinstance(movies.schema[GENRES], pl.List)
        genres = pl.col(GENRES) if is_list else split_genres(pl.col(GENRES))
    title = pl.col(TITLE) if TITLE in present else pl.lit(None, pl.String)
    table = movies.select(movies_of(pl.col(MOVIE), title, genres))
    return table if TITLE in present else table.drop(TITLE, "year")
