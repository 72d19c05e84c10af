"""Create the tables users, ratings and removals."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "users",
        sa.Column("user", sa.String(128), primary_key=True),
        sa.Column("at", WHOLE, nullable=False),
    )
    op.create_table(
        "ratings",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("moment", WHOLE, nullable=False),
        sa.Column("user", sa.String(128), nullable=False),
        sa.Column("movie", sa.String(128), nullable=False),
        sa.Column("stars", sa.Float(), nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.UniqueConstraint("user", "movie", name="one_rating"),
    )
    op.create_table(
        "removals",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("user", sa.String(128), nullable=False),
        sa.Column("movie", sa.String(128)),
        sa.UniqueConstraint("user", "movie", name="one_removal"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("removals", "ratings", "users"):
        op.drop_table(table)
