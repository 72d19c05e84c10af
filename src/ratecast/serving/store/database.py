"""The database of ratings given to the service: SQLite or PostgreSQL, through SQLAlchemy.

One process writes to it (see `lock`). SQLite runs with WAL and synchronous=FULL, so a commit is on
the disk when it returns.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.migrate import upgrade
from ratecast.serving.store.new_movies import NewMovie, new_movies
from ratecast.serving.store.seen import SeenMark, forget_marks, seen_marks
from ratecast.serving.store.tables import ratings, removals, users

TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class RatingEvent:
    """A current rating. at: UTC seconds. commit: number of its commit. seq: sequence number."""

    user: str
    movie: str
    stars: float
    at: int
    commit: int
    seq: int


@dataclass(frozen=True, slots=True)
class RemovalEvent:
    """A deleted rating; movie None: a deleted user."""

    user: str
    movie: str | None
    seq: int


Event = RatingEvent | RemovalEvent


@dataclass(frozen=True)
class StoredEvents:
    """Current ratings, and removals, in order of sequence number. last: the highest number read.

    movies: all that are new to the service. seen: all marks of movies seen without a rating.
    """

    ratings: list[RatingEvent]
    removals: list[RemovalEvent]
    last: int
    movies: list[NewMovie] = field(default_factory=list)
    seen: list[SeenMark] = field(default_factory=list)


class Store:
    """The database at `url`; creates its tables, or migrates them to the newest version."""

    def __init__(self, url: str | sa.URL) -> None:
        self.engine = _engine(url)
        try:
            upgrade(self.engine)
        except BaseException:
            self.engine.dispose()
            raise

    def write(self, events: list[Event], registrations: list[tuple[str, int]]) -> None:
        """Write everything in one transaction. registrations: new users, and UTC seconds."""
        with self.engine.begin() as connection:
            if registrations:
                connection.execute(
                    sa.insert(users), [{"user": u, "at": at} for u, at in registrations]
                )
            for event in events:
                if isinstance(event, RemovalEvent):
                    _remove(connection, event)
            rows = [_row(event) for event in events if isinstance(event, RatingEvent)]
            if rows:
                connection.execute(sa.insert(ratings), rows)

    def events_since(self, after: int = 0) -> StoredEvents:
        """Events with a sequence number above `after`.

        The last number is read first; events that are written meanwhile are left out.
        """
        last, _ = self.last_numbers()
        with self.engine.connect() as connection:
            rated = connection.execute(_between(ratings, after, last)).all()
            deleted = connection.execute(_between(removals, after, last)).all()
            movies, seen = new_movies(connection), seen_marks(connection)
        return StoredEvents(
            [RatingEvent(r.user, r.movie, r.stars, r.at, r.moment, r.seq) for r in rated],
            [RemovalEvent(r.user, r.movie, r.seq) for r in deleted],
            last,
            movies,
            seen,
        )

    def registered_users(self) -> list[str]:
        """Registered users that were not deleted."""
        with self.engine.connect() as connection:
            return list(connection.execute(sa.select(users.c.user)).scalars())

    def registered_at(self, user: str) -> int | None:
        """UTC second of a user's registration, or None."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(users.c.at).where(users.c.user == user)).scalar()

    def last_numbers(self) -> tuple[int, int]:
        """The highest sequence number and the highest commit number, 0 if there is none."""
        numbers = (
            sa.select(sa.func.max(ratings.c.seq)).scalar_subquery(),
            sa.select(sa.func.max(removals.c.seq)).scalar_subquery(),
            sa.select(sa.func.max(ratings.c.moment)).scalar_subquery(),
        )
        with self.engine.connect() as connection:
            rated, deleted, commit = connection.execute(sa.select(*numbers)).one()
        return max(rated or 0, deleted or 0), commit or 0

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


def _between(table: sa.Table, after: int, last: int) -> sa.Select[Any]:
    seq = table.c.seq
    return sa.select(table).where(seq > after, seq <= last).order_by(seq)


def _row(event: RatingEvent) -> dict[str, object]:
    """A row of the table; its column `moment` holds the commit number."""
    return {
        "seq": event.seq,
        "moment": event.commit,
        "user": event.user,
        "movie": event.movie,
        "stars": event.stars,
        "at": event.at,
    }


def _remove(connection: sa.Connection, event: RemovalEvent) -> None:
    rated, deleted = ratings.c.user == event.user, removals.c.user == event.user
    if event.movie is not None:
        rated &= ratings.c.movie == event.movie
        deleted &= removals.c.movie == event.movie
    connection.execute(sa.delete(ratings).where(rated))
    connection.execute(sa.delete(removals).where(deleted))
    if event.movie is None:
        connection.execute(sa.delete(users).where(users.c.user == event.user))
        forget_marks(connection, event.user)
    row = {"seq": event.seq, "user": event.user, "movie": event.movie}
    connection.execute(sa.insert(removals).values(row))


def _engine(url: str | sa.URL) -> sa.Engine:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InputError(
            f"database {url!r}: not a database URL; write sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/NAME"
        ) from None
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "postgresql":
        raise InputError(f"database {address}: use SQLite or PostgreSQL")
    wait = {"connect_timeout": TIMEOUT_SECONDS}
    return sa.create_engine(
        address, pool_pre_ping=True, pool_timeout=TIMEOUT_SECONDS, connect_args=wait
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": TIMEOUT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection, _):  # type: ignore[no-untyped-def]
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def reachable(url: str | sa.URL) -> Iterator[None]:
    """Turn an error of the database into an `InputError` of one line."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise InputError(
            f"database {url}: {reason}; check the URL and that the database is running"
        ) from None
