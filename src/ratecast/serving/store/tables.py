"""The tables of the store. A change here needs a migration beside it (`migrations/versions`)."""

import sqlalchemy as sa

ID = 1024
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

metadata = sa.MetaData()

# Users registered by the service.
users = sa.Table(
    "users",
    metadata,
    sa.Column("user", sa.String(ID), primary_key=True),
    sa.Column("at", WHOLE, nullable=False),
)

# Current ratings. seq: sequence number of the write. moment: number of its commit.
ratings = sa.Table(
    "ratings",
    metadata,
    sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("moment", WHOLE, nullable=False),
    sa.Column("user", sa.String(ID), nullable=False),
    sa.Column("movie", sa.String(ID), nullable=False),
    sa.Column("stars", sa.Float(), nullable=False),
    sa.Column("at", WHOLE, nullable=False),
    sa.UniqueConstraint("user", "movie", name="one_rating"),
)

# Deleted ratings, to unlearn from a model that was fitted on them; their stars are not kept.
removals = sa.Table(
    "removals",
    metadata,
    sa.Column("seq", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("user", sa.String(ID), nullable=False),
    sa.Column("movie", sa.String(ID), nullable=False),
    sa.UniqueConstraint("user", "movie", name="one_removal"),
)

# Deleted users: a digest of the id, and the sequence number of the deletion.
deleted_users = sa.Table(
    "deleted_users",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("seq", WHOLE, nullable=False),
)

# One row, the key of the digests.
digest_key = sa.Table("digest_key", metadata, sa.Column("key", sa.String(64), primary_key=True))

# Movies that are new to the service, in the order in which they came. genres: a JSON list. columns:
# further side information, a JSON object.
movies = sa.Table(
    "movies",
    metadata,
    sa.Column("number", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("movie", sa.String(ID), nullable=False),
    sa.Column("title", sa.Text(), nullable=False),
    sa.Column("year", WHOLE),
    sa.Column("genres", sa.Text(), nullable=False),
    sa.Column("columns", sa.Text(), nullable=False),
    sa.UniqueConstraint("movie", name="one_movie"),
)

# Movies that a user has seen without rating them.
seen = sa.Table(
    "seen",
    metadata,
    sa.Column("user", sa.String(ID), primary_key=True),
    sa.Column("movie", sa.String(ID), primary_key=True),
    sa.Column("at", WHOLE, nullable=False),
)

# One row: sums alone, which hold no id.
scores = sa.Table(
    "scores",
    metadata,
    sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary(), nullable=False),
)
