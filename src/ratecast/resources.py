"""Checks that disk space and memory suffice, before the work starts."""

import shutil
from pathlib import Path

from ratecast.errors import InputError

# user, movie and at of eight bytes, rating of four.
ROW_BYTES = 28


def require_disk(folder: Path, needed: float, what: str) -> None:
    """Raise `InputError` if the disk of `folder` has fewer than `needed` bytes free."""
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        raise InputError(
            f"{what}: needs about {_size(needed)} of disk, {_size(free)} are free at {existing}; "
            "free disk space, or choose a folder on another disk"
        )


def require_memory(needed: float, what: str, instead: str = "use fewer ratings") -> None:
    """Raise `InputError` if fewer than `needed` bytes of memory are available.

    instead: advice for the message, besides ending other programs.
    """
    free = available_memory()
    if needed > free:
        raise InputError(
            f"{what}: needs about {_size(needed)} of memory, {_size(free)} are available; "
            f"end other programs, or {instead}"
        )


def available_memory() -> int:
    """Bytes of memory that are available without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def _size(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"
