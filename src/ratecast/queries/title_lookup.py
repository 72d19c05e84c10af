"""Ids of users and movies from typed text: an id, or the title of a movie."""

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import count

import polars as pl

from ratecast.errors import InputError
from ratecast.ids import MOST_COUNTED, Id
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.ratings import MOVIE

TITLE = "title"


def user_id(model: Model, text: str) -> Id:
    """The id in `text`, of the type that the model's user ids have; the user may be unknown.

    Raises `InputError` where the ids are whole numbers and `text` is not.
    """
    return model.users.own_id(text)


def unused_user(model: Model) -> Id:
    """An id that no user of the model has: the number after the highest, or a text."""
    return unused_id(model.users)


def unused_id(vocabulary: Vocabulary) -> Id:
    """An id that no user or movie of the model has: the number after the highest, or a text."""
    ids = vocabulary.described[vocabulary.kind]
    if ids.dtype == pl.String:
        taken = set(ids.to_list())
        return next(name for n in count(1) if (name := f"new-{vocabulary.kind}-{n}") not in taken)
    far = set(ids.filter(ids > MOST_COUNTED).to_list())
    highest = max(0, int(str(ids.filter(ids <= MOST_COUNTED).max() or 0)))
    return next(number for number in count(highest + 1) if number not in far)


def movie_id(model: Model, text: str) -> Id:
    """The id of the movie whose title or id is `text`, known by ratings or side information.

    Raises `InputError`, with the three closest titles, where there is none or more than one.
    """
    table = model.movies.described
    if TITLE in table.columns:
        titled = table.filter(pl.col(TITLE) == text)[MOVIE].to_list()
        if len(titled) > 1:
            raise InputError(f"movie {text!r}: {len(titled)} have this title, ids {titled}")
        if titled:
            return titled[0]  # type: ignore[no-any-return]
    try:
        movie = model.movies.own_id(text)
    except InputError:
        closest = _closest_titles(table, text)
        raise InputError(f"movie {text!r}: no such title or id{closest}") from None
    if not (table[MOVIE] == movie).any():
        raise InputError(f"movie {text!r}: not known to this model{_closest_titles(table, text)}")
    return movie


def typed_ids(vocabulary: Vocabulary, ids: Iterable[str], where: str) -> pl.Series:
    """Ids that are text, in the type of the ids of `vocabulary`, known or not.

    where: of the ids, for the message of the `InputError` for one that is no id.
    """
    try:
        typed = [vocabulary.own_id(text) for text in ids]
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    return pl.Series(vocabulary.kind, typed, vocabulary.dtype)


def title(model: Model, movie: Id) -> str:
    """The title of a movie that the model knows, or its id where it has no titles."""
    table = model.movies.described
    titles = pl.coalesce(TITLE, pl.col(MOVIE).cast(pl.String)) if TITLE in table.columns else MOVIE
    return str(table.filter(pl.col(MOVIE) == movie).select(titles).item())


def _closest_titles(table: pl.DataFrame, text: str) -> str:
    names = table[TITLE if TITLE in table.columns else MOVIE].cast(pl.String).drop_nulls().to_list()
    lowered = {name.lower(): name for name in names}
    similar = get_close_matches(text.lower(), lowered, n=3, cutoff=0.3)
    containing = [key for key in lowered if text.lower() in key and key not in similar]
    closest = [lowered[key] for key in (containing + similar)[:3]]
    return "; nearest: " + ", ".join(repr(name) for name in closest) if closest else ""
