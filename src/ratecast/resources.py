"""Whether there is room, on the disk and in memory, for what is about to be done."""

import shutil
from pathlib import Path

from ratecast.errors import InputError

# user, movie and at of eight bytes, rating of four.
ROW_BYTES = 28


def on_disk(folder: Path, needed: float, what: str) -> None:
    """Raise `InputError` where the disk of `folder` has fewer than `needed` bytes free."""
    place = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(
            f"{what}: needs about {_said(needed)} of disk, {_said(free)} are free at {place}; "
            "free some, or choose a folder on another disk"
        )


def in_memory(needed: float, what: str, instead: str = "take fewer ratings") -> None:
    """Raise `InputError` where fewer than `needed` bytes of memory are available.

    instead: what else to do than to end other programs.
    """
    free = available_memory()
    if needed > free:
        raise InputError(
            f"{what}: needs about {_said(needed)} of memory, {_said(free)} are available; "
            f"end other programs, or {instead}"
        )


def available_memory() -> int:
    """Bytes that can be had without swapping."""
    import psutil

    return int(psutil.virtual_memory().available)


def _said(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"
