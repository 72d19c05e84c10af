"""Move a store to another database: from SQLite to PostgreSQL, or back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.engine import address_of, engine_of, reachable
from ratecast.serving.store.lock import (
    LockedElsewhereError,
    StoreLock,
    exclusive_lock,
    lock_of,
)
from ratecast.serving.store.migrate import NEWEST, migrate, refuse_newer, version
from ratecast.serving.store.tables import metadata

# Rows that are in memory at a time.
CHUNK_ROWS = 10_000
TABLES = metadata.sorted_tables


def move_store(source: str, target: str) -> dict[str, int]:
    """Copy every table of `source` to the empty database `target`; rows by table.

    It is one transaction of the target: after an error, or a kill, nothing is in it. The source
    stays as it is.

    Args:
        source: URL of the database of a service, or a file of SQLite.
        target: URL of an empty database, or a file of SQLite that does not exist.

    Raises:
        InputError: for a source that is no store of this version, a target that is not empty, or
            either that a service writes to or that cannot be reached.
    """
    old, new = _url(source), _url(target)
    file = _file(old)
    if file is not None and not file.is_file():
        raise InputError(f"move-store: {file}: no such file; give the store of a service")
    _make_folder(_file(new))
    with _engine(old) as of_source, _whole_or_none(new), _engine(new) as of_target:
        with reachable(old):
            _check_source(of_source)
        with reachable(new):
            _check_empty(of_target)
            with _held(of_source), _held(of_target) as lock, lock.transaction() as connection:
                return _copied(of_source, connection)


def _copied(source: sa.Engine, target: sa.Connection) -> dict[str, int]:
    """Copy the rows in the transaction of `target`, and count them in both."""
    if target.dialect.name == "sqlite":
        # The driver begins none before the tables are created.
        target.exec_driver_sql("BEGIN IMMEDIATE")
    migrate(target)
    rows = {}
    for table in TABLES:
        # The key that the migration drew: that of the source is copied.
        target.execute(sa.delete(table))
        for part in _parts(source, table):
            target.execute(sa.insert(table), part)
        rows[table.name] = _count(target, table)
        with source.connect() as reader:
            there = _count(reader, table)
        if rows[table.name] != there:
            raise InputError(
                f"move-store: {table.name}: {there} rows in the source, {rows[table.name]} in the "
                "target, where nothing was kept; check that nothing else writes to them"
            )
    return rows


def _parts(source: sa.Engine, table: sa.Table) -> Iterator[list[dict[str, Any]]]:
    """The rows of a table, some at a time."""
    with reachable(source.url), source.connect() as reader:
        found = reader.execution_options(yield_per=CHUNK_ROWS).execute(sa.select(table))
        for part in found.mappings().partitions():
            yield [dict(row) for row in part]


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _check_source(engine: sa.Engine) -> None:
    current = version(engine)
    if current is None:
        raise InputError(
            f"move-store: {engine.url}: holds no store; give that of a service, as in "
            "HOME/ratings.db"
        )
    refuse_newer(current, engine.url)
    if current != NEWEST:
        raise InputError(
            f"move-store: {engine.url}: version {current}, older than {NEWEST} of this ratecast; "
            "start ratecast serve with it once, which migrates it"
        )


def _check_empty(engine: sa.Engine) -> None:
    found = sa.inspect(engine).get_table_names()
    if found:
        raise InputError(
            f"move-store: {engine.url}: is not empty, it has the table {found[0]}; give an empty "
            "database, or a file that does not exist"
        )


@contextmanager
def _held(engine: sa.Engine) -> Iterator[StoreLock]:
    """The lock of the store for the block, so that no service writes to it meanwhile."""
    lock = lock_of(engine)
    with ExitStack() as stack:
        try:
            stack.enter_context(exclusive_lock(lock))
        except LockedElsewhereError:
            message = f"move-store: a service writes to {engine.url}; stop it first"
            raise InputError(message) from None
        yield lock


@contextmanager
def _engine(url: sa.URL) -> Iterator[sa.Engine]:
    engine = engine_of(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def _whole_or_none(url: sa.URL) -> Iterator[None]:
    """After an error in the block, a file of SQLite that was not there before is gone."""
    file = _file(url)
    fresh = file is not None and not file.exists()
    try:
        yield
    except BaseException:
        if file is not None and fresh:
            for ending in ("", "-wal", "-shm", ".lock"):
                with suppress(OSError):
                    file.with_name(file.name + ending).unlink()
        raise


def _make_folder(file: Path | None) -> None:
    """Make the folder of the target. Raises `InputError`."""
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(
                f"move-store: {file.parent}: cannot be made ({reason}); give another file"
            ) from None


def _url(text: str) -> sa.URL:
    """A database of either kind; what is no URL is a file of SQLite."""
    if not text:
        raise InputError("move-store: a database is empty; give a URL, or a file of SQLite")
    if "://" in text:
        return address_of(text)
    return sa.URL.create("sqlite", database=str(Path(text).expanduser().absolute()))


def _file(url: sa.URL) -> Path | None:
    """The file of SQLite that a plain path names."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return None if url.database.startswith(("file:", ":")) else Path(url.database)
