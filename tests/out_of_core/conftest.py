"""A cluster of this machine, with more cores than it has."""

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Its address."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    options = {"num_cpus": 8, "include_dashboard": False}
    started = Cluster(initialize_head=True, head_node_args=options)
    yield started.address
    started.shutdown()  # type: ignore[no-untyped-call]
