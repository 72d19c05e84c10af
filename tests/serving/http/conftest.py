from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ratecast.serving.live.published import ArtifactStore
from tests.serving.place import Place


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, artifact: Path) -> Iterator[httpx.Client]:
    """A service of the module's own."""
    home = tmp_path_factory.mktemp("home")
    ArtifactStore(home).publish(artifact)
    with Place(home).open() as opened:
        yield opened
