"""Create the tables of movies that are new to the service, and of movies seen without a rating."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

ID = 1024
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "movies",
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("movie", sa.String(ID), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("year", WHOLE),
        sa.Column("genres", sa.Text(), nullable=False),
        sa.Column("columns", sa.Text(), nullable=False),
        sa.UniqueConstraint("movie", name="one_movie"),
    )
    op.create_table(
        "seen",
        sa.Column("user", sa.String(ID), primary_key=True),
        sa.Column("movie", sa.String(ID), primary_key=True),
        sa.Column("at", WHOLE, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("seen", "movies"):
        op.drop_table(table)
