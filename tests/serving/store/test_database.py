"""The store keeps current ratings in order, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ratecast.errors import InputError
from ratecast.serving.store.database import RatingEvent, RemovalEvent, Store
from ratecast.serving.store.engine import reachable
from ratecast.serving.store.migrate import NEWEST, version
from ratecast.serving.store.tables import metadata


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    opened = Store(database)
    opened.lock.take()
    yield opened
    opened.close()


def given(seq: int, user: str = "7", movie: str = "1", stars: float = 4.0) -> RatingEvent:
    return RatingEvent(user, movie, stars, 1_000_000 + seq, seq, seq)


def test_current_ratings_are_read_in_the_order_of_writing(store: Store) -> None:
    assert store.last_numbers() == (0, 0)
    store.write([given(1), given(2, movie="2")], [("7", 5)])
    store.write([RemovalEvent("7", "1", 3), given(4, stars=2.0)], [])
    written = store.events_since()
    assert written.ratings == [given(2, movie="2"), given(4, stars=2.0)]
    assert written.removals == [RemovalEvent("7", "1", 3)]
    assert written.last == 4
    assert store.events_since(after=3).ratings == [given(4, stars=2.0)]
    assert store.last_numbers() == (4, 4)
    assert store.registered_users() == ["7"]
    assert store.registered_at("7") == 5


def test_a_commit_is_whole_or_nothing(store: Store) -> None:
    store.write([given(1)], [])
    with pytest.raises(sa.exc.IntegrityError):
        store.write([given(2, movie="2"), given(3)], [])
    assert store.events_since().ratings == [given(1)]


def test_of_a_deleted_user_only_a_digest_is_left(store: Store) -> None:
    store.write([given(1), given(2, movie="2"), given(3, user="8")], [("7", 5), ("8", 5)])
    store.write([RemovalEvent("7", "1", 4)], [])
    store.write([RemovalEvent("7", None, 5)], [])
    written = store.events_since()
    assert written.ratings == [given(3, user="8")]
    assert written.removals == []
    assert list(written.deleted.seqs.values()) == [5]
    assert written.deleted.among(["7", "8"]) == ["7"]
    assert store.registered_users() == ["8"]


def test_the_migrations_make_the_tables_that_the_code_knows(store: Store, database: str) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert version(store.engine) == NEWEST
    Store(database).close()


def test_a_store_of_a_newer_ratecast_is_refused(store: Store, database: str) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(InputError, match="newer ratecast"):
        Store(database)


def test_a_rating_is_on_the_disk_when_the_commit_is_done(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'ratings.db'}")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    store.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql://u@h/d"])
def test_what_is_no_database_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="database"):
        Store(url)


def test_a_missing_folder_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no folder .*missing; make it, or give another file"):
        Store(f"sqlite:///{tmp_path}/missing/ratings.db")
    assert not list(tmp_path.iterdir())


def test_a_error_of_the_database_is_one_line(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/none?host={tmp_path}"
    with pytest.raises(InputError, match="check the URL") as refused, reachable(url):
        Store(url)
    assert "\n" not in str(refused.value)
