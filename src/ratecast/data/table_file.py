"""Reads your own table, CSV or Parquet, whose columns are recognised by name or given."""

import re
from dataclasses import replace
from pathlib import Path

import polars as pl

from ratecast.column_types import Location, in_calendar, plain_numbers, whole_numbers
from ratecast.data.column_roles import REQUIRED, ambiguities, wanted_roles
from ratecast.data.delimited import DelimitedFile, RowError, Type, header
from ratecast.data.duplicates import keep_latest
from ratecast.data.edition_reader import Loaded, duplicates_note
from ratecast.data.missing_ratings import is_missing, suggestion, without_missing
from ratecast.data.timestamps import FRACTION, in_time_order, to_seconds
from ratecast.data.titles import GENRES, TITLE, movies_of, split_genres
from ratecast.errors import InputError
from ratecast.ratings import (
    AT,
    MOVIE,
    RATING,
    USER,
    Ratings,
    Scale,
    checked,
)
from ratecast.table_options import DEFAULT, TableOptions

_SEPARATORS = ",\t;|"
_SAMPLE_ROWS = 1000
_COMPRESSED = (b"PK", b"\x1f\x8b", b"\x28\xb5", b"BZ")
# No leading zero: 007 and 7 would become one id.
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
# Nanoseconds have 19 digits.
_WHOLE_TIME = re.compile(r"-?\d{1,19}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def read_table(path: Path, options: TableOptions = DEFAULT) -> Loaded:
    """Ratings from `path`, and notes on what was assumed or dropped.

    Raises `InputError` with file and row for the first bad value.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] in _COMPRESSED:
        raise InputError(f"{path}: compressed; unpack it, or use ratecast data fetch --from")
    read = _read_parquet if magic == b"PAR1" else _read_text
    frame, location, notes = read(path, options)
    done = loaded(frame, location, str(path), options, scale_given(options))
    return replace(done, notes=(*notes, *done.notes))


def loaded(
    frame: pl.DataFrame,
    location: Location,
    where: str,
    options: TableOptions,
    scale: Scale | None,
) -> Loaded:
    """Ratings from columns that have the names of their roles, of a file or in memory.

    location, where: of a row, and of the table, for messages. scale: inferred if None. Of several
    ratings of one pair the latest is kept. Raises `InputError`.
    """
    if not frame.height:
        raise InputError(f"{where}: no ratings; give a table with rows")
    frame, notes = canonical_columns(frame, location, where, options.time_format)
    scale, assumed = scale_of(frame[RATING], scale, options.missing_values, location)
    notes += [f"{where}: {assumed}"] if assumed else []
    frame, more = without_missing(frame, options.missing_values, where)
    notes += more
    movies = _movies(frame)
    wanted = (*REQUIRED, AT, FRACTION)
    frame, duplicates = keep_latest(frame.select(n for n in wanted if n in frame.columns))
    frame = in_time_order(frame)
    notes += [duplicates_note(where, duplicates)] if duplicates else []
    users = pl.DataFrame(schema={USER: frame.schema[USER]})
    return Loaded(checked(Ratings(frame, movies, users, scale), where), tuple(notes))


def canonical_columns(
    frame: pl.DataFrame, location: Location, where: str, time_format: str | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """The columns, ids and times in their types, and notes. Raises for a missing value.

    Fractions of a second are a column of their own, `FRACTION`, if there are any.
    """
    for name in (USER, MOVIE, RATING, AT):
        if name in frame.columns and frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            raise InputError(f"{location(row)}: no {name}; fill it in or remove the row")
    frame = frame.with_columns(whole_ids(frame[name], location) for name in (USER, MOVIE))
    if RATING in frame.columns:
        frame = frame.with_columns(plain_numbers(frame[RATING]))
    if AT not in frame.columns or not frame.height:
        return frame, []
    seconds, fraction, note = to_seconds(frame[AT], location, time_format)
    seconds = in_calendar(seconds, frame[AT], location)
    columns = [seconds] if fraction is None else [seconds, fraction]
    return frame.with_columns(columns), [f"{where}: {note}"] if note else []


def _read_parquet(path: Path, options: TableOptions) -> tuple[pl.DataFrame, Location, list[str]]:
    try:
        names = list(pl.read_parquet_schema(path))
        chosen = wanted_roles(names, options, path)
        wanted = list(dict.fromkeys(chosen.values()))
        frame = pl.read_parquet(path, columns=wanted, glob=False)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: cannot be read ({error}); write it again") from None
    return (
        frame.select(pl.col(name).alias(role) for role, name in chosen.items()),
        lambda row: f"{path}, row {row + 1}",
        ambiguities(names, options.roles, chosen, path),
    )


def _read_text(path: Path, options: TableOptions) -> tuple[pl.DataFrame, Location, list[str]]:
    separator = _separator(path)
    names = header(path, separator)
    chosen = wanted_roles(names, options, path)
    types = _types(path, separator, chosen)
    if options.time_format is not None and AT in chosen:
        types[chosen[AT]] = pl.String
    source = DelimitedFile(path, types, separator)
    notes = ambiguities(names, options.roles, chosen, path)
    while True:
        try:
            frame = source.read()
            break
        except RowError as error:
            source = _with_text_ids(source, chosen, error)
            notes.append(f"{error}".removesuffix("; correct it") + "; the column is read as text")
    frame = frame.select(pl.col(name).alias(role) for role, name in chosen.items())
    return frame, source.location, notes


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
    if not first.strip():
        raise InputError(f"{path}, line 1: empty; write the column names in the first line")
    return max(_SEPARATORS, key=first.count)


def _types(path: Path, separator: str, chosen: dict[str, str]) -> dict[str, Type]:
    """The type of each chosen column, guessed from the first rows."""
    names = header(path, separator)
    rows = DelimitedFile(path, dict.fromkeys(names, pl.String), separator).sample(_SAMPLE_ROWS)
    types: dict[str, Type] = {}
    for role, name in chosen.items():
        k = names.index(name)
        values = [row[k].strip() for row in rows if k < len(row) and row[k].strip()]
        types.setdefault(name, _type(role, values))
    return types


def _type(role: str, values: list[str]) -> Type:
    if role == RATING:
        return pl.Float32
    if role in (USER, MOVIE):
        return pl.Int64 if all(map(_WHOLE.fullmatch, values)) else pl.String
    if role == AT and _mostly(_WHOLE_TIME, values):
        return pl.Int64 if all(map(_WHOLE_TIME.fullmatch, values)) else pl.Float64
    return pl.Float64 if role == AT and _mostly(_NUMBER, values) else pl.String


def _mostly(pattern: re.Pattern[str], values: list[str]) -> bool:
    """Whether it matches most values, so that one bad value does not decide the type."""
    return sum(map(bool, map(pattern.fullmatch, values))) * 2 > len(values)


def _with_text_ids(source: DelimitedFile, chosen: dict[str, str], error: RowError) -> DelimitedFile:
    """The source with the ids of the faulty column as text; other faults are raised again."""
    ids = {chosen[USER], chosen[MOVIE]}
    if error.column not in ids or source.columns[error.column] == pl.String:
        raise error
    return replace(source, columns=source.columns | {error.column: pl.String})


def whole_ids(ids: pl.Series, location: Location) -> pl.Series:
    """Ids as Int64 or String; floats that are whole numbers become Int64."""
    if ids.dtype.is_float():
        # pandas stores integers as floats in a column with a missing value.
        fractional = ~((ids == ids.floor()) & (ids.abs() < 2.0**63))
        if fractional.any():
            row = int(fractional.arg_max() or 0)
            where = f"{location(row)}: {ids.name} {ids[row]}"
            raise InputError(f"{where} is not an integer; write integer or text ids")
        return ids.cast(pl.Int64)
    if isinstance(ids.dtype, pl.Enum | pl.Categorical):
        return ids.cast(pl.String)
    if ids.dtype == pl.String or not len(ids):
        return ids
    if not ids.dtype.is_integer():
        about = f"{location(0)}: ids of {ids.name!r} are {ids.dtype}"
        raise InputError(f"{about}; use integers or strings")
    return whole_numbers(ids, location)


def scale_given(options: TableOptions) -> Scale | None:
    """The scale, if the options have one."""
    return None if options.scale is None else Scale.parse(options.scale)


def scale_of(
    ratings: pl.Series, scale: Scale | None, missing: list[float], location: Location
) -> tuple[Scale, str | None]:
    """The scale of the ratings, inferred if not given, and a note on what may be wrong with it.

    Raises `InputError` for a rating off it. Values that stand for "not rated" do not count.
    """
    if not ratings.dtype.is_numeric():
        raise InputError(f"{location(0)}: ratings are {ratings.dtype}; write numbers")
    stars = ratings.unique()
    stars = stars.filter(~is_missing(stars, missing)) if missing else stars
    bad = ~stars.is_finite() if ratings.dtype.is_float() else pl.Series([False])
    if scale is not None:
        bad = ~scale.holds(stars)
    if bad.any():
        row = int(ratings.is_in(stars.filter(bad).implode()).arg_max() or 0)
        fault = "is not finite" if scale is None else f"is not on the scale {scale}"
        raise InputError(
            f"{location(row)}: rating {ratings[row]:g} {fault}; correct or remove it, or give "
            f"--missing {ratings[row]:g} if it stands for not rated"
        )
    if scale is not None or not len(stars):
        return scale or Scale(0, 1), None
    return Scale.infer(stars), None if missing else suggestion(ratings)


def _movies(frame: pl.DataFrame) -> pl.DataFrame:
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
