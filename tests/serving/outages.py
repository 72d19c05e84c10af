"""Take away what writes need, give it back, and count what the service made of it."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

SOON_SECONDS = 5.0


@dataclass
class Found:
    """What became of writes.

    lost, doubled: acknowledged ratings that are not there in the end, or twice. late: times that
    writes were refused for more than five seconds after the cause was gone. wrong_ready: answers of
    /readyz that were 200 while writes were refused, or not 200 while they were taken.
    """

    acknowledged: int = 0
    refused: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    wrong_ready: int = 0

    @property
    def faults(self) -> int:
        """Zero, if all is well."""
        return self.lost + self.doubled + self.late + self.wrong_ready


def outages(
    client: httpx.Client, times: int, begin: Callable[[], object], end: Callable[[], object]
) -> Found:
    """Begin and end an outage again and again, under writes of one user."""
    user, found = 7100, Found()
    kept: dict[int, float] = {}
    answer = client.get(f"/v1/users/{user}/recommendations?n=100").json()["forecasts"]
    movies = [forecast["movie"]["id"] for forecast in answer]

    def rate(turn: int) -> int:
        movie, stars = movies[turn % len(movies)], float(1 + turn % 5)
        body = {"movie": movie, "stars": stars}
        # On a connection of its own: the service closes one that was silent through an outage.
        address = client.base_url.join(f"/v1/users/{user}/ratings")
        status = httpx.post(address, json=body, timeout=30).status_code
        if status == 201:
            found.acknowledged += 1
            kept[movie] = stars
        else:
            found.refused += 1
            # Either may be stored.
            kept.pop(movie, None)
        assert status in (201, 503)
        return status

    for turn in range(times):
        assert rate(3 * turn) == 201
        begin()
        try:
            while rate(3 * turn + 1) == 201:
                pass
            found.wrong_ready += client.get("/readyz", timeout=30).status_code == 200
            assert client.get(f"/v1/predict?user={user}&movie={movies[0]}").is_success
        finally:
            end()
        gone = time.monotonic()
        while rate(3 * turn + 2) != 201:
            time.sleep(0.05)
        found.late += time.monotonic() - gone > SOON_SECONDS
        found.wrong_ready += client.get("/readyz", timeout=30).status_code != 200
    ratings = client.get(f"/v1/users/{user}/ratings").json()["ratings"]
    stars = {rating["movie"]["id"]: rating["stars"] for rating in ratings}
    found.doubled = len(ratings) - len(stars)
    found.lost = sum(stars.get(movie) != given for movie, given in kept.items())
    return found


def full_disk(process: int) -> None:
    """No file of this process can grow beyond a page."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (4096, hard))


def free_disk(process: int) -> None:
    """End of `full_disk`."""
    _, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (hard, hard))
