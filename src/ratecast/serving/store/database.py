"""Ratings given live, in a real database; a single writer, held by a lock.

SQLite (WAL, synchronous=FULL) or PostgreSQL, by SQLAlchemy. Whoever is answered knows that the
commit has reached the disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.migrate import upgrade
from ratecast.serving.store.tables import ratings, removals, users

PATIENCE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Given:
    """A rating in force. at: UTC seconds. moment: which commit wrote it. seq: its number."""

    user: str
    movie: str
    stars: float
    at: int
    moment: int
    seq: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A rating, or without a movie all of a user's, that no model may go on using."""

    user: str
    movie: str | None
    seq: int


Event = Given | Removed


@dataclass(frozen=True)
class Written:
    """Ratings in force and removals, each in the order of their numbers, up to number `last`."""

    given: list[Given]
    removed: list[Removed]
    last: int


class Store:
    """The database behind `url`, brought to the present form of its tables."""

    def __init__(self, url: str) -> None:
        self.engine = _engine(url)
        try:
            upgrade(self.engine)
        except BaseException:
            self.engine.dispose()
            raise

    def write(self, events: list[Event], fresh: list[tuple[str, int]]) -> None:
        """All of it, or nothing, in one commit; `fresh`: new users and the second they came."""
        with self.engine.begin() as connection:
            if fresh:
                connection.execute(sa.insert(users), [{"user": u, "at": at} for u, at in fresh])
            for event in events:
                if isinstance(event, Removed):
                    _remove(connection, event)
            given = [_line(event) for event in events if isinstance(event, Given)]
            if given:
                connection.execute(sa.insert(ratings), given)

    def so_far(self, after: int = 0) -> "Written":
        """What was written, later than number `after`.

        The last number is read first: what is written meanwhile has a higher one, and is left out.
        """
        last, _ = self.last()
        with self.engine.connect() as connection:
            given = connection.execute(_between(ratings, after, last)).all()
            removed = connection.execute(_between(removals, after, last)).all()
        return Written(
            [Given(r.user, r.movie, r.stars, r.at, r.moment, r.seq) for r in given],
            [Removed(r.user, r.movie, r.seq) for r in removed],
            last,
        )

    def registered(self) -> list[str]:
        """Everybody who was given an id here and was not forgotten."""
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(users.c.user)).scalars())

    def registered_at(self, user: str) -> int | None:
        """The second in which a user was given an id."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(users.c.at).where(users.c.user == user)).scalar()

    def last(self) -> tuple[int, int]:
        """The highest number and the highest moment written."""
        numbers = (
            sa.select(sa.func.max(ratings.c.seq)).scalar_subquery(),
            sa.select(sa.func.max(removals.c.seq)).scalar_subquery(),
            sa.select(sa.func.max(ratings.c.moment)).scalar_subquery(),
        )
        with self.engine.connect() as connection:
            one, two, moment = connection.execute(sa.select(*numbers)).one()
        return max(one or 0, two or 0), moment or 0

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def _between(table: sa.Table, after: int, last: int) -> sa.Select[Any]:
    seq = table.c.seq
    return sa.select(table).where(seq > after, seq <= last).order_by(seq)


def _line(event: Given) -> dict[str, object]:
    return {name: getattr(event, name) for name in Given.__slots__}


def _remove(connection: sa.Connection, event: Removed) -> None:
    gone, before = ratings.c.user == event.user, removals.c.user == event.user
    if event.movie is not None:
        gone &= ratings.c.movie == event.movie
        before &= removals.c.movie == event.movie
    connection.execute(sa.delete(ratings).where(gone))
    connection.execute(sa.delete(removals).where(before))
    if event.movie is None:
        connection.execute(sa.delete(users).where(users.c.user == event.user))
    line = {"seq": event.seq, "user": event.user, "movie": event.movie}
    connection.execute(sa.insert(removals).values(line))


def _engine(url: str) -> sa.Engine:
    try:
        asked = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InputError(
            f"database {url!r}: not an address; write sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/NAME"
        ) from None
    if asked.get_backend_name() == "sqlite":
        return _sqlite(asked)
    if asked.drivername == "postgresql":
        asked = asked.set(drivername="postgresql+psycopg")
    if asked.get_backend_name() != "postgresql":
        raise InputError(f"database {asked}: use SQLite or PostgreSQL")
    wait = {"connect_timeout": PATIENCE_SECONDS}
    return sa.create_engine(
        asked, pool_pre_ping=True, pool_timeout=PATIENCE_SECONDS, connect_args=wait
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def durable(connection, _):  # type: ignore[no-untyped-def]
        for word in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {word}")

    return engine


@contextmanager
def reachable(what: str) -> Iterator[None]:
    """Say of a database that does not answer what is wrong, in one line."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise InputError(f"database {what}: {reason}; check its address and that it runs") from None
