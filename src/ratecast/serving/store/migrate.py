"""Bring a database to the present form of the tables, step by step, by Alembic."""

from pathlib import Path

import sqlalchemy as sa

from ratecast.errors import InputError

NEWEST = "0001"
STEPS = Path(__file__).with_name("migrations")


def upgrade(engine: sa.Engine) -> None:
    """Run the steps that this database lacks; each is whole or not at all."""
    present = version(engine)
    if present == NEWEST:
        return
    if present is not None and present > NEWEST:
        raise InputError(
            f"database {engine.url!r}: of form {present}, this ratecast knows {NEWEST}; "
            "install the newer ratecast again"
        )
    from alembic import command
    from alembic.config import Config

    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(STEPS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def version(engine: sa.Engine) -> str | None:
    """Which form the tables have; None for an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
        return None if found is None else str(found)
