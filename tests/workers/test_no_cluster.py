"""What is said of a Ray cluster that cannot be had as asked: one line, before work begins."""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratecast.cli import main
from ratecast.cli.places import PlaceOptions
from ratecast.errors import InputError
from ratecast.optional_packages import install_command
from ratecast.workers import Ray, pool, ray_cluster
from ratecast.workers.ray_cluster import require_shared, versions
from tests.planted import planted


def refusal(place: Ray) -> str:
    with pytest.raises(InputError) as error, pool(place):
        pass
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def test_ray_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.chdir(tmp_path)
    planted().frame.write_csv("ratings.csv")
    before, command = sorted(tmp_path.iterdir()), install_command("ray")
    for words in (
        "compare mean,bias --data ratings.csv",
        "tune bias --data ratings.csv --study s.db",
        "evaluate --model bias --data ratings.csv --split kfold:3",
        "report mean,bias --data ratings.csv",
    ):
        assert main([*words.split(), "--on", "ray"]) == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line == f"ratecast: --on ray: ray is not installed; install it with {command}"
        assert sorted(tmp_path.iterdir()) == before


ray = pytest.importorskip("ray")


def test_a_machine_that_is_too_slow_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(**_: object) -> None:
        # Ray has no class of its own for it.
        raise Exception("The node timed out during startup.")

    monkeypatch.setattr(ray, "init", late)
    said = refusal(Ray(workers=1))
    assert "no cluster can be started here (The node timed out during startup); leave" in said


@pytest.mark.parametrize("address", ["10.0.0.7", "head:port", "ray://10.0.0.7:10001", ":"])
def test_an_address_that_is_none(address: str) -> None:
    assert "is no address; give that of the head node, as in 10.0.0.7:6379" in refusal(
        Ray(address=address)
    )


def test_an_address_that_does_not_answer(closed_port: int) -> None:
    begun = time.monotonic()
    why = refusal(Ray(address=f"127.0.0.1:{closed_port}"))
    assert why.startswith(f"ray: 127.0.0.1:{closed_port} cannot be reached")
    assert f"start the head there with ray start --head --port {closed_port}" in why
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
def test_a_port_of_another_program_is_no_head(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(64)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        why = refusal(Ray(address=f"127.0.0.1:{server.getsockname()[1]}"))
        thread.join()
    assert "answers, but is no head of a Ray cluster" in why


def test_more_workers_than_cores() -> None:
    cores = os.cpu_count() or 1
    assert f"this machine has {cores}; give --workers {cores} at most" in refusal(
        Ray(workers=cores + 1)
    )


def test_options_name_a_cluster() -> None:
    assert PlaceOptions(on="ray").place("tune", 1) == Ray(workers=1)
    assert PlaceOptions(on="ray", address="auto").place("tune") == Ray(address="auto")


def test_a_program_that_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    # That connection is not ended.
    monkeypatch.setattr(ray, "shutdown", lambda: pytest.fail("was ended"))
    assert "this program is connected to a cluster already" in refusal(Ray(workers=1))


def test_a_head_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: Any) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with:\n  Ray: 2.55.0")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray_cluster, "_require_reachable", lambda _: None)
    why = refusal(Ray(address="10.0.0.7:6379"))
    assert "(Version mismatch: The cluster was started with: Ray: 2.55.0)" in why
    assert "with the Python and the Ray of its head" in why


@pytest.mark.parametrize(
    ("mode", "raised", "answer"),
    [
        (None, ConnectionError("no answer"), "asks for a token; set RAY_AUTH_MODE=token, and give"),
        ("token", ConnectionError("no answer"), "and that of this machine is another one; give"),
        ("token", ray.exceptions.AuthenticationError("none"), "and this machine has none; give"),
    ],
)
def test_a_head_that_asks_for_a_token(
    mode: str | None,
    raised: Exception,
    answer: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def init(**_: Any) -> None:
        if isinstance(raised, ConnectionError):
            os.write(2, b"gcs_client.cc: Unauthenticated: RPC error: InvalidAuthToken: missing\n")
        raise raised

    if mode is None:
        monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    else:
        monkeypatch.setenv("RAY_AUTH_MODE", mode)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray_cluster, "_require_reachable", lambda _: None)
    assert answer in refusal(Ray(address="10.0.0.7:6379"))
    # Ray's own lines are not printed beside it.
    assert capfd.readouterr().err == ""


def test_a_node_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    def nodes(_: Any) -> Iterator[tuple[str, dict[str, str]]]:
        yield "10.0.0.7", versions()
        yield "10.0.0.8", versions() | {"numba": "0.1"}

    monkeypatch.setattr(ray_cluster, "_from_each_node", nodes)
    with pytest.raises(InputError, match=r"node 10\.0\.0\.8 has numba 0\.1, and this machine "):
        ray_cluster._require_same_versions()


def test_a_folder_that_a_node_does_not_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def nodes(_: Any, path: str) -> Iterator[tuple[str, bool]]:
        asked.append(path)
        yield "10.0.0.7", Path(path).exists()
        yield "10.0.0.8", False

    monkeypatch.setattr(ray_cluster, "_from_each_node", nodes)
    with pytest.raises(InputError, match=r"out: is not shared with node 10\.0\.0\.8"):
        require_shared([tmp_path / "out"])
    assert len(asked) == 1
    assert not Path(asked[0]).exists()
