"""Kill the service while ratings are given, start it again, and count what it kept."""

import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.serving.place import process, wait

WRITERS = 4
ACKNOWLEDGED_SECONDS = 30.0


@dataclass
class Found:
    """acknowledged: answered with 201. lost: of those, not there in the end. doubled: there twice.

    seconds: how long each start took to be ready.
    """

    acknowledged: int = 0
    lost: int = 0
    doubled: int = 0
    seconds: list[float] = field(default_factory=list)


def kill_under_load(home: Path, kills: int, seed: int) -> Found:
    """Of each writer's user, movies in turn; each rating says by its stars which turn it was."""
    drawn, found = random.Random(seed), Found()
    last: dict[int, dict[int, float]] = {user: {} for user in range(7000, 7000 + WRITERS)}
    doubt: dict[int, dict[int, set[float]]] = {user: {} for user in last}
    movies: list[int] = []
    for turn in range(kills + 1):
        with process(home) as (running, client):
            found.seconds.append(wait(client))
            movies = movies or _movies(client)
            for user, kept in last.items():
                _compare(client, user, kept, doubt[user], found)
            if turn < kills:
                work = [
                    threading.Thread(
                        target=_write, args=(client, user, movies, (last, doubt, found))
                    )
                    for user in last
                ]
                for writer in work:
                    writer.start()
                # On a machine that is slow, too, some are acknowledged before the kill.
                before, end = found.acknowledged, time.monotonic() + ACKNOWLEDGED_SECONDS
                while found.acknowledged == before and time.monotonic() < end:
                    time.sleep(0.01)
                time.sleep(drawn.uniform(0.2, 0.8))
                running.kill()
                for writer in work:
                    writer.join()
    return found


def _movies(client: httpx.Client) -> list[int]:
    found = client.get("/v1/users/7000/recommendations?n=100").json()["forecasts"]
    return [forecast["movie"]["id"] for forecast in found]


def _write(client: httpx.Client, user: int, movies: list[int], books: tuple) -> None:  # type: ignore[type-arg]
    last, doubt, found = books
    with httpx.Client(base_url=client.base_url, timeout=ACKNOWLEDGED_SECONDS) as own:
        drawn = random.Random(len(last[user]) + user)
        while True:
            movie, stars = drawn.choice(movies), float(drawn.randint(1, 5))
            # Until the answer comes, either may be kept.
            doubt[user].setdefault(movie, set()).add(stars)
            try:
                body = {"movie": movie, "stars": stars}
                answer = own.post(f"/v1/users/{user}/ratings", json=body)
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                found.acknowledged += 1
                last[user][movie], doubt[user][movie] = stars, set()


def _compare(
    client: httpx.Client,
    user: int,
    last: dict[int, float],
    doubt: dict[int, set[float]],
    found: Found,
) -> None:
    kept = client.get(f"/v1/users/{user}/ratings").json()["ratings"]
    movies = [rating["movie"]["id"] for rating in kept]
    found.doubled += len(movies) - len(set(movies))
    stars = {rating["movie"]["id"]: rating["stars"] for rating in kept}
    for movie, given in last.items():
        found.lost += stars.get(movie) not in {given, *doubt.get(movie, ())}
    for movie in doubt:
        if movie in stars:
            last[movie] = stars[movie]
        doubt[movie] = set()
