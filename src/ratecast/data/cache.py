"""The cache folder, which keeps data between runs, and temporary folders inside it."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from platformdirs import user_cache_dir

from ratecast.errors import InputError

VARIABLE = "RATECAST_HOME"
_WORK, _STALE_SECONDS = ".work-", 24 * 3600


def home() -> Path:
    """`RATECAST_HOME`, else `ratecast` in the user's cache folder (or `XDG_CACHE_HOME`)."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    return Path(user_cache_dir("ratecast"))


def dataset_folder(name: str) -> Path:
    """The folder of the canonical tables of an edition."""
    return home() / "data" / name


def downloads_folder() -> Path:
    """The folder of downloaded archives."""
    return home() / "downloads"


@contextmanager
def workspace() -> Iterator[Path]:
    """A temporary folder in the cache, removed at the end in any case.

    It is on the same disk as the data, so that a finished folder is moved there in one step.
    """
    root = home()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=root))
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror}); set {VARIABLE} to a writable folder"
        ) from None
    try:
        yield folder
    except OSError as error:
        raise InputError(
            f"{error.filename or root}: {error.strerror or error}; check permissions and free "
            f"disk space, or set {VARIABLE} to another folder"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove folders of killed runs, but not those of a run in progress."""
    for folder in root.glob(f"{_WORK}*"):
        with suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
