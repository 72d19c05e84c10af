"""Nothing ends writes: what fails is refused, said, and works again by itself."""

import sqlite3
from pathlib import Path

import httpx
import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.models.bias import Bias
from ratecast.ratings import Ratings
from ratecast.serving.hot_swap import HotSwap
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.store.database import RatingEvent, Store
from ratecast.serving.worker_thread import WorkerThread
from tests.serving import outages, postgres
from tests.serving.edits import publish_edited
from tests.serving.place import Place, process, wait
from tests.serving.test_hot_swap import refused, serving, until


def rated(client: httpx.Client, user: int = 9000) -> int:
    body = {"movie": 50, "stars": 4}
    return client.post(f"/v1/users/{user}/ratings", json=body, timeout=30).status_code


@pytest.fixture(scope="module")
def bias(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bias") / "bias"
    Bias().fit(ml100k.sorted()).save(folder)
    return folder


@pytest.mark.parametrize("error", [RuntimeError("odd"), MemoryError(), OSError(5, "no disk")])
def test_any_error_of_a_load_is_a_refusal(
    place: Place, bias: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as client:

        def fails(*_: object) -> None:
            raise error

        monkeypatch.setattr("ratecast.serving.hot_swap.load", fails)
        name = ArtifactStore(place.home).publish(bias)
        assert type(error).__name__ in refused(place, client, name)
        assert rated(client) == 201


def test_damaged_files_beside_the_models_end_nothing(place: Place, bias: Path) -> None:
    with place.open() as client:
        first = serving(client)
        verdicts, current = place.home / "verdicts.json", place.home / "current"
        verdicts.write_text("{")
        until(lambda: ArtifactStore(place.home).verdicts().get(first) == "serving")
        current.unlink()
        current.mkdir()
        assert rated(client) == 201
        current.rmdir()
        name = ArtifactStore(place.home).publish(bias)
        until(lambda: serving(client) == name)
        assert rated(client) == 201


@pytest.mark.parametrize("part", ["writer", "hot_swap"])
def test_a_thread_that_ends_is_named_and_started_again(
    place: Place, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[WorkerThread] = []
    start = WorkerThread.__init__

    def kept(self: WorkerThread, name: str) -> None:
        start(self, name)
        made.append(self)

    monkeypatch.setattr(WorkerThread, "__init__", kept)
    monkeypatch.setattr("ratecast.serving.hot_swap.POLL_SECONDS", 2.0)
    with place.open() as client:
        (thread,) = (each for each in made if each.name == part)
        thread.close()
        answer = client.get("/readyz")
        assert answer.status_code == 503
        word = {"writer": "writer", "hot_swap": "watch"}[part]
        assert word in answer.json()["detail"]
        assert "ratecast_ready 0.0" in client.get("/metrics").text
        assert wait(client) < 5
        assert rated(client) == 201


def test_a_watch_that_ends_is_started_again(
    place: Place, bias: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as client, monkeypatch.context() as broken:
        # Not even what is logged of an error can be written.
        broken.setattr(HotSwap, "_poll", None)
        broken.setattr(HotSwap, "_log_once", None)
        until(lambda: client.get("/readyz").status_code == 503)
        assert "watch" in client.get("/readyz").json()["detail"]
        assert rated(client) == 201
        broken.undo()
        assert wait(client) < 5
        name = ArtifactStore(place.home).publish(bias)
        until(lambda: serving(client) == name)


def test_edited_artifacts_end_nothing(place: Place, bias: Path) -> None:
    with place.open() as client:
        found = publish_edited(place.home, client, bias, count=20, seed=0)
    assert found.refused > 10
    assert found.untidy == found.ended == 0


def test_publish_waits_for_the_verdict(
    place: Place, bias: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["publish", str(bias), f"--home={place.home}", "--wait"]
    assert main([*words, "0.2"]) == 2
    assert "no service answered within 0.2 s" in capsys.readouterr().err
    with place.open():
        assert main(words) == 0
        assert "and served" in capsys.readouterr().out


def test_writes_return_after_a_full_disk(place: Place) -> None:
    with process(place.home) as (running, client):
        wait(client)
        found = outages.outages(
            client,
            2,
            lambda: outages.full_disk(running.pid),
            lambda: outages.free_disk(running.pid),
        )
    assert found.refused > 0
    assert found.faults == 0


def test_writes_return_after_the_database_does(postgresql: postgres.Server, place: Place) -> None:
    place.database = postgresql.url
    with place.open() as client:
        found = outages.outages(client, 2, postgresql.stop, postgresql.start)
    assert found.refused > 0
    assert found.faults == 0


def test_after_a_lost_connection_another_service_may_write_and_this_one_learns_it(
    postgresql: postgres.Server, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never both: while the other has the lock, writes are refused here."""
    # So that the other service is the first to ask for the lock.
    monkeypatch.setattr("ratecast.serving.hot_swap.POLL_SECONDS", 60.0)
    place.database = postgresql.url
    other = Store(postgresql.url)
    with place.open() as client:
        assert rated(client) == 201
        with pytest.raises(InputError, match="another service"):
            other.lock.take()
        postgresql.stop()
        postgresql.start()
        other.lock.take()
        assert rated(client, 9001) == 503
        assert "another service" in client.get("/readyz").json()["detail"]
        last, commit = other.last_numbers()
        other.write([RatingEvent("9102", "50", 3.0, 1, commit + 1, last + 1)], [])
        other.close()
        assert wait(client) < 5
        assert rated(client, 9003) == 201
        (kept,) = client.get("/v1/users/9102/ratings").json()["ratings"]
        assert kept["stars"] == 3


def test_one_file_is_one_lock_under_each_of_its_names(tmp_path: Path) -> None:
    file = tmp_path / "ratings.db"
    store = Store(f"sqlite:///{file}")
    store.lock.take()
    (tmp_path / "link.db").symlink_to(file)
    for url in (f"sqlite:///{tmp_path}/link.db", f"sqlite:///file:{file}?uri=true"):
        other = Store(url)
        with pytest.raises(InputError, match="another service"):
            other.lock.take()
        other.close()
    store.close()
    (tmp_path / "second.db").hardlink_to(file)
    with pytest.raises(InputError, match="hard links"):
        store.lock.take()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file::memory:?uri=true"]
)
def test_a_store_in_memory_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="in memory"):
        Store(url)


def test_a_database_that_was_replaced_takes_no_write(place: Place) -> None:
    with place.open() as client:
        assert rated(client) == 201
        (place.home / "ratings.db").rename(place.home / "away.db")
        sqlite3.connect(place.home / "ratings.db").close()
        assert rated(client) == 503
        (place.home / "away.db").rename(place.home / "ratings.db")
        assert wait(client) < 5
        assert rated(client) == 201
