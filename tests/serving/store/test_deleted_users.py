"""Of a deleted user the store keeps a digest, and SQLite no byte of what was deleted."""

import random
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from ratecast.serving.store import migrate
from ratecast.serving.store.database import RatingEvent, RemovalEvent, Store
from ratecast.serving.store.deleted_users import DeletedUsers, digest_of_user

NAME = "a-user-that-is-like-no-other-{}"


def given(seq: int, user: str, movie: str = "1", stars: float = 4.0) -> RatingEvent:
    return RatingEvent(user, movie, stars, 1_000_000 + seq, seq, seq)


def held(folder: Path) -> bytes:
    """Every byte of the database and of its log."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("ratings.db*")))


def test_a_deleted_user_is_known_again_by_the_id_alone(database: str) -> None:
    store = Store(database)
    store.lock.take()
    store.write([given(1, "ann"), given(2, "bob"), given(3, "eve")], [])
    store.write([RemovalEvent("ann", None, 4)], [])
    store.write([RemovalEvent("bob", None, 5)], [])
    store.write([given(6, "bob")], [])
    deleted = store.events_since().deleted
    store.close()
    assert deleted.among(["ann", "bob", "eve", "joe"]) == ["ann", "bob"]
    assert deleted.among(["ann", "bob", "eve", "joe"], after=4) == ["bob"]
    assert ("ann" in deleted, "eve" in deleted) == (True, False)
    assert set(deleted.seqs) == {digest_of_user(deleted.key, user) for user in ("ann", "bob")}
    # The key is of this store, and stays what it was.
    again = Store(database)
    again.lock.take()
    assert again.events_since().deleted == deleted
    again.write([RemovalEvent("bob", None, 7)], [])
    assert again.events_since().deleted.among(["ann", "bob"], after=6) == ["bob"]
    assert again.last_numbers()[0] == 7
    assert [again.last_removal(until) for until in (3, 4, 6, 9)] == [0, 4, 4, 7]
    again.close()
    assert "ann" not in DeletedUsers()


def test_the_last_removal_is_also_that_of_a_rating(database: str) -> None:
    store = Store(database)
    store.lock.take()
    store.write([given(1, "ann"), given(2, "ann", "2")], [])
    store.write([RemovalEvent("ann", "1", 3)], [])
    assert (store.last_removal(2), store.last_removal(3)) == (0, 3)
    store.close()


def test_a_store_of_an_older_release_loses_the_ids_it_kept(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ratings.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrate.MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for k in range(2000):
            row = [k + 1, 1, NAME.format(f"free-{k}"), "1", 3.0, 5]
            connection.exec_driver_sql("INSERT INTO ratings VALUES (?,?,?,?,?,?)", tuple(row))
    with engine.begin() as connection:
        # Deleted rows leave free pages, which the older release did not overwrite.
        connection.exec_driver_sql("PRAGMA secure_delete=OFF")
        connection.exec_driver_sql("DELETE FROM ratings WHERE seq > 5")
        removals = [(3000, NAME.format("gone"), None), (3001, NAME.format("free-1"), "1")]
        for removal in removals:
            connection.exec_driver_sql("INSERT INTO removals VALUES (?,?,?)", removal)
    engine.dispose()
    assert NAME.format("free-1900").encode() in held(tmp_path)
    store = Store(url)
    store.lock.take()
    written = store.events_since()
    assert written.removals == [RemovalEvent(NAME.format("free-1"), "1", 3001)]
    assert written.deleted.among([NAME.format("gone"), NAME.format("here")]) == [
        NAME.format("gone")
    ]
    assert written.last == 3001
    found = held(tmp_path)
    store.close()
    for word in ("gone", "free-6", "free-1000", "free-1900"):
        assert NAME.format(word).encode() not in found
    assert NAME.format("free-2").encode() in found


@pytest.mark.parametrize("seed", range(3))
def test_what_was_deleted_is_in_no_byte_of_the_files(tmp_path: Path, seed: int) -> None:
    """SQLite alone leaves copies of rows where a page was split."""
    store, draw = Store(f"sqlite:///{tmp_path / 'ratings.db'}"), random.Random(seed)
    store.lock.take()
    users = [NAME.format(f"{draw.getrandbits(64):016x}") for _ in range(200)]
    rated = set[tuple[str, str]]()
    seq = 0
    for _ in range(20):
        pairs = {(draw.choice(users), f"movie-{draw.randrange(300)}") for _ in range(200)}
        events = list[RatingEvent | RemovalEvent]()
        for pair in sorted(pairs):
            if pair in rated:
                events.append(RemovalEvent(*pair, seq + 1))
            events.append(given(seq + 2, *pair))
            seq += 2
        rated |= pairs
        store.write(events, [])
    gone = users[:100]
    store.write([RemovalEvent(user, None, seq + 1 + k) for k, user in enumerate(gone)], [])
    assert store.holds_deleted
    store.empty_log()
    assert not store.holds_deleted
    assert (tmp_path / "ratings.db-wal").stat().st_size == 0
    store.erase()
    found = held(tmp_path)
    assert not [user for user in gone if user.encode() in found]
    kept = {event.user for event in store.events_since().ratings}
    assert kept
    assert all(user.encode() in found for user in kept)
    store.close()


def test_a_log_that_is_read_is_emptied_later(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    store.lock.take()
    store.write([given(1, "ann")], [])
    other = sa.create_engine(store.engine.url)
    with other.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        reader.exec_driver_sql("SELECT * FROM ratings").all()
        store.write([RemovalEvent("ann", None, 2)], [])
        store.empty_log()
        assert store.holds_deleted
        reader.rollback()
    other.dispose()
    store.empty_log()
    assert not store.holds_deleted
    store.close()
