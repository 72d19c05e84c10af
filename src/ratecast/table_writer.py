"""Writes a table as CSV, Parquet or JSON lines, which the name of the file decides."""

from collections.abc import Callable
from pathlib import Path

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.parquet_writer import write_parquet

PARQUET = ".parquet"
_TEXTS: dict[str, Callable[[pl.DataFrame], str]] = {
    ".csv": lambda table: table.write_csv(),
    ".jsonl": lambda table: table.write_ndjson(),
    ".ndjson": lambda table: table.write_ndjson(),
}


def check_name(path: Path) -> None:
    """Raise `InputError` for a name that is of none of the forms, before long work begins."""
    if path.suffix.lower() not in (PARQUET, *_TEXTS):
        raise InputError(f"{path}: unknown form; end the name in .csv, .parquet or .jsonl")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write the table to `path`, completely or not at all. Raises `InputError`."""
    check_name(path)
    if path.suffix.lower() == PARQUET:
        write_parquet(path, [table])
        return
    try:
        write_text(path, _TEXTS[path.suffix.lower()](table))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; give another path") from None
