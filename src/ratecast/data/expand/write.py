"""Writes an expansion to disk, block by block."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from ratecast.data import canonical
from ratecast.data.expand.blocks import Expansion
from ratecast.data.expand.movies import movies_of
from ratecast.data.say import Say
from ratecast.data.titles import GENRES, NO_GENRES
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER

PART_ROWS = 4_000_000


def write(made: Expansion, out: Path, form: str, say: Say) -> None:
    """Write the whole expansion into `out`, or leave nothing there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: there is something already; give a new folder")
    out.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        (_csv if form == "csv" else _parquet)(made, work)
        work.chmod(0o755)
        work.rename(out)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    say(f"{out}: {int(made.shape.counts.sum()):,} ratings; the licence of the source holds on")


def _parts(made: Expansion) -> Iterator[pl.DataFrame]:
    """The blocks, a few together."""
    held: list[pl.DataFrame] = []
    for k in range(len(made)):
        held.append(made.block(k))
        if sum(block.height for block in held) >= PART_ROWS or k + 1 == len(made):
            yield pl.concat(held)
            held = []


def _parquet(made: Expansion, folder: Path) -> None:
    (folder / "ratings").mkdir()
    for k, part in enumerate(_parts(made)):
        part.write_parquet(folder / "ratings" / f"part-{k:05}.parquet", compression="lz4")
    movies_of(made).write_parquet(folder / "movies.parquet")
    pl.DataFrame(schema={USER: pl.Int64}).write_parquet(folder / "users.parquet")
    canonical.seal(folder, made.source.ratings.scale, {"name": folder.name})


def _csv(made: Expansion, folder: Path) -> None:
    with (folder / "ratings.csv").open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\n")
        for part in _parts(made):
            rows = part.sort(USER, MOVIE).select(USER, MOVIE, RATING, AT)
            rows.write_csv(file, include_header=False, float_precision=1)
    genres = pl.col(GENRES).list.join("|")
    movies_of(made).select(
        pl.col(MOVIE).alias("movieId"),
        "title",
        pl.when(genres == "").then(pl.lit(NO_GENRES)).otherwise(genres).alias("genres"),
    ).write_csv(folder / "movies.csv")
