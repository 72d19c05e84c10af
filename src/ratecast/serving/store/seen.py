"""The table of movies that users have seen without rating them."""

from typing import NamedTuple

import sqlalchemy as sa

from ratecast.serving.store.tables import seen


class SeenMark(NamedTuple):
    """A user has seen a movie. at: UTC seconds of the mark."""

    user: str
    movie: str
    at: int


def add_mark(engine: sa.Engine, mark: SeenMark) -> None:
    """Write the mark, in place of an earlier one; durable on return."""
    with engine.begin() as connection:
        connection.execute(_deletion(mark.user, mark.movie))
        connection.execute(sa.insert(seen).values(mark._asdict()))


def remove_mark(engine: sa.Engine, user: str, movie: str) -> None:
    """Delete the mark, if it is there."""
    with engine.begin() as connection:
        connection.execute(_deletion(user, movie))


def forget_marks(connection: sa.Connection, user: str) -> None:
    """Delete all marks of a user, in the transaction of the connection."""
    connection.execute(sa.delete(seen).where(seen.c.user == user))


def seen_marks(connection: sa.Connection) -> list[SeenMark]:
    """All marks, in order of their time."""
    rows = connection.execute(sa.select(seen).order_by(seen.c.at)).all()
    return [SeenMark(r.user, r.movie, r.at) for r in rows]


def _deletion(user: str, movie: str) -> sa.Delete:
    return sa.delete(seen).where(seen.c.user == user, seen.c.movie == movie)
