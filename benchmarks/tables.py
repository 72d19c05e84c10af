"""What is learned from: grown tables for speed, the splits of MovieLens 100K for accuracy.

All are made once, in the cache folder of ratecast; no rating of MovieLens is written elsewhere.
"""

import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ratecast import data
from ratecast.data import canonical
from ratecast.data.expand import expand
from ratecast.ratings import AT, MOVIE, USER, Ratings
from ratecast.splits import Split, chronological, official

SEED, SHARE, MOST = 0, 0.02, 200_000
# Settings are chosen on a table of so many rows, and up to so many there is a part to choose on.
CHOSEN_AT, CHOICE_UP_TO = 1_000_000, 25_000_000
GROWN_FROM, WHOLE = "ml-100k", "whole"


@dataclass(frozen=True)
class Parts:
    """Where the parts of a table lie, each a Parquet file of user, movie, rating and at."""

    folder: Path

    def __getitem__(self, part: str) -> Path:
        return self.folder / f"{part}.parquet"


def grown(rows: int) -> Parts:
    """A grown table: `test` a seeded random 2 % of its rows (at most 200,000), `train` the rest.

    Not by time: the grown table has no drift, and new users would get the mean, whoever
    forecasts. No pair stands twice. Up to 25 million rows, train is parted once more in the same
    way, into `inner` and `valid`, for choosing settings. Made in a process that gives its memory
    back.
    """
    place = data.home() / "bench" / f"grown-{rows}"
    last = "valid" if rows <= CHOICE_UP_TO else "test"
    if not ((place / WHOLE).exists() and Parts(place)[last].exists()):
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            fresh.submit(make, rows, place).result()
    return Parts(place)


def make(rows: int, place: Path) -> None:
    """Grow a table and write its parts into the new folder `place`."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    whole = _grown(rows, place)
    if (again := len(whole) - len(last_of_pairs(whole))) > 0:
        raise ValueError(f"{again} ratings of the grown table are of a pair that has one already")
    train, test = _parted(whole)
    del whole
    parts = {"train": train, "test": test}
    if rows <= CHOICE_UP_TO:
        parts["inner"], parts["valid"] = _parted(train)
    write_parts(place, parts)


def movielens() -> dict[str, Parts]:
    """The chronological split and u1 to u5; u1 has `inner` and `valid` too, parted at random.

    MovieLens lists some movies twice, so 307 pairs stand twice. What is fitted has the last rating
    of a pair, so that no package learns another table than the others; what is forecast, and what
    is walked as-of (`events` for train), has every row.
    """
    table = data.load(GROWN_FROM)
    splits = [chronological(table), *(official(table, fold) for fold in range(1, 6))]
    return {split.name: _movielens(split) for split in splits}


def _movielens(split: Split) -> Parts:
    place = data.home() / "bench" / f"{GROWN_FROM}-pairs" / split.name
    if not (place / WHOLE).exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        train = last_of_pairs(split.train)
        parts = split.parts | {"train": train, "events": split.train}
        if split.valid is None:
            parts["inner"], parts["valid"] = _parted(train, share=0.1)
        split.train.users.write_parquet(place / "users.parquet")
        split.train.movies.write_parquet(place / "movies.parquet")
        write_parts(place, parts)
    return Parts(place)


def _grown(rows: int, place: Path) -> Ratings:
    folder = place / "table"
    expand(data.load(GROWN_FROM), rows, folder, name=GROWN_FROM)
    table = canonical.read(folder)
    shutil.rmtree(folder)
    return table


def last_of_pairs(table: Ratings) -> Ratings:
    """The latest rating of each user and movie, in the order of the table."""
    by_time = table.frame.select(USER, MOVIE, AT).with_row_index("line").sort(AT, "line")
    lasts = by_time.unique((USER, MOVIE), keep="last")["line"].sort()
    return table if len(lasts) == len(table) else table.take(lasts.to_numpy())


def _parted(table: Ratings, share: float = SHARE) -> tuple[Ratings, Ratings]:
    count = min(int(len(table) * share), MOST)
    held = np.zeros(len(table), bool)
    held[np.random.default_rng(SEED).choice(len(table), count, replace=False)] = True
    return table.take(~held), table.take(held)


def write_parts(place: Path, parts: dict[str, Ratings]) -> None:
    """Write each part into the folder `place`."""
    for name, part in parts.items():
        canonical.write_table(place / f"{name}.parquet", part.frame)
    (place / WHOLE).touch()
