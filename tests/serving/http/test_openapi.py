"""Random requests: every response matches the OpenAPI schema, and none is an internal error."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ratecast.serving.live.published import ArtifactStore
from tests.serving.http.fuzz import described, raw
from tests.serving.place import Place


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, artifact: Path) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    ArtifactStore(home).publish(artifact)
    with Place(home).open() as opened:
        yield opened


def test_cases_drawn_from_the_description(client: httpx.Client) -> None:
    assert described(client, cases=6, seed_of=0) >= 60


def test_bodies_drawn_by_chance(client: httpx.Client) -> None:
    assert raw(client, bodies=300, seed_of=0) == 300
