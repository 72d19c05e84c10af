"""The saved scores are one row, in either kind of database."""

from ratecast.serving.store.database import Store
from ratecast.serving.store.scores import save_scores, saved_scores


def test_the_last_ones_are_read(database: str) -> None:
    store = Store(database)
    store.lock.take()
    assert saved_scores(store) is None
    for body in (b"\x00first", b"\xffsecond"):
        save_scores(store, body)
    store.close()
    again = Store(database)
    assert saved_scores(again) == b"\xffsecond"
    again.close()
