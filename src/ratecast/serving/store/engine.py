"""The connections to a database: SQLite or PostgreSQL, through SQLAlchemy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from ratecast.errors import InputError

TIMEOUT_SECONDS = 5


def engine_of(url: str | sa.URL) -> sa.Engine:
    """The connections to the database at `url`. Raises `InputError` for one that is none."""
    address = address_of(url)
    if address.get_backend_name() == "sqlite":
        return _sqlite(address)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "postgresql":
        raise InputError(f"database {address}: use SQLite or PostgreSQL")
    # A server that is out of reach, or a table that another session has locked, is an error soon.
    wait = {
        "connect_timeout": TIMEOUT_SECONDS,
        "keepalives_idle": TIMEOUT_SECONDS,
        "tcp_user_timeout": 1000 * TIMEOUT_SECONDS,
    }
    engine = sa.create_engine(
        address, pool_pre_ping=True, pool_timeout=TIMEOUT_SECONDS, connect_args=wait
    )

    @sa.event.listens_for(engine, "connect")
    def set_timeout(connection, _):  # type: ignore[no-untyped-def]
        connection.execute(f"SET lock_timeout = '{TIMEOUT_SECONDS}s'")
        connection.commit()

    return engine


def address_of(url: str | sa.URL) -> sa.URL:
    """The parts of a URL. Raises `InputError` for a text that is none."""
    try:
        return sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InputError(
            f"database {url!r}: not a database URL; write sqlite:///FILE or "
            "postgresql+psycopg://USER@HOST/NAME"
        ) from None


def _sqlite(url: sa.URL) -> sa.Engine:
    if url.database and not url.database.startswith(("file:", ":")):
        folder = Path(url.database).parent
        # A folder that is made here would hide a misspelt address behind an empty store.
        if not folder.is_dir():
            raise InputError(f"database {url}: no folder {folder}; make it, or give another file")
    engine = sa.create_engine(url, connect_args={"timeout": TIMEOUT_SECONDS})
    pragmas = "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"

    @sa.event.listens_for(engine, "connect")
    def set_pragmas(connection, _):  # type: ignore[no-untyped-def]
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def reachable(url: str | sa.URL) -> Iterator[None]:
    """Turn an error of the database into an `InputError` of one line."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        # The text of a URL would show the password in a log.
        raise InputError(
            f"database {sa.make_url(url)}: {reason}; check the URL and that the database is running"
        ) from None
