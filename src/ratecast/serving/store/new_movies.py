"""The table of movies that are new to the service."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import sqlalchemy as sa

from ratecast.serving.store.tables import movies

# A value of a column of side information.
Value = float | str | list[float] | list[str]


@dataclass(frozen=True, slots=True)
class NewMovie:
    """A movie that no training table had when it came. movie: its id, as text.

    columns: side information beside genres and year, by the names of the model's columns.
    """

    movie: str
    title: str
    year: int | None = None
    genres: tuple[str, ...] = ()
    columns: Mapping[str, Value] = field(default_factory=dict)


def add_movie(engine: sa.Engine, movie: NewMovie) -> bool:
    """Write one movie, durable on return; false, and nothing, where its id is there already."""
    last = sa.select(sa.func.coalesce(sa.func.max(movies.c.number), 0) + 1).scalar_subquery()
    row = {
        "number": last,
        "movie": movie.movie,
        "title": movie.title,
        "year": movie.year,
        "genres": json.dumps(list(movie.genres)),
        "columns": json.dumps(dict(movie.columns)),
    }
    with engine.begin() as connection:
        there = sa.select(movies.c.number).where(movies.c.movie == movie.movie)
        if connection.execute(there).first() is not None:
            return False
        connection.execute(sa.insert(movies).values(row))
    return True


def stored_movies(engine: sa.Engine) -> list[NewMovie]:
    """All of them, in the order in which they came."""
    with engine.connect() as connection:
        return new_movies(connection)


def new_movies(connection: sa.Connection) -> list[NewMovie]:
    """The same, by a connection that is open."""
    rows = connection.execute(sa.select(movies).order_by(movies.c.number)).all()
    return [
        NewMovie(r.movie, r.title, r.year, tuple(json.loads(r.genres)), json.loads(r.columns))
        for r in rows
    ]
