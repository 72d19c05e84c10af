"""A table of the user's own, CSV or Parquet, with columns that are recognised or named."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from ratecast.data.delimited import RowError, Sheet, Type, header
from ratecast.data.duplicates import keep_latest
from ratecast.data.edition_reader import Read, repeats_note
from ratecast.data.timestamps import Place, to_seconds
from ratecast.data.titles import GENRES, TITLE, movies_of, split_genres
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, Scale, checked

# By role, the names that are recognised, best first; case, spaces and underscores do not matter.
NAMES = {
    USER: ("userid", "user", "uid", "viewer", "customerid", "reviewerid"),
    MOVIE: ("movieid", "itemid", "movie", "item", "mid", "iid", "film", "filmid", "asin", "title"),
    RATING: ("rating", "stars", "score", "ratings", "overall"),
    AT: ("timestamp", "time", "at", "datetime", "date", "ratedat", "unixreviewtime"),
    TITLE: ("title", "movietitle", "itemtitle", "name"),
    GENRES: ("genres", "genre"),
}
NEEDED = (USER, MOVIE, RATING)
_SEPARATORS = ",\t;|"
_SAMPLE = 1000
_PACKED = (b"PK", b"\x1f\x8b", b"\x28\xb5", b"BZ")
# No leading zero: 007 and 7 would become one id.
_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def read_table(
    path: Path, columns: Mapping[str, str] | None = None, scale: Scale | None = None
) -> Read:
    """Ratings from `path`, and notes on what was assumed or left out.

    columns: role (user, movie, rating, at, title, genres) to the name of its column; the roles
    that it leaves out are recognised. scale: inferred from the ratings where it is not given.
    """
    with path.open("rb") as file:
        magic = file.read(4)
    if magic[:2] in _PACKED:
        raise InputError(f"{path}: packed; unpack it, or use ratecast data fetch --from")
    read = _read_parquet if magic == b"PAR1" else _read_text
    frame, place, notes = read(path, columns or {})
    _refuse_empty(frame, place, path)
    frame = frame.with_columns(whole_ids(frame[USER], place), whole_ids(frame[MOVIE], place))
    if AT in frame.columns:
        seconds, note = to_seconds(frame[AT], place)
        frame = frame.with_columns(seconds)
        notes += [f"{path}: {note}"] if note else []
    scale = scale_of(frame[RATING], scale, place)
    side = _movies(frame)
    frame, repeats = keep_latest(frame.select(n for n in (*NEEDED, AT) if n in frame.columns))
    notes += [repeats_note(str(path), repeats)] if repeats else []
    people = pl.DataFrame(schema={USER: frame.schema[USER]})
    return Read(checked(Ratings(frame, side, people, scale), str(path)), tuple(notes))


def roles(
    names: list[str],
    columns: Mapping[str, str],
    path: Path | str,
    needed: tuple[str, ...] = NEEDED,
) -> dict[str, str]:
    """Role to column name: as given, else recognised. `InputError` where a needed one lacks."""
    for role, name in columns.items():
        if role not in NAMES:
            raise InputError(f"columns: no role {role!r}; roles are {', '.join(NAMES)}")
        if name not in names:
            raise InputError(f"{path}: no column {name!r}; columns are {', '.join(names)}")
    found = dict(columns)
    plain = {_plain(name): name for name in reversed(names)}
    for role, known in NAMES.items():
        word = next((word for word in known if word in plain), None)
        if role not in found and word is not None:
            found[role] = plain[word]
    for role in needed:
        if role not in found:
            raise InputError(
                f"{path}: no column for {role}; columns are {', '.join(names)}; "
                f"name it, as in {role}=NAME"
            )
    return found


def _choices(
    names: list[str], columns: Mapping[str, str], chosen: dict[str, str], path: Path
) -> list[str]:
    """What is to be said where more than one column would do for a role."""
    notes = []
    for role in {USER, MOVIE, RATING, AT} & chosen.keys() - columns.keys():
        words = [word for word in NAMES[role] if word != TITLE]
        others = [n for n in names if _plain(n) in words and n not in chosen.values()]
        if others:
            taken = f"{path}: {role} is taken from column {chosen[role]}"
            notes.append(f"{taken}, not {' or '.join(others)}")
    return sorted(notes)


def _plain(name: str) -> str:
    # recbole writes user_id:token.
    return re.sub(r"[\s_\-.]", "", name.partition(":")[0]).lower()


def _read_parquet(path: Path, columns: Mapping[str, str]) -> tuple[pl.DataFrame, Place, list[str]]:
    try:
        names = list(pl.read_parquet_schema(path))
        chosen = roles(names, columns, path)
        frame = pl.read_parquet(path, columns=list(dict.fromkeys(chosen.values())))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{path}: cannot be read ({error}); write it again") from None
    return (
        frame.select(pl.col(name).alias(role) for role, name in chosen.items()),
        lambda row: f"{path}, row {row + 1}",
        _choices(names, columns, chosen, path),
    )


def _read_text(path: Path, columns: Mapping[str, str]) -> tuple[pl.DataFrame, Place, list[str]]:
    separator = _separator(path)
    chosen = roles(header(path, separator), columns, path)
    sheet = Sheet(path, _types(path, separator, chosen), separator)
    notes = _choices(header(path, separator), columns, chosen, path)
    while True:
        try:
            frame = sheet.read()
            break
        except RowError as error:
            sheet = _wider(sheet, chosen, error)
            notes.append(f"{error}".removesuffix("; correct it") + "; all its column is text now")
    frame = frame.select(pl.col(name).alias(role) for role, name in chosen.items())
    return frame, sheet.place, notes


def _separator(path: Path) -> str:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        first = file.readline()
    if not first.strip():
        raise InputError(f"{path}, line 1: empty; the first line must name the columns")
    return max(_SEPARATORS, key=first.count)


def _types(path: Path, separator: str, chosen: dict[str, str]) -> dict[str, Type]:
    """The type of each chosen column, as its first rows suggest."""
    names = header(path, separator)
    rows = Sheet(path, dict.fromkeys(names, pl.String), separator).sample(_SAMPLE)
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
    if role == AT and _most(_WHOLE, values):
        return pl.Int64 if all(map(_WHOLE.fullmatch, values)) else pl.Float64
    return pl.Float64 if role == AT and _most(_NUMBER, values) else pl.String


def _most(pattern: re.Pattern[str], values: list[str]) -> bool:
    """Whether it matches most values, so that one bad value does not choose the type."""
    return sum(map(bool, map(pattern.fullmatch, values))) * 2 > len(values)


def _wider(sheet: Sheet, chosen: dict[str, str], error: RowError) -> Sheet:
    """The sheet with the ids of the faulty column as text; other faults are raised again."""
    ids = {chosen[USER], chosen[MOVIE]}
    if error.column not in ids or sheet.columns[error.column] == pl.String:
        raise error
    return replace(sheet, columns=sheet.columns | {error.column: pl.String})


def _refuse_empty(frame: pl.DataFrame, place: Place, path: Path) -> None:
    if not frame.height:
        raise InputError(f"{path}: no ratings in it; give a file with rows")
    for name in (USER, MOVIE, RATING, AT):
        if name in frame.columns and frame[name].null_count():
            row = int(frame[name].is_null().arg_max() or 0)
            raise InputError(f"{place(row)}: no {name}; fill it or leave the row out")


def whole_ids(ids: pl.Series, place: Place) -> pl.Series:
    """Ids as whole numbers or text: floats that are whole become whole numbers."""
    if ids.dtype.is_float():
        # What pandas makes of whole numbers beside a gap.
        odd = ~((ids == ids.floor()) & ids.is_finite())
        if odd.any():
            row = int(odd.arg_max() or 0)
            raise InputError(f"{place(row)}: {ids.name} {ids[row]} is not whole; write whole ids")
        return ids.cast(pl.Int64)
    if isinstance(ids.dtype, pl.Enum | pl.Categorical):
        return ids.cast(pl.String)
    return ids.cast(pl.Int64) if ids.dtype.is_integer() else ids


def scale_of(ratings: pl.Series, scale: Scale | None, place: Place) -> Scale:
    """The scale of the ratings: inferred where it is not given. Raises for a rating off it."""
    if not ratings.dtype.is_numeric():
        raise InputError(f"{place(0)}: ratings are {ratings.dtype}; write numbers")
    stars = ratings.unique()
    bad = ~stars.is_finite() if ratings.dtype.is_float() else pl.Series([False])
    if scale is not None:
        bad = ~scale.holds(stars)
    if bad.any():
        row = int(ratings.is_in(stars.filter(bad).implode()).arg_max() or 0)
        wanted = "is no number of stars" if scale is None else f"is not on the scale {scale}"
        raise InputError(f"{place(row)}: rating {ratings[row]:g} {wanted}; correct or remove it")
    return scale or Scale.infer(stars)


def _movies(frame: pl.DataFrame) -> pl.DataFrame:
    """One line for each movie: what the table says of it at its first row."""
    there = [name for name in (TITLE, GENRES) if name in frame.columns]
    if not there:
        return pl.DataFrame(schema={MOVIE: frame.schema[MOVIE]})
    movies = frame.select(MOVIE, *there).unique(MOVIE, keep="first", maintain_order=True)
    genres = pl.lit(None, pl.List(pl.String))
    if GENRES in there:
        listed = isinstance(movies.schema[GENRES], pl.List)
        genres = pl.col(GENRES) if listed else split_genres(pl.col(GENRES))
    title = pl.col(TITLE) if TITLE in there else pl.lit(None, pl.String)
    side = movies.select(movies_of(pl.col(MOVIE), title, genres))
    return side if TITLE in there else side.drop(TITLE, "year")
