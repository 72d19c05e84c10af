"""Real tables of ratings that the reader fetches, and how each is read and parted.

Nothing of them is kept in the repository; their parts lie in the cache folder of ratecast.
"""

import shutil
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.tables import Parts, write_parts
from ratecast import data
from ratecast.errors import InputError
from ratecast.ratings import AT, MOVIE, RATING, USER, Ratings
from ratecast.splits import chronological
from ratecast.table_options import TableOptions

RANDOM, BY_TIME = "random", "by time"
SEED = 1


@dataclass(frozen=True)
class RealTable:
    """A table that somebody else made.

    name: in the page. file: its name in the reader's folder, or a path. options: how it is read.
    test_share: of the random split. timed: whether it is split by time too. source: where it is
    had from.
    """

    name: str
    file: str
    options: TableOptions
    source: str
    test_share: float = 0.2
    timed: bool = False


def _numbered(columns: str, separator: str, scale: str) -> TableOptions:
    return TableOptions(columns=columns, separator=separator, header=False, scale=scale)


TABLES = (
    RealTable(
        "CiaoDVD", "ciaodvd-movie-ratings.txt",
        _numbered("user=1,movie=2,rating=5,at=6", ",", "1:5:1"),
        "https://guoguibing.github.io/librec/datasets.html", timed=True,
    ),
    RealTable(
        "MovieTweetings", "movietweetings-100k-ratings.dat",
        _numbered("user=1,movie=2,rating=3,at=4", "::", "0:10:1"),
        "https://github.com/sidooms/MovieTweetings", timed=True,
    ),
    RealTable(
        "FilmTrust", "filmtrust-ratings.txt",
        _numbered("user=1,movie=2,rating=3", "space", "0.5:4:0.5"),
        "https://guoguibing.github.io/librec/datasets.html",
    ),
    RealTable(
        "Jester", "jester5k.parquet", TableOptions(scale="-10:10:continuous"),
        "https://eigentaste.berkeley.edu/dataset/",
    ),
    RealTable(
        "MovieLens 1M", "movielens1m.mat", TableOptions(scale="1:5:1"),
        "https://github.com/quanmingyao/niAPG", test_share=0.1,
    ),
)  # fmt: skip


def of_the_user(pair: str) -> RealTable:
    """A table of one's own, as NAME=PATH; its layout is recognised."""
    name, equals, path = pair.partition("=")
    if not (name and equals and path):
        raise InputError(f"table {pair!r}: write it as NAME=PATH")
    frame = data.load(Path(path))
    return RealTable(name, path, TableOptions(), path, timed=frame.timed)


def protocols(table: RealTable) -> list[str]:
    """The splits that a table has."""
    return [RANDOM, BY_TIME] if table.timed else [RANDOM]


def parts(table: RealTable, split: str, folder: Path) -> tuple[Parts, str]:
    """Where the parts of one split lie, and the scale as an option.

    Random: of rows in the order of the file, the last of a pair's, those for which
    default_rng(1).random() is below the share are the test part; times are left out. A fifth of
    train is parted in the same way, into `inner` and `valid`. By time: as `rc.chronological`.
    """
    path = folder / table.file
    if not path.exists():
        raise InputError(f"{path}: not there; get it from {table.source}")
    options = replace(table.options, no_time=split == RANDOM)
    mark = sha256(path.read_bytes() + repr((table, split)).encode()).hexdigest()[:16]
    place = data.home() / "bench" / "real" / mark
    if not (place / "scale").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        ratings = _numbered_ids(_read(path, options))
        write_parts(place, _random(ratings, table) if split == RANDOM else _by_time(ratings))
        (place / "scale").write_text(str(ratings.scale), "utf-8")
    return Parts(place), (place / "scale").read_text("utf-8")


def _read(path: Path, options: TableOptions) -> Ratings:
    if path.suffix == ".mat":
        return data.load(_matrix(path), notify=lambda _: None, **options.plain())
    return data.load(path, notify=lambda _: None, **options.plain())


def _matrix(path: Path) -> pl.DataFrame:
    """The nonzero entries of a matrix of MATLAB, users by movies, in that order."""
    from scipy.io import loadmat

    entries = loadmat(path)["data"].tocsr().tocoo()
    return pl.DataFrame({USER: entries.row, MOVIE: entries.col, RATING: entries.data})


def _numbered_ids(ratings: Ratings) -> Ratings:
    """Ids as numbers: some peers take no others."""
    numbers = {
        kind: ratings.frame[kind].rank("dense").cast(pl.Int64).alias(kind) for kind in (USER, MOVIE)
    }
    columns = [*numbers.values(), ratings.frame[RATING]]
    columns += [ratings.frame[AT]] if ratings.timed else []
    return Ratings(pl.DataFrame(columns), scale=ratings.scale)


def _random(ratings: Ratings, table: RealTable) -> dict[str, Ratings]:
    drawn = np.random.default_rng(SEED)
    train, test = _drawn(ratings, table.test_share, drawn)
    inner, valid = _drawn(train, 0.2, drawn)
    return {"train": train, "test": test, "inner": inner, "valid": valid}


def _drawn(ratings: Ratings, share: float, random: np.random.Generator) -> tuple[Ratings, Ratings]:
    held = random.random(len(ratings)) < share
    return ratings.take(~held), ratings.take(held)


def _by_time(ratings: Ratings) -> dict[str, Ratings]:
    return {"all": ratings, **chronological(ratings).parts}
