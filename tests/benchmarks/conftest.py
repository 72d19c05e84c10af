"""No test installs the packages of the peers."""

import pytest

from benchmarks import environment


@pytest.fixture(autouse=True)
def _never_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a new clone that would take minutes, and the internet."""

    def make() -> None:
        raise AssertionError("the environment of the peers is made by a test")

    monkeypatch.setattr(environment, "make", make)
    monkeypatch.setattr(environment, "ready", lambda: False)
