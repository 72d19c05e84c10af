"""`ratecast serve` as a process: start, refusals, kills, outages."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ratecast.cli import main
from ratecast.errors import InputError
from ratecast.ratings import MOVIE, USER
from ratecast.serving.http.auth import signing_secret
from ratecast.serving.live.published import ArtifactStore
from ratecast.serving.server import Settings, serve
from ratecast.serving.store.database import Store
from ratecast.serving.store.lock import exclusive_lock
from ratecast.systems import bound_socket
from tests.planted import planted
from tests.serving import postgres
from tests.serving.kills import kill_under_load
from tests.serving.place import Place, process, wait


def test_kills_under_load_lose_and_double_nothing(place: Place) -> None:
    found = kill_under_load(place.home, kills=3, seed=0)
    assert found.acknowledged > 3
    assert found.lost == found.doubled == 0


def test_what_would_open_the_door_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = f"--home={tmp_path}"
    assert main(["serve", home, "--host=0.0.0.0"]) == 2
    assert "--insecure" in capsys.readouterr().err
    assert main(["serve", home, "--token=short"]) == 2
    assert "16 characters" in capsys.readouterr().err
    assert Settings(tmp_path, "0.0.0.0", insecure=True).checked().limits.rate == 50
    assert Settings(tmp_path).checked().limits.rate == 0
    assert Settings(tmp_path, "::1").local
    for rate in (-1.0, float("nan")):
        with pytest.raises(InputError, match=r"--rate_limit is (-1|nan);"):
            Settings(tmp_path, rate=rate).checked()
    assert not Settings(tmp_path, "example.org").local


def test_a_missing_folder_is_said_before_a_model_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ratecast.cli.serving._trained", None)
    url = f"sqlite:///{tmp_path}/missing/ratings.db"
    assert main(["serve", "--home", str(tmp_path / "home"), "--database", url]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no folder {tmp_path}/missing; make it" in line


def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    first = signing_secret(tmp_path)
    assert signing_secret(tmp_path) == first
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(Exception, match="chmod 600"):
        signing_secret(tmp_path)


def test_the_log_is_lines_of_json_without_tokens(place: Place) -> None:
    token = "a-secret-word-nobody-sees"
    with process(place.home, f"--token={token}", "--log_all") as (running, client):
        wait(client)
        headers = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/users/1/export", headers=headers).is_success
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) in (0, -signal.SIGTERM)
    log = (place.home / "serve.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert "/v1/users/{user}/export" in [line.get("route") for line in lines]
    assert token not in log
    made = [place.home / name for name in ("ratings.db", "models", "verdicts.json", "secret")]
    assert not [path for path in made if path.stat().st_mode & 0o077]


def test_while_the_database_is_away_reads_go_on_and_nothing_is_lost(
    postgresql: postgres.Server, place: Place
) -> None:
    place.database = postgresql.url
    rating = {"movie": 50, "stars": 4}
    with place.open() as client:
        assert client.post("/v1/users/9001/ratings", json=rating).status_code == 201
        postgresql.stop()
        try:
            away = client.post("/v1/users/9002/ratings", json=rating)
            assert away.status_code == 503
            assert int(away.headers["retry-after"]) > 0
            assert away.headers["content-type"] == "application/problem+json"
            assert client.get("/v1/predict?user=9001&movie=1").is_success
            assert client.get("/v1/users/9002/ratings").json()["ratings"] == []
        finally:
            postgresql.start()
        assert client.post("/v1/users/9003/ratings", json=rating).status_code == 201
    with place.open() as client:
        kept = {u: client.get(f"/v1/users/{u}/ratings").json()["ratings"] for u in (9001, 9003)}
        assert all(len(ratings) == 1 for ratings in kept.values())


def test_a_fresh_machine_trains_first(tmp_path: Path) -> None:
    """A small model of one's own table, so that it is quick."""
    once = planted().frame.unique([USER, MOVIE], keep="first", maintain_order=True)
    once.write_csv(tmp_path / "ratings.csv")
    words = ["--model=bias", f"--data={tmp_path / 'ratings.csv'}"]
    with process(tmp_path, *words) as (_, client):
        wait(client)
        assert client.get("/v1/model").json()["model"] == "bias"
        assert client.get("/docs").is_success


def refused(*words: str) -> str:
    command = [sys.executable, "-m", "ratecast.cli", "serve", *words]
    process_result = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    assert process_result.returncode == 2
    assert not process_result.stdout
    (line,) = process_result.stderr.splitlines()
    return line


def test_a_store_or_a_port_that_is_taken_is_said(place: Place, artifact: Path) -> None:
    with process(place.home) as (_, client):
        wait(client)
        assert "another service" in refused(f"--home={place.home}", "--port=1")
        ArtifactStore(place.home / "other").publish(artifact)
        port = f"--port={client.base_url.port}"
        assert "in use" in refused(f"--home={place.home / 'other'}", port)


def test_the_port_that_was_found_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[socket.socket] = []
    told: list[int] = []
    monkeypatch.setattr("ratecast.serving.server.log_as_json", lambda: None)
    monkeypatch.setattr("uvicorn.Server.run", lambda _, sockets: served.append(sockets[0]))
    interval = sys.getswitchinterval()
    try:
        serve(Settings(tmp_path, port=0), told.append)
    finally:
        sys.setswitchinterval(interval)
    assert len(served) == 1
    assert told[0] > 0


def test_connections_are_closed_where_a_port_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, close = [], Store.close

    def noted(store: Store) -> None:
        closed.append(store)
        close(store)

    monkeypatch.setattr(Store, "close", noted)
    with bound_socket("127.0.0.1", 0, "serve") as bound:
        bound.listen()
        settings = Settings(tmp_path, port=bound.getsockname()[1])
        with pytest.raises(InputError, match="is not available"):
            serve(settings)
    assert len(closed) == 1


def test_a_postgresql_that_is_taken_is_said(postgresql: postgres.Server) -> None:
    one, two = Store(postgresql.url), Store(postgresql.url)
    with (
        exclusive_lock(one.lock),
        pytest.raises(InputError, match="another service"),
        exclusive_lock(two.lock),
    ):
        pass
    with exclusive_lock(two.lock):
        pass
    one.close()
    two.close()
