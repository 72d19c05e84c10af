import os
import time
from collections.abc import Callable, Iterator

import numba
import pytest

from ratecast import data
from ratecast.ratings import Ratings


@pytest.fixture(scope="session")
def ml100k() -> Ratings:
    """The real MovieLens 100K, from the cache of the machine, so that it is fetched once."""
    kept = os.environ.get("RATECAST_HOME")
    if chosen := os.environ.get("RATECAST_TEST_HOME"):
        os.environ["RATECAST_HOME"] = chosen
    try:
        return data.load("ml-100k")
    finally:
        if chosen and kept is None:
            del os.environ["RATECAST_HOME"]
        elif chosen and kept is not None:
            os.environ["RATECAST_HOME"] = kept


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Move the machine to another time zone."""

    def move(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _threads(request: pytest.FixtureRequest) -> None:
    """Skip what compares one thread with more where there is but one."""
    if request.node.get_closest_marker("threads") and numba.get_num_threads() < 2:
        pytest.skip("one thread; NUMBA_NUM_THREADS=2 makes it two")
