"""From what a person types to an id that a model knows."""

from difflib import get_close_matches

import polars as pl

from ratecast.errors import InputError
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import MOVIE

TITLE = "title"


def user_id(model: Model, text: str) -> int | str:
    """The user's id in the type that the model has; a new user's id is fine."""
    return _typed(model.users, text)


def movie_id(model: Model, text: str) -> int | str:
    """The id of the movie with this title or id. Raises with the nearest titles."""
    table = model.movies.table
    if TITLE in table.columns:
        titled = table.filter(pl.col(TITLE) == text)[MOVIE].to_list()
        if len(titled) > 1:
            raise InputError(f"movie {text!r}: {len(titled)} have this title, ids {titled}")
        if titled:
            return titled[0]  # type: ignore[no-any-return]
    if not _has_type(model.movies, text):
        raise InputError(f"movie {text!r}: no such title or id{_nearest(table, text)}")
    movie = _typed(model.movies, text)
    if not (table[MOVIE] == movie).any():
        raise InputError(f"movie {text!r}: not known to this model{_nearest(table, text)}")
    return movie


def title(model: Model, movie: int | str) -> str:
    """The movie's title, or its id where titles are not known."""
    table = model.movies.table
    return str(table.filter(pl.col(MOVIE) == movie)[TITLE if TITLE in table.columns else MOVIE][0])


def _has_type(vocabulary: Vocabulary, text: str) -> bool:
    if vocabulary.table.schema[vocabulary.kind] == pl.String:
        return True
    return text.removeprefix("-").isdecimal()


def _typed(vocabulary: Vocabulary, text: str) -> int | str:
    if not _has_type(vocabulary, text):
        raise InputError(f"{vocabulary.kind} {text!r}: ids of this model are whole numbers")
    return text if vocabulary.table.schema[vocabulary.kind] == pl.String else int(text)


def _nearest(table: pl.DataFrame, text: str) -> str:
    names = table[TITLE if TITLE in table.columns else MOVIE].cast(pl.String).drop_nulls().to_list()
    lowered = {name.lower(): name for name in names}
    close = get_close_matches(text.lower(), lowered, n=3, cutoff=0.3)
    part_of = [key for key in lowered if text.lower() in key and key not in close]
    nearest = [lowered[key] for key in (part_of + close)[:3]]
    return "; nearest: " + ", ".join(repr(name) for name in nearest) if nearest else ""
