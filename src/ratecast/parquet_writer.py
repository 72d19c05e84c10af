"""Writes a Parquet table piece by piece; the file appears complete or not at all."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from ratecast.errors import InputError


def write_parquet(path: Path, pieces: Iterable[pl.DataFrame]) -> int:
    """Write pieces of one table, in their order, to `path`; returns the number of rows.

    Each piece is written before the next is computed, so that only one is in memory.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as work:
            return _write(path, Path(work), pieces)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; give another path") from None


def _write(path: Path, work: Path, pieces: Iterable[pl.DataFrame]) -> int:
    parts, rows = [], 0
    for number, piece in enumerate(pieces):
        parts.append(work / f"{number:06}.parquet")
        piece.write_parquet(parts[-1], compression="lz4")
        rows += piece.height
    complete = work / "complete"
    pl.scan_parquet(parts, glob=False).sink_parquet(complete, compression="zstd")
    complete.chmod(0o644)
    complete.replace(path)
    return rows
