"""Which artifacts are kept, and who may read them."""

import os
import time
from pathlib import Path

import pytest

from ratecast.cli import main
from ratecast.models.bias import Bias
from ratecast.serving.live.published import SERVING, ArtifactStore
from ratecast.serving.live.served_model import LEARNED_TO
from ratecast.serving.private_files import private_home
from tests.planted import planted


def name_of(day: int) -> str:
    return f"202601{day:02d}T000000Z-0123abcd"


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    """Artifacts of the days 1 to 9, of which the 4th was refused; the 9th is the current one."""
    store = ArtifactStore(tmp_path)
    for day in range(1, 10):
        store.folder(name_of(day)).mkdir(parents=True)
        (store.folder(name_of(day)) / LEARNED_TO).write_text(f"{10 * day}\n")
        store.record_verdict(name_of(day), "refused: it is" if day == 4 else SERVING)
    (tmp_path / "current").write_text(name_of(9))
    return store


def days(artifacts: ArtifactStore) -> list[int]:
    assert set(artifacts.verdicts()) == {path.name for path in _folders(artifacts)}
    return sorted(int(path.name[6:8]) for path in _folders(artifacts))


def _folders(artifacts: ArtifactStore) -> list[Path]:
    return [path for path in (artifacts.home / "models").iterdir() if path.name[0] != "."]


@pytest.mark.parametrize(
    ("keep", "served", "removal", "left"),
    [
        (3, 9, 0, [7, 8, 9]),
        (5, 9, 0, [5, 6, 7, 8, 9]),
        (6, 9, 0, [3, 5, 6, 7, 8, 9]),
        (0, 9, 0, [9]),
        # The 8th is in service; the current one has still to be checked.
        (2, 8, 0, [8, 9]),
        (0, 8, 0, [8, 9]),
        # What was deleted as number 75 is in the models before the 8th.
        (5, 9, 75, [8, 9]),
        (5, 9, 70, [7, 8, 9]),
        (5, 9, 85, [9]),
    ],
)
def test_older_ones_go(
    artifacts: ArtifactStore, keep: int, served: int, removal: int, left: list[int]
) -> None:
    store = ArtifactStore(artifacts.home, keep)
    store.prune(name_of(served), removal)
    assert days(store) == left
    assert store.outdated(name_of(served), removal) == []


def test_one_that_is_being_published_stays(artifacts: ArtifactStore) -> None:
    staged = [artifacts.home / "models" / f".new-{age}" for age in ("now", "given-up")]
    for folder in staged:
        folder.mkdir()
    os.utime(staged[1], (time.time() - 5000, time.time() - 5000))
    same_second = artifacts.folder(name_of(9)[:17] + "ffffffff")
    same_second.mkdir()
    artifacts.prune(name_of(9), 0)
    assert [folder.exists() for folder in staged] == [True, False]
    assert same_second.exists()


def test_each_way_to_publish_has_a_verdict_of_its_own_within_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Bias().fit(planted()).save(tmp_path / "fitted")
    store = ArtifactStore(tmp_path / "home")
    monkeypatch.setattr("time.gmtime", lambda: (2026, 1, 1, 0, 0, 0, 3, 1, 0))
    names = [
        store.publish(tmp_path / "fitted", shadow=shadow, force=force)
        for shadow in (False, True)
        for force in (False, True)
    ]
    assert len({*names}) == 4
    assert store.publish(tmp_path / "fitted") == names[0]


def test_what_is_published_is_private(tmp_path: Path) -> None:
    Bias().fit(planted()).save(tmp_path / "fitted")
    assert main(["publish", str(tmp_path / "fitted"), f"--home={tmp_path / 'home'}"]) == 0
    found = [tmp_path / "home", *(tmp_path / "home").rglob("*")]
    assert len(found) > 5
    assert not [path for path in found if path.stat().st_mode & 0o077]


def test_a_wider_folder_of_an_older_release_is_tightened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "models").mkdir(parents=True)
    (home / "ratings.db").write_text("")
    for path in (home, home / "models", home / "ratings.db"):
        path.chmod(0o755)
    private_home(home)
    modes = [path.stat().st_mode & 0o777 for path in (home, home / "models", home / "ratings.db")]
    assert modes == [0o700, 0o700, 0o600]
    # One with other things is not the service's alone.
    (home / "notes.txt").write_text("")
    for path in (home, home / "notes.txt", home / "models"):
        path.chmod(0o755)
    private_home(home)
    modes = [path.stat().st_mode & 0o777 for path in (home, home / "notes.txt", home / "models")]
    assert modes == [0o755, 0o755, 0o700]
