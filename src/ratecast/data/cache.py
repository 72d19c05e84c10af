"""The folder where data is kept between runs, and folders for work in progress inside it."""

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
    """`RATECAST_HOME`, else `ratecast` in the user's cache folder (`XDG_CACHE_HOME` heeded)."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser().absolute()
    return Path(user_cache_dir("ratecast"))


def dataset_folder(name: str) -> Path:
    """Where the canonical tables of an edition are kept."""
    return home() / "data" / name


def downloads_folder() -> Path:
    """Where archives are kept as they came."""
    return home() / "downloads"


@contextmanager
def workspace() -> Iterator[Path]:
    """A folder beside the kept data, gone afterwards whatever happens.

    On the same disk as the kept data, so that a finished folder is moved there in one step.
    """
    root = home()
    try:
        root.mkdir(parents=True, exist_ok=True)
        _sweep(root)
        folder = Path(tempfile.mkdtemp(prefix=_WORK, dir=root))
    except OSError as error:
        raise InputError(
            f"{root}: cannot be written ({error.strerror}); set {VARIABLE} to a folder of yours"
        ) from None
    try:
        yield folder
    except OSError as error:
        raise InputError(
            f"{error.filename or root}: {error.strerror or error}; check its rights and the space "
            f"on the disk, or set {VARIABLE} to another folder"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(root: Path) -> None:
    """Remove what killed runs left behind, but not what another run is working in."""
    for left in root.glob(f"{_WORK}*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
