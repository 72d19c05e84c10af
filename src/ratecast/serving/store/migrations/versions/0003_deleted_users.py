"""Keep a digest of a deleted user's id in place of the id."""

import hashlib
import hmac
import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and move the deleted users into them."""
    op.create_table("digest_key", sa.Column("key", sa.String(64), primary_key=True))
    op.create_table(
        "deleted_users",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("seq", WHOLE, nullable=False),
    )
    connection, key = op.get_bind(), secrets.token_hex(32)
    connection.execute(sa.text("INSERT INTO digest_key VALUES (:key)"), {"key": key})
    rows = connection.execute(
        sa.text('SELECT "user", max(seq) FROM removals WHERE movie IS NULL GROUP BY "user"')
    )
    for user, seq in rows.all():
        digest = hmac.new(key.encode(), user.encode(), hashlib.sha256).hexdigest()
        values = {"digest": digest, "seq": seq}
        connection.execute(sa.text("INSERT INTO deleted_users VALUES (:digest, :seq)"), values)
    connection.execute(sa.text("DELETE FROM removals WHERE movie IS NULL"))
    with op.batch_alter_table("removals") as batch:
        batch.alter_column("movie", existing_type=sa.String(1024), nullable=False)


def downgrade() -> None:
    """Drop the tables; the deleted users of the training table come back with the next refit."""
    with op.batch_alter_table("removals") as batch:
        batch.alter_column("movie", existing_type=sa.String(1024), nullable=True)
    op.drop_table("deleted_users")
    op.drop_table("digest_key")
