"""Movies that are new to the service as side information, in the types of a known table."""

from collections.abc import Sequence

import polars as pl

from ratecast.data.side_columns import like_known
from ratecast.data.titles import GENRES, TITLE, YEAR
from ratecast.errors import InputError
from ratecast.ids import Id
from ratecast.ratings import MOVIE
from ratecast.serving.store.new_movies import NewMovie, Value

_FORMS = {TITLE: pl.String(), YEAR: pl.Int32(), GENRES: pl.List(pl.String)}


def movie_columns(
    movies: Sequence[NewMovie], ids: Sequence[Id], known: pl.DataFrame
) -> pl.DataFrame:
    """A line for each movie: title, year, genres, and what else `known` has a column for.

    ids: of the movies, in the type of those in `known`. A value that does not fit its column, as
    after a change of the training table, is left out.
    """
    key = pl.Series(MOVIE, ids, known.schema[MOVIE])
    columns = [key]
    for name in dict.fromkeys((*_FORMS, *known.columns[1:])):
        values = [_value(movie, name) for movie in movies]
        if any(value is not None for value in values):
            columns.append(_fitting(values, name, known))
    return pl.DataFrame(columns)


def require_fitting(movie: NewMovie, known: pl.DataFrame) -> None:
    """Raise `InputError` for a column that `known` has not, or a value that does not fit it."""
    names = [name for name in known.columns[1:] if name not in _FORMS]
    for name, value in movie.columns.items():
        if name not in names:
            shown = ", ".join(names[:20]) or "none"
            raise InputError(f"{name[:80]}: no column of the served model; it has {shown}")
        _typed([value], name, known)


def _value(movie: NewMovie, name: str) -> Value | None:
    if name == GENRES:
        return list(movie.genres)
    return {TITLE: movie.title, YEAR: movie.year}.get(name, movie.columns.get(name))


def _fitting(values: list[Value | None], name: str, known: pl.DataFrame) -> pl.Series:
    try:
        return _typed(values, name, known)
    except InputError:
        return pl.concat([_one_fitting(value, name, known) for value in values])


def _one_fitting(value: Value | None, name: str, known: pl.DataFrame) -> pl.Series:
    try:
        return _typed([value], name, known)
    except InputError:
        return pl.Series(name, [None], known.schema[name])


def _typed(values: list[Value | None], name: str, known: pl.DataFrame) -> pl.Series:
    """The values in the type of the known column. Raises `InputError` for one that does not fit."""
    form = known.schema.get(name)
    if form == pl.String and any(isinstance(value, list) for value in values):
        values = ["|".join(map(str, v)) if isinstance(v, list) else v for v in values]
    try:
        given = pl.Series(name, values, None if form is not None else _FORMS[name])
    except (TypeError, pl.exceptions.PolarsError):
        raise InputError(f"{name}: not a value of this column, whose type is {form}") from None
    if form is None:
        return given
    rows = pl.Series(MOVIE, range(len(values)), pl.Int64)
    like = pl.DataFrame([rows.clear(), known[name].clear()])
    return like_known(pl.DataFrame([rows, given]), like)[name]
