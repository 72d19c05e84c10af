"""A store moves whole to the other kind of database, or not at all."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.serving.store import move
from ratecast.serving.store.database import RatingEvent, RemovalEvent, Store
from ratecast.serving.store.engine import reachable
from ratecast.serving.store.move import move_store
from ratecast.serving.store.new_movies import NewMovie, add_movie
from ratecast.serving.store.scores import save_scores, saved_scores
from ratecast.serving.store.seen import SeenMark, add_mark

MANY = 40


def filled(url: str) -> None:
    """Write to every table of a store."""
    store = Store(url)
    store.lock.take()
    rows = [RatingEvent(f"ü {k}", "1", 0.1 + k, 10**10 + k, k, k) for k in range(1, MANY + 1)]
    store.write(list(rows), [(f"ü {k}", k) for k in range(1, MANY + 1)])
    store.write([RemovalEvent("ü 1", "1", 100)], [])
    store.write([RemovalEvent("ü 2", None, 101)], [])
    add_movie(store.lock, NewMovie("new", "Élan 'x' \"y\"", None, ("a",), {"vector": [0.1, 2.0]}))
    add_mark(store.lock, SeenMark("ü 3", "9", 7))
    save_scores(store, b"\x00\xff")
    store.close()


def held(url: str) -> dict[str, list[str]]:
    """Every row of every table, in one order."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        rows = {
            table.name: sorted(str(row) for row in connection.execute(sa.select(table)))
            for table in move.TABLES
        }
    engine.dispose()
    return rows


def test_every_row_moves_there_and_back(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(move, "CHUNK_ROWS", 7)
    first, last = tmp_path / "first.db", tmp_path / "deep" / "last.db"
    filled(f"sqlite:///{first}")
    before = held(f"sqlite:///{first}")
    assert all(before.values())
    rows = move_store(str(first), database)
    assert rows == {name: len(found) for name, found in before.items()}
    assert held(database) == before
    assert move_store(database, str(last)) == rows
    assert held(f"sqlite:///{last}") == held(f"sqlite:///{first}") == before
    # The service goes on where it was: numbers, deleted users, scores.
    store = Store(database)
    assert store.last_numbers() == (101, MANY)
    assert store.deleted_users().among(["ü 1", "ü 2"]) == ["ü 2"]
    assert saved_scores(store) == b"\x00\xff"
    store.lock.take()
    store.write([RatingEvent("ü 1", "1", 2.0, 5, MANY + 1, 102)], [])
    store.close()


def test_a_target_that_has_something_is_refused(database: str, tmp_path: Path) -> None:
    source = tmp_path / "source.db"
    filled(f"sqlite:///{source}")
    with pytest.raises(InputError, match=r"cannot be made \(.*\); give another file"):
        move_store(str(source), str(source / "in" / "a_file.db"))
    filled(database)
    before = held(database)
    with pytest.raises(InputError, match="not empty"):
        move_store(str(source), database)
    with pytest.raises(InputError, match="not empty"):
        move_store(str(source), str(source))
    assert held(database) == before


def test_a_store_that_a_service_holds_is_refused(database: str, tmp_path: Path) -> None:
    filled(database)
    store, target = Store(database), tmp_path / "target.db"
    store.lock.take()
    with pytest.raises(InputError, match=r"a service writes to .*; stop it first"):
        move_store(database, str(target))
    store.close()
    assert not list(tmp_path.glob("target*"))
    assert move_store(database, str(target))["scores"] == 1


def test_an_error_in_the_middle_leaves_the_target_empty(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.db"
    filled(f"sqlite:///{source}")
    parts = move._parts
    monkeypatch.setattr(
        move, "_parts", lambda engine, table: [] if table.name == "seen" else parts(engine, table)
    )
    with pytest.raises(InputError, match="seen: 1 rows in the source, 0 in the target"):
        move_store(str(source), database)
    monkeypatch.undo()
    # As empty as before: it is taken again.
    assert move_store(str(source), database)["seen"] == 1


@pytest.mark.parametrize(
    ("version", "words"), [("0004", "older than .*; start ratecast serve"), ("9999", "newer")]
)
def test_a_store_of_another_version_is_refused(tmp_path: Path, version: str, words: str) -> None:
    source = tmp_path / "source.db"
    filled(f"sqlite:///{source}")
    engine = sa.create_engine(f"sqlite:///{source}")
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE alembic_version SET version_num = '{version}'"))
    engine.dispose()
    with pytest.raises(InputError, match=words):
        move_store(str(source), str(tmp_path / "target.db"))


def test_what_is_no_store_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = str(tmp_path / "target.db")
    (tmp_path / "text.db").write_text("no database, but long enough to be taken for its head\n" * 9)
    sa.create_engine(f"sqlite:///{tmp_path / 'empty.db'}").connect().close()
    for source, words in [
        (str(tmp_path / "none.db"), "no such file"),
        (str(tmp_path / "text.db"), "not a database"),
        (str(tmp_path / "empty.db"), "holds no store"),
        ("nonsense://x", "use SQLite or PostgreSQL"),
        ("://", "not a database URL"),
        ("", "is empty"),
        (f"postgresql+psycopg://u:word@/none?host={tmp_path}", "check the URL"),
    ]:
        assert main(["move-store", source, target]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert words in line
        assert ":word@" not in line
    assert not (tmp_path / "none.db").exists()
    assert not list(tmp_path.glob("target*"))


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://ann:word@/none?host={tmp_path}"
    with pytest.raises(InputError, match="check the URL") as refused, reachable(url):
        Store(url)
    assert "ann:***@" in str(refused.value)
