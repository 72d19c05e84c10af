"""The command that moves the ratings of a service to another database."""

from ratecast.cli.call import emit
from ratecast.optional_packages import require
from ratecast.serving.private_files import owner_only


@owner_only()
def move_store(source: str, target: str, *, json: bool = False) -> None:
    """Copy the store of a service to SQLite or to PostgreSQL.

    Every table is copied in one transaction, and the rows are counted in both. No service may run
    on either. The source stays as it is.

    Examples:
        ratecast move-store service/ratings.db postgresql+psycopg://ratecast@localhost/ratings
        ratecast move-store postgresql+psycopg://ratecast@localhost/ratings copy/ratings.db

    Args:
        source: the database of a service: a URL, or a file of SQLite.
        target: an empty database: a URL, or a file of SQLite that does not exist.
        json: print the result as one JSON document.
    """
    require("serve", "move-store")
    from ratecast.serving.store.move import move_store as move

    rows = move(source, target)
    moved = ", ".join(f"{count} in {name}" for name, count in rows.items())
    emit({"rows": rows}, f"moved all rows ({moved}); the source is unchanged", json)
