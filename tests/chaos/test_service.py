"""The service under kills, outages and random requests; by hand: `make test-chaos`."""

import sqlite3
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx

from ratecast.models.bias import Bias
from ratecast.ratings import Ratings
from tests.serving import outages, postgres
from tests.serving.edits import publish_edited
from tests.serving.http.fuzz import described, raw
from tests.serving.kills import kill_under_load
from tests.serving.place import Place, process, wait

KILLS, OUTAGES, CASES, BODIES = 50, 5, 150, 10_000
RESTARTS, EDITS, DISKS = 20, 200, 20


def test_fifty_kills_lose_and_double_nothing(place: Place) -> None:
    found = kill_under_load(place.home, KILLS, seed=1)
    slow = sorted(found.seconds)
    print(f"{found.acknowledged} acknowledged; ready after {slow[len(slow) // 2]:.2f} s", end="")
    print(f" (median), {slow[-1]:.2f} s (slowest); lost {found.lost}, doubled {found.doubled}")
    assert found.acknowledged > KILLS
    assert found.lost == found.doubled == 0


def test_outages_of_the_database_lose_nothing(postgresql: postgres.Server, place: Place) -> None:
    place.database = postgresql.url
    stop = threading.Event()
    kept: dict[int, float] = {}
    answers: list[int] = []
    with place.open() as client:
        movies = [
            f["movie"]["id"]
            for f in client.get("/v1/users/9000/recommendations?n=100").json()["forecasts"]
        ]

        def write() -> None:
            with httpx.Client(base_url=client.base_url, timeout=30) as own:
                while not stop.is_set():
                    movie, stars = movies[len(answers) % 100], float(1 + len(answers) % 5)
                    body = {"movie": movie, "stars": stars}
                    status = own.post("/v1/users/9000/ratings", json=body).status_code
                    answers.append(status)
                    if status == 201:
                        kept[movie] = stars
                    else:
                        kept.pop(movie, None)  # Not acknowledged: either may be stored.

        writer = threading.Thread(target=write)
        writer.start()
        for _ in range(OUTAGES):
            time.sleep(1.0)
            postgresql.stop()
            time.sleep(1.0)
            assert client.get("/v1/predict?user=196&movie=242").is_success
            postgresql.start()
        time.sleep(1.0)
        stop.set()
        writer.join()
        assert {201, 503} == set(answers)
    with place.open() as client:
        ratings = client.get("/v1/users/9000/ratings").json()["ratings"]
        stars = {r["movie"]["id"]: r["stars"] for r in ratings}
        assert len(stars) == len(ratings)
        assert {movie: stars.get(movie) for movie in kept} == kept


def test_twenty_restarts_of_the_database(postgresql: postgres.Server, place: Place) -> None:
    place.database = postgresql.url
    with place.open() as client:
        found = outages.outages(client, RESTARTS, postgresql.stop, postgresql.start)
    print(found)
    assert found.faults == 0


def test_twenty_full_disks(place: Place) -> None:
    with process(place.home) as (running, client):
        wait(client)
        number = running.pid
        found = outages.outages(
            client, DISKS, lambda: outages.full_disk(number), lambda: outages.free_disk(number)
        )
    print(found)
    assert found.faults == 0


def test_two_hundred_edited_artifacts(place: Place, ml100k: Ratings, tmp_path: Path) -> None:
    Bias().fit(ml100k.sorted()).save(tmp_path / "bias")
    with place.open() as client:
        found = publish_edited(place.home, client, tmp_path / "bias", EDITS, seed=1)
    print(found)
    assert found.untidy == found.ended == 0


def test_a_locked_file_is_unavailable(place: Place) -> None:
    with place.open() as client:
        other = sqlite3.connect(place.home / "ratings.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        body = {"movie": 50, "stars": 4}
        assert client.post("/v1/users/9/ratings", json=body, timeout=30).status_code == 503
        assert client.get("/v1/predict?user=9&movie=1").is_success
        other.execute("ROLLBACK")
        other.close()
        assert client.post("/v1/users/9/ratings", json=body).status_code == 201


def test_two_thousand_cases_of_the_description(place: Place) -> None:
    with place.open() as client:
        assert described(client, CASES, seed_of=2) > 2_000


def test_ten_thousand_bodies(place: Place) -> None:
    with place.open() as client:
        assert raw(client, BODIES, seed_of=2) == BODIES


def test_incomplete_requests_and_silent_clients_block_no_other(place: Place) -> None:
    import socket

    with place.open() as client:
        address = client.base_url.host, client.base_url.port or 80
        silent = []
        for turn in range(200):
            opened = socket.create_connection(address)
            if turn % 2:
                opened.sendall(b"POST /v1/predict HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
            silent.append(opened)
        for _ in range(50):
            assert client.get("/v1/predict?user=196&movie=242").is_success
        for opened in silent:
            with suppress(OSError):
                opened.close()
        assert client.get("/readyz").is_success
