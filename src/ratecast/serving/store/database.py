"""The database of ratings given to the service: SQLite or PostgreSQL, through SQLAlchemy.

One process writes to it (see `lock`). SQLite runs with WAL and synchronous=FULL, so a commit is on
the disk when it returns, and with secure_delete, so that what is deleted is overwritten.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ratecast.ids import HIGHEST
from ratecast.serving.store.deleted_users import DeletedUsers, digest_of_user
from ratecast.serving.store.engine import TIMEOUT_SECONDS, engine_of
from ratecast.serving.store.lock import lock_of
from ratecast.serving.store.migrate import upgrade
from ratecast.serving.store.new_movies import NewMovie, new_movies
from ratecast.serving.store.seen import SeenMark, forget_marks, seen_marks
from ratecast.serving.store.tables import deleted_users, digest_key, ratings, removals, seen, users

# While it is emptied, the log is locked for writes.
LOG_TIMEOUT_MS = 100


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
    """Current ratings, and deleted ones, in order of sequence number, and the deleted users.

    last: the highest number read. movies: all that are new to the service. seen: all marks of
    movies seen without a rating.
    """

    ratings: list[RatingEvent]
    removals: list[RemovalEvent]
    last: int
    deleted: DeletedUsers = field(default_factory=DeletedUsers)
    movies: list[NewMovie] = field(default_factory=list)
    seen: list[SeenMark] = field(default_factory=list)


class Store:
    """The database at `url`; creates its tables, or migrates them to the newest version.

    holds_deleted: whether the log of SQLite may still hold what was deleted. deletions: of users,
    in this process. lock: the right to write to it. Raises `InputError` for what is no database on
    a disk, and for tables to migrate that another service writes to.
    """

    def __init__(self, url: str | sa.URL) -> None:
        self.engine, self.holds_deleted, self.deletions = engine_of(url), True, 0
        try:
            self.lock = lock_of(self.engine)
            upgrade(self.engine, self.lock)
            self._erase_what_is_older()
            with self.engine.connect() as connection:
                self._key = connection.execute(sa.select(digest_key.c.key)).scalar_one()
        except BaseException:
            self.engine.dispose()
            raise

    def write(self, events: list[Event], registrations: list[tuple[str, int]]) -> None:
        """Write everything in one transaction. registrations: new users, and UTC seconds.

        Raises `LostLockError` where the lock is not held; then nothing was written.
        """
        with self.lock.transaction() as connection:
            if registrations:
                connection.execute(
                    sa.insert(users), [{"user": u, "at": at} for u, at in registrations]
                )
            for event in events:
                if isinstance(event, RemovalEvent):
                    self.holds_deleted, self.deletions = True, self.deletions + (not event.movie)
                    _remove(connection, event, self._key)
            rows = [_row(event) for event in events if isinstance(event, RatingEvent)]
            if rows:
                connection.execute(sa.insert(ratings), rows)

    def check(self, *, by_writing: bool) -> None:
        """Raise what a write would raise now: of the lock, or, by writing, of the disk too."""
        with self.lock.transaction() as connection:
            same = "UPDATE alembic_version SET version_num = version_num"
            connection.execute(sa.text(same if by_writing else "SELECT 1"))

    def events_since(self, after: int = 0) -> StoredEvents:
        """Events with a sequence number above `after`.

        The last number is read first; events that are written meanwhile are left out.
        """
        last, _ = self.last_numbers()
        with self.engine.connect() as connection:
            rated = connection.execute(_between(ratings, after, last)).all()
            removed = connection.execute(_between(removals, after, last)).all()
            movies, seen = new_movies(connection), seen_marks(connection)
        return StoredEvents(
            [RatingEvent(r.user, r.movie, r.stars, r.at, r.moment, r.seq) for r in rated],
            [RemovalEvent(r.user, r.movie, r.seq) for r in removed],
            last,
            self.deleted_users(after, last),
            movies,
            seen,
        )

    def deleted_users(self, after: int = 0, last: int = HIGHEST) -> DeletedUsers:
        """Users whose deletion has a sequence number above `after`, up to `last`."""
        with self.engine.connect() as connection:
            rows = connection.execute(_between(deleted_users, after, last)).all()
        return DeletedUsers(self._key, {row.digest: row.seq for row in rows})

    def knows(self, user: str) -> bool:
        """Whether a table has a row that names the user."""
        named = (
            sa.exists().where(table.c.user == user) for table in (users, ratings, removals, seen)
        )
        with self.engine.connect() as connection:
            return bool(connection.execute(sa.select(sa.or_(*named))).scalar_one())

    def registered_users(self) -> list[str]:
        """Registered users that were not deleted."""
        return [user for user, _ in self.registrations()]

    def registrations(self) -> list[tuple[str, int]]:
        """Registered users that were not deleted, and the UTC second of each registration."""
        with self.engine.connect() as connection:
            rows = connection.execute(sa.select(users.c.user, users.c.at)).all()
        return [(row.user, row.at) for row in rows]

    def registered_at(self, user: str) -> int | None:
        """UTC second of a user's registration, or None."""
        with self.engine.connect() as connection:
            return connection.execute(sa.select(users.c.at).where(users.c.user == user)).scalar()

    def last_numbers(self) -> tuple[int, int]:
        """The highest sequence number and the highest commit number, 0 if there is none."""
        columns = ratings.c.moment, ratings.c.seq, removals.c.seq, deleted_users.c.seq
        numbers = (sa.select(sa.func.max(column)).scalar_subquery() for column in columns)
        with self.engine.connect() as connection:
            commit, *last = connection.execute(sa.select(*numbers)).one()
        return max(seq or 0 for seq in last), commit or 0

    def last_removal(self, until: int) -> int:
        """The highest sequence number up to `until` of a deleted rating or user, 0 for none."""
        columns = removals.c.seq, deleted_users.c.seq
        numbers = (
            sa.select(sa.func.max(column)).where(column <= until).scalar_subquery()
            for column in columns
        )
        with self.engine.connect() as connection:
            return max(seq or 0 for seq in connection.execute(sa.select(*numbers)).one())

    def empty_log(self) -> None:
        """Empty the log of SQLite, which holds what was deleted, into the database.

        While another process reads, it cannot be emptied, and `holds_deleted` stays true.
        """
        self.holds_deleted = False
        if self._is_sqlite:
            with self.engine.connect() as connection:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={LOG_TIMEOUT_MS}")
                emptied = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                connection.exec_driver_sql(f"PRAGMA busy_timeout={1000 * TIMEOUT_SECONDS}")
            self.holds_deleted |= bool(emptied[0])

    def erase(self) -> None:
        """Write the file of SQLite anew, without anything that was deleted.

        SQLite overwrites a deleted row, but not the copies that stay where a page was split.
        """
        if self._is_sqlite:
            with self.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT")
                connection.exec_driver_sql("VACUUM")
            self.empty_log()

    def _erase_what_is_older(self) -> None:
        """Erase once what a version that did not overwrite had deleted."""
        if self._is_sqlite:
            with self.engine.connect() as connection:
                done = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if not done:
                self.erase()
                with self.engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA user_version=1")

    @property
    def _is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Release the lock, and close the connections."""
        self.lock.release()
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


def _remove(connection: sa.Connection, event: RemovalEvent, key: str) -> None:
    """Delete a rating, or all that is known of a user but a digest of the id. key: of digests."""
    if event.movie is None:
        for table in (ratings, removals, users):
            connection.execute(sa.delete(table).where(table.c.user == event.user))
        forget_marks(connection, event.user)
        digest = digest_of_user(key, event.user)
        connection.execute(sa.delete(deleted_users).where(deleted_users.c.digest == digest))
        row = sa.insert(deleted_users).values(digest=digest, seq=event.seq)
    else:
        for table in (ratings, removals):
            pair = (table.c.user == event.user) & (table.c.movie == event.movie)
            connection.execute(sa.delete(table).where(pair))
        row = sa.insert(removals).values(seq=event.seq, user=event.user, movie=event.movie)
    connection.execute(row)
