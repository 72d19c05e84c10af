"""The canonical dataset on disk: ratings, movies and users as Parquet, and a JSON of facts."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.atomic_write import write_text
from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale, trusted
from ratecast.resources import ROW_BYTES, in_memory, on_disk

VERSION = 1
FACTS = "dataset.json"
_TABLES = ("ratings", "movies", "users")
# Bytes on disk for each row, at most; and in memory at the peak of reading, for each of a row.
_DISK_BYTES = 16
_READ_TIMES = 1.5


def write(
    folder: Path, ratings: Ratings, facts: dict[str, Any], work: Path, *, replace: bool = True
) -> None:
    """Put the dataset into `folder`, whole or not at all.

    `work` is a folder on the same disk, for what is not finished. facts: plain values to be kept
    beside the tables. replace: whether a whole dataset that stands there gives way.
    """
    on_disk(work, len(ratings) * _DISK_BYTES, f"{folder}: {len(ratings):,} ratings")
    fresh = work / "canonical"
    fresh.mkdir()
    for name, table in _tables(ratings).items():
        write_table(fresh / f"{name}.parquet", table)
    seal(fresh, ratings.scale, facts)
    _swap(fresh, folder, None if not replace and is_whole(folder) else work / "replaced")


def write_table(path: Path, table: pl.DataFrame) -> None:
    """Write a table so that it is read in one piece: one group of rows, lightly packed."""
    table.write_parquet(path, compression="lz4", row_group_size=max(table.height, 1))


def seal(folder: Path, scale: Scale, facts: dict[str, Any]) -> None:
    """Write the JSON that makes the tables in `folder` a dataset; nothing may change after it.

    Ratings may be one table or, in their order, the parts `ratings/*.parquet`.
    """
    paths = {p.relative_to(folder).as_posix(): p for p in sorted(folder.rglob("*.parquet"))}
    said = {
        "version": VERSION,
        **facts,
        "scale": asdict(scale),
        "files": {name: path.stat().st_size for name, path in paths.items()},
        "sha256": {name: _digest(path) for name, path in paths.items()},
    }
    write_text(folder / FACTS, json.dumps(said, indent=2) + "\n")


def read(folder: Path) -> Ratings:
    """The dataset in `folder`; `InputError` where it is incomplete, damaged or of another version.

    Raises too where its rows would not fit into memory.
    """
    facts = facts_of(folder)
    in_memory(facts.get("rows", 0) * ROW_BYTES * _READ_TIMES, str(folder))
    for name, digest in facts.get("sha256", {}).items():
        if _digest(folder / name) != digest:
            raise InputError(f"{folder}: {name} is damaged; {_again(facts)}")
    try:
        tables = {table: _read(_parts(folder, facts, table)) for table in _TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder}: cannot be read ({error}); {_again(facts)}") from None
    scale = Scale(**facts["scale"])
    return trusted(Ratings(tables["ratings"], tables["movies"], tables["users"], scale))


def scan(folder: Path) -> pl.LazyFrame:
    """The ratings in `folder` for a query that need not hold them all: user, movie, rating, at."""
    return pl.scan_parquet(_parts(folder, facts_of(folder), "ratings"))


def facts_of(folder: Path) -> dict[str, Any]:
    """The JSON beside the tables, once the tables are known to be whole."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS).read_text("utf-8"))
        version, sizes = facts["version"], dict(facts["files"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder}: no readable {FACTS} ({error}); {_again({})}") from None
    if version != VERSION:
        raise InputError(
            f"{folder}: dataset of version {version}, this ratecast reads {VERSION}; "
            f"{_again(facts)}"
        )
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise InputError(f"{folder}: {name} is missing or torn; {_again(facts)}")
    return facts


def is_whole(folder: Path) -> bool:
    """Whether `read` would find a dataset of this version there."""
    try:
        facts_of(folder)
    except InputError:
        return False
    return True


def _parts(folder: Path, facts: dict[str, Any], table: str) -> list[Path]:
    """The files of one table, in order."""
    names = [n for n in facts["files"] if n == f"{table}.parquet" or n.startswith(f"{table}/")]
    if not names:
        raise InputError(f"{folder}: no {table} in {FACTS}; {_again(facts)}")
    return [folder / name for name in sorted(names)]


def _read(paths: list[Path]) -> pl.DataFrame:
    frame = pl.read_parquet(paths)
    # Each column in one piece, one after the other, so that not all are in memory twice.
    return pl.DataFrame([frame.drop_in_place(name).rechunk() for name in frame.columns])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _again(facts: dict[str, Any]) -> str:
    return f"run {facts.get('made') or 'ratecast data fetch ' + facts.get('name', 'EDITION')} again"


def _tables(ratings: Ratings) -> dict[str, pl.DataFrame]:
    return dict(zip(_TABLES, (ratings.frame, ratings.movies, ratings.users), strict=True))


def _swap(fresh: Path, folder: Path, aside: Path | None) -> None:
    """Move `fresh` to `folder`; what stands there goes to `aside`, or stays where that is None."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        if folder.exists() and aside is not None:
            folder.rename(aside)
        fresh.rename(folder)
    except OSError:
        # Another process put the same dataset there in between: as good as ours.
        if not is_whole(folder):
            raise
