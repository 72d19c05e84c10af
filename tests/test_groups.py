"""Tests that share fixtures go to one process, whose fits are then made once."""

import pytest


def test_xdist_reads_the_group_of_a_test(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("loadgroup", default=False):
        pytest.skip("not among the processes of `make test`")
    assert request.node.nodeid.endswith("@test_groups.py")
