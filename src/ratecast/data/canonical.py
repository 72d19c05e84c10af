"""The canonical dataset on disk: ratings, movies and users as Parquet, and a JSON of facts."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from ratecast.errors import InputError
from ratecast.ratings import Ratings, Scale

VERSION = 1
FACTS = "dataset.json"
_TABLES = ("ratings", "movies", "users")


def write(
    folder: Path, ratings: Ratings, facts: dict[str, Any], work: Path, *, replace: bool = True
) -> None:
    """Put the dataset into `folder`, whole or not at all.

    `work` is a folder on the same disk, for what is not finished. facts: plain values to be kept
    beside the tables. replace: whether a whole dataset that stands there gives way.
    """
    fresh = work / "canonical"
    fresh.mkdir()
    for name, table in _tables(ratings).items():
        table.write_parquet(fresh / f"{name}.parquet", compression="lz4")
    seal(fresh, ratings.scale, facts)
    _swap(fresh, folder, None if not replace and is_whole(folder) else work / "replaced")


def seal(folder: Path, scale: Scale, facts: dict[str, Any]) -> None:
    """Write the JSON that makes the tables in `folder` a dataset; nothing may change after it."""
    sizes = {
        str(path.relative_to(folder)): path.stat().st_size
        for path in sorted(folder.rglob("*.parquet"))
    }
    said = {"version": VERSION, **facts, "scale": asdict(scale), "files": sizes}
    (folder / FACTS).write_text(json.dumps(said, indent=2) + "\n", "utf-8")


def read(folder: Path) -> Ratings:
    """The dataset in `folder`; `InputError` where it is incomplete or of another version."""
    facts = facts_of(folder)
    try:
        tables = {name: _table(folder, name) for name in _TABLES}
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{folder}: cannot be read ({error}); {_again(facts)}") from None
    scale = Scale(**facts["scale"])
    return Ratings(tables["ratings"], tables["movies"], tables["users"], scale)


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


def _table(folder: Path, name: str) -> pl.DataFrame:
    parts = folder / name
    return pl.read_parquet(parts if parts.is_dir() else folder / f"{name}.parquet")


def is_whole(folder: Path) -> bool:
    """Whether `read` would find a dataset of this version there."""
    try:
        facts_of(folder)
    except InputError:
        return False
    return True


def _again(facts: dict[str, Any]) -> str:
    return f"run ratecast data fetch {facts.get('name', 'EDITION')} again"


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
