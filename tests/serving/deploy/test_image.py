"""The stages of the Dockerfile, run here in a folder: `make test-deploy`. It needs PyPI.

Where a builder of images and a registry are at hand, `docker build .` is the better test.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ratecast.serving.live.published import ArtifactStore
from tests.serving.deploy.files import ROOT, Stage, stages
from tests.serving.place import free_port

pytestmark = pytest.mark.deploy
# Megabytes: of python:3.11-slim-bookworm, as Docker shows it, and what the image may have.
BASE, MOST = 125, 800
INSTALLED, FOLDER = "/opt/ratecast", "/build"
START_SECONDS, USER = 60, 10001


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage leaves in /opt/ratecast."""
    folder = tmp_path_factory.mktemp("image")
    # Another user must get there.
    for above in (folder, folder.parent, folder.parent.parent):
        above.chmod(0o755)
    build = stages()[0]
    work = folder / "build"
    work.mkdir()
    for step, text in build.steps:
        if step == "COPY":
            *names, target = text.split()
            for name in names:
                _copy(ROOT / name, work / target)
        if step == "RUN":
            _run(_here(text, folder), work, build)
    return folder / "ratecast"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def _here(text: str, folder: Path) -> str:
    """A command of the image as one of this machine."""
    text = text.replace(INSTALLED, str(folder / "ratecast"))
    parts = [part.strip() for part in text.split("&&")]
    # This machine has what the image installs, and is not changed.
    parts = [part for part in parts if not part.startswith(("apt-get", "rm -rf /var/lib/apt"))]
    named = {"python": _interpreter(), "pip": f"{sys.executable} -m pip"}
    for k, part in enumerate(parts):
        words = part.split(" ")
        parts[k] = " ".join(
            named.get(word, word) if n < 2 else word for n, word in enumerate(words)
        )
    return " && ".join(parts)


def _interpreter() -> str:
    """Python of the image's release, of this environment unless other users cannot get there."""
    found = [sys.executable, shutil.which("python3.11", path="/usr/local/bin:/usr/bin") or ""]
    return next((each for each in found if each and _open_to_all(Path(each).resolve())), found[0])


def _open_to_all(path: Path) -> bool:
    return all(above.stat().st_mode & 0o001 for above in (path, *path.parents))


def _run(text: str, work: Path, stage: Stage) -> None:
    environment = stage.environment | {"NUMBA_CACHE_DIR": f"{work.parent}/ratecast/kernels"}
    done = subprocess.run(
        ["sh", "-c", text], cwd=work, env=os.environ | environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"


def test_it_is_small_and_has_no_torch(image: Path) -> None:
    names = {path.name for path in image.glob("lib/python*/site-packages/*")}
    assert {"ratecast", "polars", "nicegui"} <= names
    assert not {"torch", "lightning", "tensorboard", "matplotlib", "pytest"} & names
    size = sum(path.lstat().st_size for path in image.rglob("*") if path.is_file()) / 1e6
    kernels = sum(path.stat().st_size for path in (image / "kernels").rglob("*.nb[ci]")) / 1e6
    print(f"image: {BASE} MB of Python, {size:.0f} MB of ours, of which {kernels:.0f} MB kernels")
    assert kernels > 1
    assert BASE + size < MOST


@pytest.fixture
def home(tmp_path: Path, artifact: Path) -> Path:
    """The volume, with a published model, of the user of the image."""
    tmp_path.parent.chmod(0o755)
    tmp_path.chmod(0o755)
    volume = tmp_path / "volume"
    ArtifactStore(volume / "service").publish(artifact)
    if os.geteuid() == 0:
        for path in (volume, *volume.rglob("*")):
            os.chown(path, USER, USER)
    return volume


def test_it_starts_at_once_as_a_user_who_can_write_in_the_volume_alone(
    image: Path, home: Path
) -> None:
    final = stages()[1]
    port = free_port()
    environment = {key: value.replace(INSTALLED, str(image)) for key, value in
                   final.environment.items()}  # fmt: skip
    environment |= {"HOME": str(home), "RATECAST_HOME": str(home), "NUMBA_DEBUG_CACHE": "1"}
    environment |= {"PATH": f"{image / 'bin'}:/usr/bin:/bin", "RATECAST_TOKEN": "0123456789abcdef"}
    words = [*final.exec_form("ENTRYPOINT"), *final.exec_form("CMD"), f"--port={port}"]
    if os.geteuid() == 0 and not _open_to_all(Path(_interpreter()).resolve()):
        pytest.skip("no Python 3.11 here that another user can run")
    user = USER if os.geteuid() == 0 else None
    started = time.monotonic()
    with (home.parent / "log").open("w+") as log:
        running = subprocess.Popen(
            words, executable=shutil.which(words[0], path=environment["PATH"]), env=environment,
            cwd=home, stdout=log, stderr=log, user=user, group=user, extra_groups=[],
        )  # fmt: skip
        try:
            while not _healthy(final, port, environment):
                assert running.poll() is None, (home.parent / "log").read_text()[-2000:]
                assert time.monotonic() - started < START_SECONDS
        finally:
            running.terminate()
            running.wait(START_SECONDS)
        text = (home.parent / "log").read_text()
    assert "model in service" in text
    # The loops come from the image.
    assert "[cache] data loaded from" in text
    assert not _healthy(final, port, environment)


def _healthy(final: Stage, port: int, environment: dict[str, str]) -> bool:
    """What the health check of the image says."""
    words = [word.replace(":8000/", f":{port}/") for word in final.exec_form("HEALTHCHECK")]
    found = shutil.which(words[0], path=environment["PATH"])
    done = subprocess.run(
        words, executable=found, env=environment, capture_output=True, check=False
    )
    return done.returncode == 0
