"""Folders and patterns of parts, and folders that hold several tables."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ratecast import data
from ratecast.errors import InputError
from ratecast.ratings import Ratings
from tests.data import writers
from tests.data.writers import Film, World

HEADER = "user,item,rating\n"


def wrote(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def quiet(source: Path, **options: Any) -> tuple[Ratings, list[str]]:
    notes: list[str] = []
    return data.load(source, notify=notes.append, **options), notes


def test_keys_of_folders_are_columns(tmp_path: Path) -> None:
    files = {
        "rating=4/year=2020/a.csv": "user,item\nann,10\nbob,10\n",
        "rating=5/year=2021/a.csv": "user,item\nann,20\n",
        "_temporary/0/a.csv": "user,item\nx,1\n",
        "rating=5/year=2021/.a.csv.crc": "crc",
    }
    table, notes = quiet(wrote(tmp_path, **files))
    assert table.frame.rows() == [("ann", 10, 4.0), ("bob", 10, 4.0), ("ann", 20, 5.0)]
    assert notes[0].endswith("columns not used: year")


def test_a_bad_row_is_named_with_its_part(tmp_path: Path) -> None:
    wrote(tmp_path, **{"a.csv": f"{HEADER}1,1,3\n", "b.csv": f"{HEADER}1,2,3\n\n1,3,x\n"})
    with pytest.raises(InputError, match=r"b\.csv, line 4: rating 'x' is not a number"):
        data.load(tmp_path)
    wrote(tmp_path, **{"b.csv": f"{HEADER}1,2,3\n\n1,3,7\n"})
    with pytest.raises(InputError, match=r"b\.csv, line 4: rating 7 is not on the scale"):
        data.load(tmp_path, scale="1:5")


def test_text_ids_in_a_later_part_make_all_text(tmp_path: Path) -> None:
    wrote(tmp_path, **{"a.csv": f"{HEADER}1,1,3\n", "b.csv": f"{HEADER}ann,2,3\n"})
    assert quiet(tmp_path)[0].frame["user"].to_list() == ["1", "ann"]
    for name, users in (("a", [1]), ("b", ["ann"])):
        frame = pl.DataFrame({"user": users, "item": [1], "rating": [3.0]})
        (tmp_path / "parquet").mkdir(exist_ok=True)
        frame.write_parquet(tmp_path / "parquet" / name)
    assert quiet(tmp_path / "parquet")[0].frame["user"].to_list() == ["1", "ann"]


def test_columns_of_parts_may_have_another_order(tmp_path: Path) -> None:
    wrote(tmp_path, **{"a.csv": f"{HEADER}1,2,3\n", "b.csv": "rating,user,item\n4,5,6\n"})
    assert quiet(tmp_path)[0].frame.rows() == [(1, 2, 3.0), (5, 6, 4.0)]


@pytest.mark.parametrize(
    "other",
    ["id,title,genres\n1,Heat,Crime\n", "id,title\n1,Heat\n", "About this data\n"],
)
def test_other_tables_in_the_folder_are_refused_with_a_hint_that_works(
    tmp_path: Path, other: str
) -> None:
    wrote(tmp_path, **{"movies.csv": other, "ratings.csv": f"{HEADER}1,1,3\n2,1,4\n"})
    with pytest.raises(InputError, match=f"no parts of one table; .* in {tmp_path}/ratings.csv, "):
        data.load(tmp_path)
    assert len(data.load(tmp_path / "ratings.csv")) == 2
    assert len(data.load(tmp_path / "rat*", glob=True)) == 2


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    wrote(tmp_path, **{"a.csv": f"{HEADER}1,1,3\n2,1,4\n"})
    pl.DataFrame({"user": [1], "item": [1], "rating": [3.0]}).write_parquet(tmp_path / "b")
    with pytest.raises(InputError, match=r"a\.csv is text and .*b is Parquet; give one file, or"):
        data.load(tmp_path)
    assert len(data.load(tmp_path / "*.csv", glob=True)) == 2


def test_a_folder_without_files_and_a_list_with_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder without files"):
        data.load(tmp_path)
    with pytest.raises(InputError, match=r"none\.csv: no such file"):
        data.load([tmp_path, tmp_path / "none.csv"])


def test_movietweetings_is_not_ml_1m(tmp_path: Path) -> None:
    # Its files have the names of ml-1m, other users and ratings from 0 to 10.
    files = {
        "ratings.dat": "1::0114508::8::1381006850\n2::0208092::5::1586466072\n",
        "users.dat": "1::139564917\n2::17528189\n",
        "movies.dat": "0114508::Species (1995)::Horror|Sci-Fi\n0208092::Snatch (2000)::Comedy\n",
    }
    wrote(tmp_path, **files)
    table, notes = quiet(tmp_path, scale="0:10")
    assert table.frame["movie"].to_list() == ["0114508", "0208092"]
    assert table.timed
    assert table.movies["title"].to_list() == ["Species (1995)", "Snatch (2000)"]
    assert table.movies["genres"].to_list() == [["Horror", "Sci-Fi"], ["Comedy"]]
    assert f"{tmp_path}/users.dat: left out: twitter" in notes
    alone, _ = quiet(tmp_path / "ratings.dat", scale="0:10")
    assert alone.frame.equals(table.frame)
    # Low ratings do not make it ml-1m, whose users have ages, nor ml-10m, which has no padded ids.
    (tmp_path / "ratings.dat").write_text("1::0114508::3::1381006850\n2::0208092::5::1586466072\n")
    for _ in range(2):
        low, _ = quiet(tmp_path, scale="0:10")
        assert low.frame["movie"].to_list() == ["0114508", "0208092"]
        (tmp_path / "users.dat").unlink(missing_ok=True)


def test_a_folder_of_movielens_is_still_one(tmp_path: Path) -> None:
    films = [Film(10, "Heat", 1995, ["Crime"])]
    writers.dat(tmp_path, World([(1, 10, 3.5, 90), (2, 10, 4.0, 100)], films))
    table, _ = quiet(tmp_path)
    assert table.movies["title"].to_list() == ["Heat (1995)"]
    with pytest.raises(InputError, match="--separator is of a table file only; remove"):
        data.load(tmp_path, separator=";")


def test_several_files_are_called_by_their_names(tmp_path: Path) -> None:
    wrote(tmp_path, **dict.fromkeys(("a.csv", "b.csv", "c.csv", "d.csv"), HEADER + "1,1,4\n"))
    pl.DataFrame({"user": [1]}).write_parquet(tmp_path / "e.parquet")
    files = [tmp_path / f"{name}.csv" for name in "abcd"]
    notes: list[str] = []
    data.load(files, scale="1:5", notify=notes.append)
    named = ", ".join(str(file) for file in files[:3])
    assert [note.partition(": ")[0] for note in notes] == [f"{named} and 1 more"]
    with pytest.raises(InputError, match=rf"^{files[0]}, {tmp_path}/e\.parquet: not one table"):
        data.load([files[0], tmp_path / "e.parquet"])
