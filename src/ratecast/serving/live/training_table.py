"""The training table of a refit: a table of ratings, updated with the events of the store."""

from dataclasses import replace

import polars as pl

from ratecast.errors import InputError
from ratecast.ids import whole_numbers
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings, checked
from ratecast.serving.live.movie_columns import movie_columns
from ratecast.serving.store.database import RemovalEvent, StoredEvents
from ratecast.serving.store.new_movies import NewMovie


def training_table(table: Ratings, stored: StoredEvents) -> Ratings:
    """`table` without deleted and replaced ratings, plus the ratings and movies in the store.

    Deleted users are removed, with their side information. The rows are in time order; a table
    without times stays one, and its rows come before those of the store. Raises `InputError` for
    ids of another type.
    """
    new = _rating_rows(stored, table)
    forgotten, deleted = _forgotten(stored, table), _pairs(stored.removals, table)
    frame = table.frame.filter(~pl.col(USER).is_in(forgotten.implode()))
    for pairs in (deleted, new.select(USER, MOVIE)):
        frame = frame.join(pairs, on=[USER, MOVIE], how="anti", maintain_order="left")
    users = table.users
    if users.height:
        users = users.filter(~pl.col(USER).is_in(forgotten.cast(users.schema[USER]).implode()))
    whole = pl.concat([frame, new.select(frame.columns)])
    movies = _with_new_movies(table, stored.movies)
    joined = checked(replace(table, frame=whole, users=users, movies=movies), "table and store")
    return joined.sorted() if table.timed else joined


def _rating_rows(stored: StoredEvents, table: Ratings) -> pl.DataFrame:
    events, frame = stored.ratings, table.frame
    return pl.DataFrame(
        {
            USER: _ids([e.user for e in events], frame[USER]),
            MOVIE: _ids([e.movie for e in events], frame[MOVIE]),
            RATING: pl.Series([e.stars for e in events], dtype=frame.schema[RATING]),
            AT: pl.Series([e.at for e in events], dtype=pl.Int64),
        }
    )


def _forgotten(stored: StoredEvents, table: Ratings) -> pl.Series:
    """Deleted users who are in the table, by a rating or by side information alone."""
    users = table.frame[USER]
    known = pl.concat([ids.unique().cast(pl.String) for ids in (users, table.users[USER])])
    return _ids(stored.deleted.among(known.unique().to_list()), users)


def _with_new_movies(table: Ratings, new: list[NewMovie]) -> pl.DataFrame:
    """The movies of the table, then those of the store that it has not."""
    if not new:
        return table.movies
    ids = _ids([movie.movie for movie in new], table.frame[MOVIE])
    known = table.movies.cast({MOVIE: ids.dtype})
    lines = movie_columns(new, ids.to_list(), known)
    lines = lines.filter(~pl.col(MOVIE).is_in(known[MOVIE].implode()))
    return pl.concat([known, lines], how="diagonal")


def _pairs(removals: list[RemovalEvent], table: Ratings) -> pl.DataFrame:
    users, movies = table.frame[USER], table.frame[MOVIE]
    return pl.DataFrame(
        {
            USER: _ids([e.user for e in removals], users),
            MOVIE: _ids([str(e.movie) for e in removals], movies),
        }
    )


def _ids(texts: list[str], like: pl.Series) -> pl.Series:
    """Ids of the store, in the type of the table's ids."""
    series = pl.Series(like.name, texts, pl.String)
    if like.dtype == pl.String:
        return series
    numbers = whole_numbers(series)
    if numbers.null_count():
        raise InputError(
            f"store: ids of {like.name}s are not all {like.dtype}, as the table's are; "
            "give the table that the service was trained on"
        )
    return numbers
