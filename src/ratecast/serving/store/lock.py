"""The right to write to a store, which one service has, as it assigns sequence numbers in memory.

Each kind of database has its own lock, and each is bound to what it protects: a transaction that
writes begins only where the lock is held, and ends without a commit where it was lost meanwhile.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from ratecast.disk_files import locked
from ratecast.errors import InputError

KEY = 0x7261746563617374  # "ratecast" in ASCII


class LockedElsewhereError(InputError):
    """Another service holds the lock of the store."""


class StoreLock(ABC):
    """The lock of a store. It is used by one thread at a time."""

    @abstractmethod
    def held(self) -> bool:
        """Whether this process holds the lock now; raises nothing."""

    @abstractmethod
    def take(self) -> None:
        """Take the lock. Raises `LockedElsewhereError` if another service holds it.

        What the store holds may be new since the lock was last held: read its numbers again.
        """

    @abstractmethod
    def release(self) -> None:
        """Release the lock, if it is held."""

    @abstractmethod
    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that commits at the end of the block.

        Raises `LostLockError` if the lock is not held.
        """


class LostLockError(Exception):
    """The lock was lost; nothing was written."""


class FileLock(StoreLock):
    """SQLite: a lock of the system on a file beside the database file.

    Why it is safe: the lock ends with the process or with `release`, and no earlier. It stands
    under the resolved name of the database file, so that links, relative paths and URIs lead to the
    same one; a file with a second name is refused. Before each transaction, lock and database must
    still be the files that were locked, not others that took their names.
    """

    def __init__(self, engine: sa.Engine, file: Path) -> None:
        self._engine, self._file = engine, file
        self._lock = file.with_name(f"{file.name}.lock")
        self._stack = ExitStack()
        self._locked: tuple[int, int] | None = None
        self._database: tuple[int, int] | None = None

    def held(self) -> bool:
        """See `StoreLock.held`."""
        with suppress(OSError):
            held = self._locked is not None and _identity(self._lock) == self._locked
            return held and _identity(self._file) == self._database
        return False

    def take(self) -> None:
        """See `StoreLock.take`. Raises `InputError` for a file that must not be written."""
        self.release()
        found = self._file.stat()
        if found.st_nlink > 1:
            raise InputError(
                f"database {self._file}: has {found.st_nlink} names (hard links), and SQLite loses "
                "ratings that are written under two; remove the others"
            )
        if self._database not in (None, (found.st_dev, found.st_ino)):
            raise InputError(f"database {self._file}: was replaced; start the service again")
        with ExitStack() as stack:
            try:
                lock = stack.enter_context(locked(self._lock, _in_use(self._engine.url)))
            except InputError as error:
                raise LockedElsewhereError(str(error)) from None
            status = os.fstat(lock.fileno())
            self._locked = status.st_dev, status.st_ino
            self._database = found.st_dev, found.st_ino
            self._stack = stack.pop_all()

    def release(self) -> None:
        """See `StoreLock.release`."""
        self._locked = None
        self._stack.close()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """See `StoreLock.transaction`."""
        if not self.held():
            raise LostLockError
        try:
            with self._engine.begin() as connection:
                yield connection
        except BaseException:
            # One that was opened while the file was read-only would stay so for good.
            self._engine.dispose()
            raise


class SessionLock(StoreLock):
    """PostgreSQL: an advisory lock of the session that writes.

    Why it is safe: the server gives the lock to one session at a time, and takes it back only when
    that session ends. Every transaction that writes is one of the same session, and a session that
    has ended commits nothing. So whatever is committed was committed by the holder; after a new
    connection the lock is taken anew first. (A proxy that gives each transaction another session
    would break this: connect to the server itself.)
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._session: sa.Connection | None = None

    def held(self) -> bool:
        """See `StoreLock.held`. Asks the server."""
        try:
            with self.transaction() as connection:
                connection.execute(sa.select(1))
        except (LostLockError, sa.exc.SQLAlchemyError):
            return False
        return True

    def take(self) -> None:
        """See `StoreLock.take`."""
        self.release()
        with ExitStack() as stack:
            session = stack.enter_context(self._engine.connect())
            # Ended now, not when it is collected; the lock ends with it.
            stack.callback(session.invalidate)
            if not session.execute(sa.select(sa.func.pg_try_advisory_lock(KEY))).scalar():
                raise LockedElsewhereError(_in_use(self._engine.url))
            session.commit()
            stack.pop_all()
            self._session = session

    def release(self) -> None:
        """See `StoreLock.release`."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """See `StoreLock.transaction`."""
        # An invalidated connection would connect again by itself, without the lock.
        if self._session is None or self._session.invalidated:
            raise LostLockError
        try:
            with self._session.begin():
                yield self._session
        except BaseException:
            if self._session.invalidated or self._session.closed:
                self.release()
            raise


def lock_of(engine: sa.Engine) -> StoreLock:
    """The lock of the store in a database. Raises `InputError` for one that is in memory."""
    if engine.dialect.name != "sqlite":
        return SessionLock(engine)
    with engine.connect() as connection:
        # SQLite itself knows what a path or a URI of any form leads to.
        (file,) = connection.exec_driver_sql(
            "SELECT file FROM pragma_database_list WHERE name = 'main'"
        ).one()
    if not file:
        raise InputError(
            f"database {engine.url}: is in memory, where no rating outlives the service; "
            "write sqlite:///FILE"
        )
    return FileLock(engine, Path(file).resolve())


@contextmanager
def exclusive_lock(lock: StoreLock) -> Iterator[None]:
    """Hold the lock for the block. Raises `LockedElsewhereError` if another service holds it."""
    lock.take()
    try:
        yield
    finally:
        lock.release()


def _identity(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_dev, found.st_ino


def _in_use(url: sa.URL) -> str:
    return (
        f"serve: another service writes to {url!r}; stop it, or give another --home or --database"
    )
