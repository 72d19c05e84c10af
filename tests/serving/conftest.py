from collections.abc import Iterator
from pathlib import Path

import pytest

from ratecast.models.state_space.model import StateSpace
from ratecast.ratings import Ratings
from ratecast.serving.live.published import ArtifactStore
from tests.serving import postgres
from tests.serving.place import Place


@pytest.fixture(scope="session")
def artifact(ml100k: Ratings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flagship on MovieLens 100K, small settings, so that it is fitted in seconds."""
    folder = tmp_path_factory.mktemp("serving") / "artifact"
    StateSpace(factors=2, co_rating_factors=2, iterations=2).fit(ml100k.sorted()).save(folder)
    return folder


@pytest.fixture
def place(tmp_path: Path, artifact: Path) -> Place:
    """A service's folder in which the artifact was published."""
    ArtifactStore(tmp_path).publish(artifact)
    return Place(tmp_path)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """A private PostgreSQL server; skips the test if there is none."""
    if not postgres.here():
        pytest.skip(postgres.MISSING)
    with postgres.server() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database: both kinds in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ratings.db'}"
    server: postgres.Server = request.getfixturevalue("postgresql")
    url = server.created(f"t{abs(hash(str(tmp_path)))}")
    return url.replace("postgresql:", "postgresql+psycopg:")
