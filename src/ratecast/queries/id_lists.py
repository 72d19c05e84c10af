"""Lists of ids for a model: of a file, in the type of the model's ids, and which are not known."""

from pathlib import Path

import numpy as np
import polars as pl

from ratecast.data.id_file import read_ids
from ratecast.modelling.contract.vocabulary import UNKNOWN, Vocabulary
from ratecast.queries.title_lookup import typed_ids
from ratecast.table_options import DEFAULT, TableOptions


def ids_in(path: Path, vocabulary: Vocabulary, options: TableOptions = DEFAULT) -> pl.Series:
    """The distinct ids in a file, known to the model or not; see `read_ids`.

    vocabulary: the model's users or movies. Raises `InputError`.
    """
    return typed_ids(vocabulary, read_ids(path, vocabulary.kind, options), str(path))


def known(vocabulary: Vocabulary, ids: pl.Series) -> pl.Series:
    """Those of the ids that the model knows."""
    return ids.filter(pl.Series(vocabulary.encode(ids) != UNKNOWN))


def unknown_note(vocabulary: Vocabulary, ids: pl.Series, consequence: str) -> str | None:
    """A line about the ids that the model does not know, if there are any: how many, and the first.

    consequence: what becomes of them.
    """
    rows = vocabulary.encode(ids)
    new = ids.filter(pl.Series(rows == UNKNOWN)).unique(maintain_order=True)
    if not len(new):
        return None
    distinct = len(np.unique(rows[rows != UNKNOWN])) + len(new)
    return (
        f"{len(new):,} of {distinct:,} {vocabulary.kind}s are not known to the model, "
        f"{new[0]!r} first; {consequence}"
    )
