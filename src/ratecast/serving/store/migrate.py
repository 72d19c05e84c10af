"""Migrate a database to the newest version of its tables, with Alembic."""

from pathlib import Path

import sqlalchemy as sa

from ratecast.errors import InputError
from ratecast.serving.store.lock import StoreLock, exclusive_lock

NEWEST = "0005"
MIGRATIONS = Path(__file__).with_name("migrations")


def upgrade(engine: sa.Engine, lock: StoreLock) -> None:
    """Run the missing migrations, each in a transaction, while `lock` is held.

    Raises `InputError` for a database of a newer version, or one that another service writes to.
    """
    current = version(engine)
    if current == NEWEST:
        return
    refuse_newer(current, engine.url)
    with exclusive_lock(lock), engine.begin() as connection:
        migrate(connection)


def migrate(connection: sa.Connection) -> None:
    """Run the missing migrations in the transaction of a connection."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def refuse_newer(current: str | None, url: sa.URL) -> None:
    """Raise `InputError` for tables of a version that this ratecast does not know."""
    if current is not None and current > NEWEST:
        raise InputError(
            f"database {url!r}: version {current}, newer than {NEWEST} of this ratecast; "
            "install the newer ratecast again"
        )


def version(engine: sa.Engine) -> str | None:
    """Version of the tables; None for an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        number = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return None if number is None else str(number)
