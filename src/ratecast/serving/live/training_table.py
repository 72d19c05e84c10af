"""The table to learn anew from: a table of ratings, and what users gave and took back since."""

from dataclasses import replace

import polars as pl

from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, checked
from ratecast.serving.store.database import Removed, Written


def gathered(table: Ratings, written: Written) -> Ratings:
    """`table` without what was taken back or given anew, and the ratings in the store.

    Of a user who was forgotten nothing is left, side information included.
    """
    if not table.timed:
        raise InputError("refit: the table has no timestamps, so that its ratings have no order")
    store = _stored(written, table)
    forgotten = _ids([e.user for e in written.removed if e.movie is None], table.frame[USER])
    gone = _pairs([e for e in written.removed if e.movie is not None], table)
    frame = table.frame.filter(~pl.col(USER).is_in(forgotten.implode()))
    for pairs in (gone, store.select(USER, MOVIE)):
        frame = frame.join(pairs, on=[USER, MOVIE], how="anti", maintain_order="left")
    users = table.users
    if users.height:
        users = users.filter(~pl.col(USER).is_in(forgotten.cast(users.schema[USER]).implode()))
    whole = pl.concat([frame, store.select(frame.columns)])
    return checked(replace(table, frame=whole, users=users), "table and store").sorted()


def _stored(written: Written, table: Ratings) -> pl.DataFrame:
    given, frame = written.given, table.frame
    return pl.DataFrame(
        {
            USER: _ids([g.user for g in given], frame[USER]),
            MOVIE: _ids([g.movie for g in given], frame[MOVIE]),
            RATING: pl.Series([g.stars for g in given], dtype=frame.schema[RATING]),
            AT: pl.Series([g.at for g in given], dtype=frame.schema[AT]),
        }
    )


def _pairs(removed: list[Removed], table: Ratings) -> pl.DataFrame:
    users, movies = table.frame[USER], table.frame[MOVIE]
    return pl.DataFrame(
        {
            USER: _ids([e.user for e in removed], users),
            MOVIE: _ids([str(e.movie) for e in removed], movies),
        }
    )


def _ids(texts: list[str], like: pl.Series) -> pl.Series:
    """Ids of the store in the type of the table's."""
    series = pl.Series(like.name, texts, pl.String)
    try:
        return series.cast(like.dtype)
    except pl.exceptions.InvalidOperationError:
        raise InputError(
            f"store: ids of {like.name}s are not all {like.dtype}, as the table's are; "
            "give the table that the service was trained on"
        ) from None
