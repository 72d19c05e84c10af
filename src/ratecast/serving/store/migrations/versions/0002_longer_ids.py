"""Make the columns of ids wide enough for 1,024 characters, as of addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

IDS = {"users": ["user"], "ratings": ["user", "movie"], "removals": ["user", "movie"]}


def upgrade() -> None:
    """Widen the columns."""
    _change(128, 1024)


def downgrade() -> None:
    """Narrow the columns."""
    _change(1024, 128)


def _change(before: int, after: int) -> None:
    for table, columns in IDS.items():
        with op.batch_alter_table(table) as batch:
            for column in columns:
                nullable = (table, column) == ("removals", "movie")
                old, new = sa.String(before), sa.String(after)
                batch.alter_column(column, type_=new, existing_type=old, existing_nullable=nullable)
