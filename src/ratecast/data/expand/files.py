"""Writes an expansion to disk, a part at a time, so that it is there whole or not at all."""

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

PART_ROWS = 4_000_000
# Measured: bytes on disk for each row; in memory at the start, for each row of a part, and for
# each cell of the reduced matrix.
_DISK = {"parquet": 9, "csv": 31}
_START_BYTES, _PART_BYTES, _CELL_BYTES = 300e6, 80, 64

Form = Callable[[Expansion, Path, dict[str, Any]], None]


def refuse_without_room(out: Path, form: str, rows: int, cells: int) -> None:
    """Raise where something is in `out`, or disk or memory would not do.

    cells: of the reduced matrix.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: there is something already; give a new folder")
    what = f"{out}: {rows:,} ratings"
    resources.on_disk(out, rows * _DISK[form], what)
    held = min(rows, 2 * PART_ROWS) * _PART_BYTES
    resources.in_memory(_START_BYTES + held + cells * _CELL_BYTES, what)


def write(made: Expansion, out: Path, form: str, facts: dict[str, Any]) -> None:
    """Write the expansion into the new folder `out`. facts: what its JSON says beside the tables.

    A run that is killed leaves a hidden folder, which the next one removes.
    """
    try:
        _whole_or_not(made, out, FORMS[form], facts)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"{out}: cannot be written ({error}); check its rights and the space on the disk"
        ) from None


def _whole_or_not(made: Expansion, out: Path, form: Form, facts: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    _sweep(out)
    work = Path(tempfile.mkdtemp(prefix=_prefix(out, psutil.Process().pid), dir=out.parent))
    try:
        form(made, work, facts)
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _prefix(out: Path, pid: int | str) -> str:
    return f".{out.name}-unfinished-{pid}-"


def _sweep(out: Path) -> None:
    """Remove what killed runs left behind, but not what another run is working in."""
    for left in out.parent.glob(_prefix(out, "*") + "*"):
        pid = left.name.removeprefix(_prefix(out, "").removesuffix("-")).split("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _blocks(made: Expansion) -> Iterator[pl.DataFrame]:
    for k in each(range(len(made)), "Growing", "blocks of users"):
        yield made.block(k)


def _in_time_order(made: Expansion) -> Iterator[pl.DataFrame]:
    """All rows, in parts that follow one another in time; rows wait until none can be earlier."""
    held: list[pl.DataFrame] = []
    fresh = 0
    for k, block in enumerate(_blocks(made)):
        held.append(block)
        fresh += block.height
        last = k + 1 == len(made)
        if fresh < PART_ROWS and not last:
            continue
        rows = Ratings(pl.concat(held)).sorted().frame
        done = len(rows) if last else rows[AT].search_sorted(made.opens(k + 1))
        if done:
            yield rows[:done]
        held, fresh = [rows[done:]], 0


def _parquet(made: Expansion, folder: Path, facts: dict[str, Any]) -> None:
    """A canonical dataset in order of time."""
    (folder / "ratings").mkdir()
    for k, part in enumerate(_in_time_order(made)):
        canonical.write_table(folder / "ratings" / f"part-{k:05}.parquet", part)
    canonical.write_table(folder / "movies.parquet", movies_of(made))
    nobody = pl.DataFrame(schema={USER: pl.Int64})
    canonical.write_table(folder / "users.parquet", nobody)
    canonical.seal(folder, made.source.ratings.scale, facts)


def _csv(made: Expansion, folder: Path, facts: dict[str, Any]) -> None:
    """The files of ml-25m: rows by user and movie."""
    said = "".join(f"{key}: {value}\n" for key, value in facts.items())
    (folder / "README.txt").write_text(said, "utf-8")
    with (folder / "ratings.csv").open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\n")
        for block in _blocks(made):
            rows = block.sort(USER, MOVIE).select(USER, MOVIE, RATING, AT)
            rows.write_csv(file, include_header=False, float_precision=1)
    genres = pl.col(GENRES).list.join("|")
    table = movies_of(made).select(
        pl.col(MOVIE).alias("movieId"),
        "title",
        pl.when(genres == "").then(pl.lit(NO_GENRES)).otherwise(genres).alias("genres"),
    )
    # Without movies.csv the folder is no dataset, so that file comes last and in one step.
    table.write_csv(folder / "movies")
    (folder / "movies").rename(folder / "movies.csv")


FORMS: dict[str, Form] = {"parquet": _parquet, "csv": _csv}
