"""The columns of movies and users that have a meaning of their own, and the types of others."""

import polars as pl

from ratecast.column_types import Location
from ratecast.data.column_roles import NAMES, normalized
from ratecast.data.feature_types import Typed, as_category, as_number, as_set, typed
from ratecast.data.titles import GENRES, TITLE, YEAR
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER

# Tags with the time at which each was given: as in tags.csv of MovieLens.
VALUE, GIVEN_AT = "value", "at"
TIMED_SET = pl.List(pl.Struct({VALUE: pl.String, GIVEN_AT: pl.Int64}))
LINKS = ("imdb", "tmdb")
# The columns that have a meaning of their own, by the names that are recognised.
_STANDARD = {
    MOVIE: {
        TITLE: NAMES[TITLE],
        YEAR: ("year", "releaseyear"),
        GENRES: NAMES[GENRES],
        "imdb": ("imdb", "imdbid"),
        "tmdb": ("tmdb", "tmdbid"),
    },
    USER: {
        "age": ("age",),
        "gender": ("gender", "sex"),
        "occupation": ("occupation",),
        "zip": ("zip", "zipcode"),
    },
}


def named(frame: pl.DataFrame, kind: str) -> pl.DataFrame:
    """The frame with its standard columns under their names, and no type behind a colon."""
    plain = {normalized(name): name for name in reversed(frame.columns) if name != kind}
    names = {}
    for standard, recognised in _STANDARD[kind].items():
        found = next((plain[name] for name in recognised if name in plain), None)
        if found is not None:
            names[found] = standard
    for name in frame.columns:
        short = name.partition(":")[0]
        if name not in names and short != name and short not in frame.columns:
            names[name] = short
    return frame.rename(names)


def typed_column(column: pl.Series, kind: str, location: Location) -> Typed | str:
    """The column of a user or movie in its type, or in words why it is left out."""
    name = column.name
    if column.dtype == TIMED_SET:
        return Typed(column, f"{name} set with times")
    if name not in _STANDARD[kind]:
        return typed(column, location)
    refuse_nested(column, location, lists=name == GENRES)
    if name in (TITLE, *LINKS) or column.null_count() == len(column):
        return Typed(column.cast(pl.String), name)
    if name == YEAR:
        years = as_number(column, location).column.cast(pl.Int32, strict=False)
        return Typed(years, f"{name} number")
    forms = {GENRES: as_set, "age": as_number}
    return forms[name](column, location) if name in forms else as_category(column)


def refuse_nested(column: pl.Series, location: Location, *, lists: bool) -> None:
    """Refuse values that have parts. lists: whether they may be lists."""
    kind = column.dtype
    inner = kind.inner if lists and isinstance(kind, pl.List | pl.Array) else kind
    if inner == pl.Object or (isinstance(inner, pl.DataType) and inner.is_nested()):
        form = "a list of plain values" if lists else "one value"
        raise InputError(f"{location(0)}: {column.name} is {kind}; write {form} in each row")
