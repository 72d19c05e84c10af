"""The canonical dataset on disk: ratings, movies and users as Parquet, and metadata as JSON."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.disk_files import digest_of
from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale, trusted
from ratecast.resources import ROW_BYTES, require_disk, require_memory

VERSION = 1
METADATA = "dataset.json"
# In the name of a folder that is being written, or whose writer was killed.
UNFINISHED = "-unfinished-"
_TABLES = ("ratings", "movies", "users")
# Bytes on disk for each row, at most; peak memory of reading, as a multiple of the table's size.
_DISK_BYTES = 16
_PEAK_FACTOR = 1.5
# Rows that are compressed, and read, at once; smaller groups are faster to write.
_ROW_GROUP = 1 << 20


def write(
    folder: Path, ratings: Ratings, metadata: dict[str, Any], work: Path, *, replace: bool = True
) -> None:
    """Write the dataset into `folder`, completely or not at all.

    metadata: plain values, stored beside the tables. work: a folder on the same disk for
    unfinished files. replace: whether a complete dataset in `folder` is replaced.
    """
    require_disk(work, len(ratings) * _DISK_BYTES, f"{folder}: {len(ratings):,} ratings")
    new = work / "canonical"
    new.mkdir()
    for name, table in _tables(ratings).items():
        write_table(new / f"{name}.parquet", table)
    write_metadata(new, ratings.scale, metadata)
    _swap(new, folder, None if not replace and is_complete(folder) else work / "replaced")


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table that is fast to read: in lz4, without statistics, which no reader needs."""
    table.write_parquet(path, compression="lz4", statistics=False, row_group_size=_ROW_GROUP)


def write_metadata(folder: Path, scale: Scale, metadata: dict[str, Any]) -> None:
    """Write the JSON that completes the dataset in `folder`; its checksums fix the tables.

    Ratings may be one table, or parts `ratings/*.parquet` in their order.
    """
    paths = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*.parquet"))}
    content = {
        "version": VERSION,
        **metadata,
        "scale": asdict(scale),
        "files": {name: path.stat().st_size for name, path in paths.items()},
        "sha256": {name: digest_of(path) for name, path in paths.items()},
    }
    write_text(folder / METADATA, json.dumps(content, indent=2) + "\n")


def read(folder: Path) -> Ratings:
    """The dataset in `folder`.

    Raises `InputError` if it is incomplete, damaged, of another version, or larger than memory.
    """
    metadata = metadata_of(folder)
    require_memory(metadata.get("rows", 0) * ROW_BYTES * _PEAK_FACTOR, str(folder))
    for name, digest in metadata.get("sha256", {}).items():
        if digest_of(folder / name) != digest:
            raise InputError(f"{folder}: {name} is damaged; {_remedy(metadata)}")
    try:
        tables = {table: _read(_parts(folder, metadata, table)) for table in _TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder}: cannot be read ({error}); {_remedy(metadata)}") from None
    scale = Scale(**metadata["scale"])
    return trusted(Ratings(tables["ratings"], tables["movies"], tables["users"], scale))


def parts_of(folder: Path) -> tuple[list[Path], dict[str, str]]:
    """The files of the ratings in `folder`, in order, and the SHA-256 of each file by its name."""
    metadata = metadata_of(folder)
    return _parts(folder, metadata, "ratings"), metadata.get("sha256", {})


def sides_in(folder: Path) -> dict[str, pl.DataFrame]:
    """The tables `movies` and `users` in `folder`."""
    metadata = metadata_of(folder)
    return {table: _read(_parts(folder, metadata, table)) for table in _TABLES[1:]}


def scale_in(folder: Path) -> Scale:
    """The scale of the ratings in `folder`."""
    return Scale(**metadata_of(folder)["scale"])


def scan(folder: Path) -> pl.LazyFrame:
    """The ratings in `folder` as a lazy frame: user, movie, rating, at."""
    return pl.scan_parquet(_parts(folder, metadata_of(folder), "ratings"), glob=False)


def metadata_of(folder: Path) -> dict[str, Any]:
    """The metadata, after a check that every table is complete."""
    try:
        metadata: dict[str, Any] = json.loads((folder / METADATA).read_text("utf-8"))
        version, sizes = metadata["version"], dict(metadata["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: no readable {METADATA} ({error}); {_remedy({})}") from None
    if version != VERSION:
        raise InputError(
            f"{folder}: dataset of version {version}, this ratecast reads {VERSION}; "
            f"{_remedy(metadata)}"
        )
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise InputError(f"{folder}: {name} is missing or incomplete; {_remedy(metadata)}")
    return metadata


def is_complete(folder: Path) -> bool:
    """Whether the folder holds a complete dataset of this version."""
    try:
        metadata_of(folder)
    except InputError:
        return False
    return True


def _parts(folder: Path, metadata: dict[str, Any], table: str) -> list[Path]:
    """The files of one table, in order."""
    names = [n for n in metadata["files"] if n == f"{table}.parquet" or n.startswith(f"{table}/")]
    if not names:
        raise InputError(f"{folder}: no {table} in {METADATA}; {_remedy(metadata)}")
    return [folder / name for name in sorted(names)]


def _read(paths: list[Path]) -> pl.DataFrame:
    frame = pl.read_parquet(paths, glob=False)
    # Column by column, so that only one is in memory twice.
    return pl.DataFrame([frame.drop_in_place(name).rechunk() for name in frame.columns])


def _remedy(metadata: dict[str, Any]) -> str:
    fetch = f"ratecast data fetch {metadata.get('name', 'EDITION')}"
    return f"run {metadata.get('made') or fetch} again"


def _tables(ratings: Ratings) -> dict[str, pl.DataFrame]:
    return dict(zip(_TABLES, (ratings.frame, ratings.movies, ratings.users), strict=True))


def _swap(new: Path, folder: Path, aside: Path | None) -> None:
    """Move `new` to `folder`. An old folder is moved to `aside`, or stays if that is None."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        if folder.exists() and aside is not None:
            folder.rename(aside)
        new.rename(folder)
    except OSError:
        # Another process has written the same dataset in the meantime.
        if not is_complete(folder):
            raise
