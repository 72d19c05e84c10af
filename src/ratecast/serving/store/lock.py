"""One service writes to a store at a time: numbers are given out in memory."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.database import Store

KEY = 0x7261746563617374  # "ratecast" in ASCII


@contextmanager
def sole(store: Store) -> Iterator[None]:
    """Hold the store, or raise `InputError` where another service holds it.

    A lock of the system (SQLite) or of the session (PostgreSQL): it goes with the process.
    """
    url = store.engine.url
    if url.get_backend_name() == "sqlite":
        with open(f"{url.database}.lock", "w") as file:  # noqa: PTH123 - a lock, not a file to read
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _taken(url) from None
            yield
    else:
        with store.engine.connect() as connection:
            held = sa.select(sa.func.pg_try_advisory_lock(KEY))
            if not connection.execute(held).scalar():
                raise _taken(url)
            connection.commit()
            yield
            connection.invalidate()  # The server may be gone, and the lock goes with the session.


def _taken(url: sa.URL) -> InputError:
    return InputError(
        f"serve: another service writes to {url!r}; stop it, or give another --home or --database"
    )
