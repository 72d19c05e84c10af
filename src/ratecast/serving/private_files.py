"""Files that only their owner may read: models, ratings and visitors of a service."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ratecast.errors import InputError
from ratecast.systems import others_may_read

FILE, FOLDER = 0o600, 0o700
# What a service makes in its folder; the secret is checked where it is read.
ENTRIES = (
    *("models", "visitors", "training", "current", "shadow", "verdicts.json", "ratings.db.lock"),
    *("ratings.db", "ratings.db-wal", "ratings.db-shm"),
)


@contextmanager
def owner_only() -> Iterator[None]:
    """In the block, what this process makes is for its owner alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def make_private(path: Path) -> None:
    """Let no other user of the machine read a file, or a folder with all that is in it."""
    for each in (path, *path.rglob("*")):
        _tighten(each)


def private_home(home: Path) -> None:
    """Make the service's folder, or let no other user read what an older release made in it.

    A folder that has other things too stays open to others, and what the service makes does not.
    Raises `InputError` for what belongs to another user and can be read by all.
    """
    try:
        home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{home}: cannot be made ({error.strerror}); give another --home"
        ) from None
    entries = [home / name for name in ENTRIES]
    if {path.name for path in home.iterdir()} <= {*ENTRIES, "secret", "training.lock"}:
        entries.append(home)
    for path in entries:
        _tighten(path)


def _tighten(path: Path) -> None:
    if path.is_symlink() or not path.exists():
        return
    mode = path.stat().st_mode
    wanted = FOLDER if path.is_dir() else FILE
    if not others_may_read(mode):
        return
    try:
        path.chmod(wanted)
    except PermissionError:
        raise InputError(
            f"{path}: other users can read it, and it belongs to one of them; "
            f"chmod {wanted:o} {path}, as its owner"
        ) from None
