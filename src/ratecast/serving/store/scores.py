"""The scores of the service, in one row of the store: sums alone, which hold no id."""

import sqlalchemy as sa

from ratecast.serving.store.database import Store
from ratecast.serving.store.tables import scores

_ONLY = 1


def save_scores(store: Store, body: bytes) -> None:
    """Replace the saved scores."""
    with store.lock.transaction() as connection:
        connection.execute(sa.delete(scores))
        connection.execute(sa.insert(scores).values(id=_ONLY, body=body))


def saved_scores(store: Store) -> bytes | None:
    """What `save_scores` wrote last, or None."""
    with store.engine.connect() as connection:
        return connection.execute(sa.select(scores.c.body)).scalar()
