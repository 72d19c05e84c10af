"""The cache, the disk below it, and whether the sources of data answer."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ratecast.data import cache, canonical, package_index
from ratecast.data.download import UnreachableError, probe
from ratecast.data.editions import EDITIONS, SITE
from ratecast.doctor.check import Check

SECONDS = 5.0
_LEAST_DISK = 1 << 30
_EDITION = "ml-100k"


def kept() -> list[Check]:
    """The cache: where, whether it can be written, what it holds, and the room on its disk."""
    home = cache.home()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    writable = os.access(there, os.W_OK | os.X_OK) and there.is_dir()
    step = "" if writable else f"set {cache.VARIABLE} to a folder of yours"
    held = [name for name in EDITIONS if canonical.is_complete(cache.dataset_folder(name))]
    free = shutil.disk_usage(there).free
    room = free > _LEAST_DISK
    more = "" if room else f"make room, or set {cache.VARIABLE} to another disk"
    return [
        Check("Data", "cache", f"{home} ({_size(home) / 1e6:,.1f} MB)", writable, step),
        Check("Data", "editions in the cache", ", ".join(held) or "none yet"),
        Check("Data", "disk", f"{free / 1e9:,.1f} GB free", room, more),
    ]


def site() -> Check:
    """GroupLens, where every edition is published."""
    return _reached("files.grouplens.org", lambda: probe(f"{SITE}/{_EDITION}.zip", SECONDS))


def index() -> Check:
    """The package index, as the user's pip finds it: the second source of ml-100k."""
    return _reached("package index", lambda: package_index.probe(SECONDS))


PROBES = (site, index)


def judged(reached: list[Check]) -> list[Check]:
    """A source that does not answer is a fault only where ml-100k has none, and is not kept."""
    if any(check.ok for check in reached) or not reached:
        return reached
    if canonical.is_complete(cache.dataset_folder(_EDITION)):
        return reached
    step = f"check the network, or take an archive: ratecast data fetch {_EDITION} --from PATH"
    return [*reached, Check("Data", "a source of data", "none answers", False, step)]


def _reached(name: str, ask: Callable[[], None]) -> Check:
    try:
        ask()
    except UnreachableError as error:
        return Check("Data", name, f"does not answer: {error}")
    return Check("Data", name, "answers", True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
