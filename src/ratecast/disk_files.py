"""Files on the disk: what they hold, that they are there for good, and who may write them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ratecast.errors import InputError
from ratecast.systems import lock, sync


def digest_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Wait until a folder and everything in it are on the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


@contextmanager
def locked(file: Path, in_use: str) -> Iterator[BinaryIO]:
    """Hold the lock of a file, which is made if it is not there, for the block; the open file.

    in_use: the message of the `InputError` where another process holds it. Raises it, too, on a
    disk that has no locks.
    """
    with file.open("ab") as opened:
        try:
            free = lock(opened)
        except OSError as error:
            raise InputError(
                f"{file}: cannot be locked ({error.strerror}); choose a folder on a local disk"
            ) from None
        if not free:
            raise InputError(in_use)
        yield opened
