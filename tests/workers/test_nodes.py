"""A node of a Ray cluster that ends takes no result with it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ray")

import ratecast as rc
from ratecast.out_of_core.fit import fit_out_of_core
from ratecast.workers import Ray
from tests.out_of_core.tables import SHARE, mf_bias, ratings, write_parts
from tests.out_of_core.test_fit import QUIET, assert_same
from tests.planted import planted
from tests.workers.test_ray import bare

# Each test starts a cluster of its own.
pytestmark = [pytest.mark.xdist_group("ray"), pytest.mark.cluster]


@pytest.fixture
def nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """The address of a cluster of two nodes, of one core and of two, and what ends the second."""
    from ray.cluster_utils import Cluster

    options = {"num_cpus": 1, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=options)
    second = cluster.add_node(num_cpus=2)
    yield cluster.address, partial(cluster.remove_node, second, allow_graceful=False)
    cluster.shutdown()  # type: ignore[no-untyped-call]


@contextmanager
def ended(end: Callable[[], None], when: Callable[[], bool]) -> Iterator[list[float]]:
    """Call `end` as soon as `when` says so; gives what shows that it was called in the block."""
    called: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if when():
                end()
                called.append(time.monotonic())
                return
            time.sleep(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield called
    finally:
        over.set()
        thread.join()


def test_a_comparison_goes_on_without_a_node(
    nodes: tuple[str, Callable[[], None]], tmp_path: Path
) -> None:
    address, end = nodes
    split = rc.chronological(planted())
    models = [rc.ALS(factors=2), rc.SVDpp(), rc.Bias()]
    there = tmp_path / "there"
    compare = partial(rc.compare, models, split, seeds=3)
    with ended(end, lambda: any(there.glob("*/runs/*.json"))) as gone:
        found = compare(jobs=Ray(workers=3, address=address), folder=there)
    assert gone
    assert bare(found.rows) == bare(compare().rows)


def test_a_descent_goes_on_without_a_node(
    nodes: tuple[str, Callable[[], None]], tmp_path: Path
) -> None:
    address, end = nodes
    parts = write_parts(tmp_path / "parts", ratings())
    fit: Any = partial(fit_out_of_core, parts=parts, valid=SHARE, **QUIET)
    work = tmp_path / "work"
    with ended(end, (work / "fit" / "step-00002").exists) as gone:
        found = fit(mf_bias(8), folder=work, on=Ray(workers=3, address=address))
    assert gone
    assert_same(found, fit(mf_bias(8), folder=tmp_path / "alone"))
