"""Checks of the cache, its disk, and the data sources."""

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


def cache_checks() -> list[Check]:
    """The cache: its folder, permissions, editions, and the free disk space."""
    home = cache.home()
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    writable = os.access(existing, os.W_OK | os.X_OK) and existing.is_dir()
    step = "" if writable else f"set {cache.VARIABLE} to a writable folder"
    held = [name for name in EDITIONS if canonical.is_complete(cache.dataset_folder(name))]
    free = shutil.disk_usage(existing).free
    enough = free > _LEAST_DISK
    more = "" if enough else f"free disk space, or set {cache.VARIABLE} to another disk"
    return [
        Check("Data", "cache", f"{home} ({_size(home) / 1e6:,.1f} MB)", writable, step),
        Check("Data", "editions in the cache", ", ".join(held) or "none yet"),
        Check("Data", "disk", f"{free / 1e9:,.1f} GB free", enough, more),
    ]


def site() -> Check:
    """GroupLens, where every edition is published."""
    return _reached("files.grouplens.org", lambda: probe(f"{SITE}/{_EDITION}.zip", SECONDS))


def index() -> Check:
    """The package index of the user's pip: the second source of ml-100k."""
    return _reached("package index", lambda: package_index.probe(SECONDS))


PROBES = (site, index)


def with_verdict(reached: list[Check]) -> list[Check]:
    """The checks, and a failed one if no source responds and ml-100k is not in the cache."""
    if any(check.ok for check in reached) or not reached:
        return reached
    if canonical.is_complete(cache.dataset_folder(_EDITION)):
        return reached
    step = f"check the network, or use an archive: ratecast data fetch {_EDITION} --from PATH"
    return [*reached, Check("Data", "data source", "none responds", False, step)]


def _reached(name: str, connect: Callable[[], None]) -> Check:
    try:
        connect()
    except UnreachableError as error:
        return Check("Data", name, f"does not respond: {error}")
    return Check("Data", name, "responds", True)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
