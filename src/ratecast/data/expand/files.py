"""Writes an expansion to disk, part by part; the folder appears complete or not at all."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import psutil

from ratecast import resources
from ratecast.data import canonical
from ratecast.data.expand.blocks import Expansion
from ratecast.data.expand.movies import movies_of
from ratecast.data.titles import GENRES, NO_GENRES
from ratecast.errors import InputError
from ratecast.progress import each
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.systems import rename

PART_ROWS = 4_000_000
# Measured: bytes on disk for each row; bytes of memory at the start, for each row of a part, and
# for each cell of the reduced matrix.
_DISK = {"parquet": 9, "csv": 31}
_START_BYTES, _PART_BYTES, _CELL_BYTES = 300e6, 80, 64

Form = Callable[[Expansion, Path, dict[str, Any]], None]


def require_space(out: Path, form: str, rows: int, cells: int) -> None:
    """Raise `InputError` if `out` is not empty, or disk space or memory are short.

    cells: of the reduced matrix.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists already; give a new folder")
    what = f"{out}: {rows:,} ratings"
    resources.require_disk(out, rows * _DISK[form], what)
    part = min(rows, 2 * PART_ROWS) * _PART_BYTES
    resources.require_memory(_START_BYTES + part + cells * _CELL_BYTES, what)


def write(expansion: Expansion, out: Path, form: str, metadata: dict[str, Any]) -> None:
    """Write the expansion and its metadata into the new folder `out`.

    A killed run leaves a hidden folder, which the next run removes.
    """
    try:
        _write_atomically(expansion, out, FORMS[form], metadata)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{out}: cannot be written ({error}); check permissions and free disk space"
        ) from None


def _write_atomically(
    expansion: Expansion, out: Path, form: Form, metadata: dict[str, Any]
) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    work = Path(tempfile.mkdtemp(prefix=_prefix(out, psutil.Process().pid), dir=out.parent))
    try:
        form(expansion, work, metadata)
        work.chmod(0o755)
        rename(work, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prefix(out: Path, pid: int | str) -> str:
    return f".{out.name}{canonical.UNFINISHED}{pid}-"


def _sweep(out: Path) -> None:
    """Remove folders of killed runs, but not those of a run in progress."""
    start = _prefix(out, "").removesuffix("-")
    for folder in out.parent.iterdir():
        pid = folder.name.removeprefix(start).split("-")[0]
        if folder.name.startswith(start) and pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _blocks(expansion: Expansion) -> Iterator[pl.DataFrame]:
    for k in each(range(len(expansion)), "expand", "user blocks"):
        yield expansion.block(k)


def _in_time_order(expansion: Expansion) -> Iterator[pl.DataFrame]:
    """All rows, in parts sorted by time; rows wait until no later block can precede them."""
    pending: list[pl.DataFrame] = []
    new_rows = 0
    for k, block in enumerate(_blocks(expansion)):
        pending.append(block)
        new_rows += block.height
        last = k + 1 == len(expansion)
        if new_rows < PART_ROWS and not last:
            continue
        rows = Ratings(pl.concat(pending)).sorted().frame
        ready = len(rows) if last else rows[AT].search_sorted(expansion.start_of(k + 1))
        if ready:
            yield rows[:ready]
        pending, new_rows = [rows[ready:]], 0


def _parquet(expansion: Expansion, folder: Path, metadata: dict[str, Any]) -> None:
    """A canonical dataset, sorted by time."""
    (folder / "ratings").mkdir()
    for k, part in enumerate(_in_time_order(expansion)):
        canonical.write_table(folder / "ratings" / f"part-{k:05}.parquet", part)
    canonical.write_table(folder / "movies.parquet", movies_of(expansion))
    no_users = pl.DataFrame(schema={USER: pl.Int64})
    canonical.write_table(folder / "users.parquet", no_users)
    canonical.write_metadata(folder, expansion.source.ratings.scale, metadata)


def _csv(expansion: Expansion, folder: Path, metadata: dict[str, Any]) -> None:
    """The files of ml-25m: rows sorted by user and movie."""
    readme = "".join(f"{key}: {value}\n" for key, value in metadata.items())
    (folder / "README.txt").write_text(readme, "utf-8")
    with (folder / "ratings.csv").open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\n")
        for block in _blocks(expansion):
            rows = block.sort(USER, MOVIE).select(USER, MOVIE, RATING, AT)
            rows.write_csv(file, include_header=False, float_precision=1)
    genres = pl.col(GENRES).list.join("|")
    table = movies_of(expansion).select(
        pl.col(MOVIE).alias("movieId"),
        "title",
        pl.when(genres == "").then(pl.lit(NO_GENRES)).otherwise(genres).alias("genres"),
    )
    # Without movies.csv the folder is no dataset, so this file is written last and in one step.
    table.write_csv(folder / "movies")
    (folder / "movies").rename(folder / "movies.csv")


FORMS: dict[str, Form] = {"parquet": _parquet, "csv": _csv}
