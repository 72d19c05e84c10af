from pathlib import Path

import pytest

from tests.packaging.builds import built, copied


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist, and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("packages")
    return built(copied(folder / "project"), folder / "dist")
