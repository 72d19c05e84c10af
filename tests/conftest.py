import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import pytest

from ratecast import data
from ratecast.ratings import Ratings

# What takes longest is begun first, so that no process is left alone with it at the end; before it
# what compiles the kernels, which the servers and notebooks then load.
LONG = (
    "models/test_bands.py",
    "models/test_contract.py",
    "docs/test_blocks.py",
    "serving/",
    "notebooks/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules of `LONG` first, in that order; the rest as it was.

    The tests of a module go to one process, which makes its fixtures once, but for those that
    have a group of their own.
    """
    root = Path(__file__).parent
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(root).as_posix()))

    def turn(item: pytest.Item) -> int:
        place = item.path.relative_to(root).as_posix()
        return next((i for i, start in enumerate(LONG) if place.startswith(start)), len(LONG))

    items.sort(key=turn)


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


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    """The address of a Ray cluster of two cores; tests that ask for it are of the group `ray`."""
    yield from _started(2)


@pytest.fixture(scope="session")
def wide_ray_address() -> Iterator[str]:
    """The same of eight cores, whether the machine has them or not."""
    yield from _started(8)


def _started(cores: int) -> Iterator[str]:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    options = {"num_cpus": cores, "include_dashboard": False}
    for left in (2, 1, 0):
        try:
            cluster = Cluster(initialize_head=True, head_node_args=options)
            break
        except Exception as error:
            # Ray waits for 30 seconds, which a busy machine may take longer than.
            if not left or "timed out during startup" not in str(error):
                raise
    yield cluster.address
    cluster.shutdown()  # type: ignore[no-untyped-call]
