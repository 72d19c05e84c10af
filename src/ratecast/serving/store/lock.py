"""A lock: only one process may write, because sequence numbers are assigned in memory."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.database import Store

KEY = 0x7261746563617374  # "ratecast" in ASCII


@contextmanager
def exclusive_lock(store: Store) -> Iterator[None]:
    """Lock the store. Raises `InputError` if another service has locked it.

    A file lock (SQLite) or a session lock (PostgreSQL); both end with the process.
    """
    url = store.engine.url
    if url.get_backend_name() == "sqlite":
        with open(f"{url.database}.lock", "w") as file:  # noqa: PTH123 - a lock, not a file to read
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _locked(url) from None
            yield
    else:
        with store.engine.connect() as connection:
            locked = sa.select(sa.func.pg_try_advisory_lock(KEY))
            if not connection.execute(locked).scalar():
                connection.invalidate()  # Closed now, not when it is collected.
                raise _locked(url)
            connection.commit()
            yield
            connection.invalidate()  # Ends the session, and the lock with it.


def _locked(url: sa.URL) -> InputError:
    return InputError(
        f"serve: another service writes to {url!r}; stop it, or give another --home or --database"
    )
