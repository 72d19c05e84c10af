"""Lists of ids for a model: of a file, in the type of the model's ids, and which are known."""

from pathlib import Path

import polars as pl

from ratecast.data import is_own_table
from ratecast.data.column_roles import Needed
from ratecast.data.id_file import read_ids
from ratecast.data.table_file import read_roles
from ratecast.errors import InputError
from ratecast.ids import read_ids as read_ids_of_rows
from ratecast.ids import whole_numbers
from ratecast.modelling.contract.model import Model
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.queries.title_lookup import typed_ids
from ratecast.ratings import USER, Requests
from ratecast.table_options import DEFAULT, TableOptions


def ids_in(path: Path, vocabulary: Vocabulary, options: TableOptions = DEFAULT) -> pl.Series:
    """The distinct ids in a file, known to the model or not; see `read_ids`.

    vocabulary: the model's users or movies. Raises `InputError`.
    """
    return typed_ids(vocabulary, read_ids(path, vocabulary.kind, options), str(path))


def refuse_other_ids(model: Model, rows: Requests, source: str, options: TableOptions) -> None:
    """Raise `InputError` with file and line for the first id that cannot be one of the model.

    rows: read from `source`, a table or an edition. options: how it was read.
    """
    for vocabulary in (model.users, model.movies):
        try:
            vocabulary.own_ids(rows.frame[vocabulary.kind])
        except InputError as error:
            where = _place_of_text(vocabulary.kind, source, options)
            raise InputError(f"{where}: {error}") from None


def _place_of_text(kind: str, source: str, options: TableOptions) -> str:
    """Where the first id stands that is no whole number; the source where that is not known."""
    if not is_own_table(source, options):
        return source
    table, where = read_roles(Path(source).expanduser(), options, Needed((kind,)))
    ids = read_ids_of_rows(table.frame[kind], table.location).ids
    if ids.dtype != pl.String:
        return where
    none = whole_numbers(ids).is_null()
    return table.location(int(none.arg_max() or 0)) if none.any() else where


def is_known(model: Model, ids: pl.Series) -> pl.Series:
    """Whether the model knows each id more than any new one: (n,).

    It does by its ratings; or without any by its side information, where the model uses that. ids:
    of the type of the model's ids, called `user` or `movie`.
    """
    vocabulary = model.users if ids.name == USER else model.movies
    known = pl.Series(vocabulary.encode(ids) != UNKNOWN)
    if not model.uses_side_information or vocabulary.unrated is None:
        return known
    return known | ids.is_in(vocabulary.unrated[ids.name].implode())


def candidates(model: Model) -> pl.Series:
    """The movies that may be recommended: those known to the model, by `is_known`."""
    movies = model.movies.described[model.movies.kind]
    return movies.filter(is_known(model, movies))


def unknown_note(model: Model, ids: pl.Series, consequence: str) -> str | None:
    """A line about the ids that the model does not know, if there are any: how many, and the first.

    ids: called `user` or `movie`. consequence: what becomes of them.
    """
    vocabulary = model.users if ids.name == USER else model.movies
    ids = vocabulary.own_ids(ids)
    new = ids.filter(~is_known(model, ids)).unique(maintain_order=True)
    if not len(new):
        return None
    return (
        f"{len(new):,} of {ids.n_unique():,} {ids.name}s are not known to the model, "
        f"{new[0]!r} first; {consequence}"
    )
