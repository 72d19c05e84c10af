"""Atomic writes: a file appears complete or not at all."""

import os
import tempfile
from pathlib import Path

from ratecast.systems import rename, sync


def write_text(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` (UTF-8) to `path`; at any time the file is the old one or the new one.

    When it returns, the new one is on the disk. mode: who may read and write it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        # Before it has its name: after a crash the name would stand for an empty file.
        sync(Path(temporary))
        Path(temporary).chmod(mode)
        rename(Path(temporary), path)
        sync(path.parent)
    finally:
        Path(temporary).unlink(missing_ok=True)
