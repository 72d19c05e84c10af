"""Files of side information without column names: by number, or in a layout that is known."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import ratecast as rc
from ratecast.errors import InputError

# The layouts of MovieTweetings.
RATED = "1::0068646::9::1381006850\n1::0111161::10::1388531200\n2::0111161::8::1373234211\n"
FILMS = (
    '0068646::The "Godmother" (1972)::Crime|Drama\n'
    "0111161::Escape, a Story (1994)::Drama\n0468569::Night (2008)::\n"
)
PEOPLE = "1::139564917\n2::17528189\n"


def load(folder: Path, ratings: str = RATED, **options: Any) -> tuple[rc.Ratings, list[str]]:
    path = folder / "ratings.dat"
    path.write_text(ratings)
    notes: list[str] = []
    read = rc.load(path, scale="0:10", notify=notes.append, **options)
    return read, [note.replace(f"{folder}/", "") for note in notes]


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_files_of_movietweetings_are_recognised(tmp_path: Path) -> None:
    films = written(tmp_path, "movies.dat", FILMS)
    people = written(tmp_path, "users.dat", PEOPLE)
    read, notes = load(tmp_path, items=films, users=people)
    assert read.movies.select("movie", "title", "year", "genres").rows() == [
        ("0068646", 'The "Godmother" (1972)', 1972, ["Crime", "Drama"]),
        ("0111161", "Escape, a Story (1994)", 1994, ["Drama"]),
        ("0468569", "Night (2008)", 2008, None),
    ]
    assert read.users.rows() == [(1,), (2,)]
    assert "movies.dat: columns without names are read as movie, title, genres" in notes
    assert "users.dat: left out: twitter" in notes


def test_files_of_ml_1m_are_read_beside_other_ratings(tmp_path: Path) -> None:
    films = written(
        tmp_path, "m.dat", "1::Amélie (2001)::Comedy\n2::Up (2009)::War\n".encode("latin-1")
    )
    people = written(tmp_path, "u.dat", "1::F::25::10::48067\n2::M::35::7::02460\n")
    read, notes = load(tmp_path, "1::1::9::5\n2::2::8::6\n", items=films, users=people)
    assert read.movies["title"].to_list() == ["Amélie (2001)", "Up (2009)"]
    assert read.users.select("user", "gender", "age").rows() == [(1, "F", 25.0), (2, "M", 35.0)]
    assert "m.dat: read as latin-1" in notes


def test_columns_by_number_as_the_hint_says(tmp_path: Path) -> None:
    films = written(tmp_path, "items.txt", "0068646|4.5|x\n0111161|9|y\n")
    with pytest.raises(InputError) as refused:
        load(tmp_path, items=films)
    assert "no column names, with 0068646, 4.5, x in line 1; name the columns by number, as in" in (
        str(refused.value)
    )
    hint = str(refused.value).split("--item-columns ")[1].split()[0]
    read, notes = load(tmp_path, items=films, item_columns=hint)
    assert read.movies.rows() == [("0068646", 4.5), ("0111161", 9.0)]
    assert "items.txt: columns not used: 3" in notes


@pytest.mark.parametrize("form", ["text", "parquet", "frame"])
def test_columns_by_name(tmp_path: Path, form: str) -> None:
    films: Any = pl.DataFrame({"imdb_no": ["0068646", "0111161"], "cost": [4.5, 9.0]})
    frame, path = films, tmp_path / "items"
    if form != "frame":
        films = path
        frame.write_csv(path) if form == "text" else frame.write_parquet(path)
    with pytest.raises(InputError, match=r"columns are imdb_no, cost; name .* by --item-columns"):
        load(tmp_path, items=films)
    names = {"movie": "imdb_no", "price": "cost"}
    read, _ = load(tmp_path, items=films, item_columns=names)
    assert read.movies.rows() == [("0068646", 4.5), ("0111161", 9.0)]


def test_a_side_table_is_in_the_encoding_that_is_given_if_it_is_not_utf_8(tmp_path: Path) -> None:
    text = "movie;maker\n0068646;Zoë\n0111161;Zoë\n0468569;Bob\n3;Bob\n"
    films = written(tmp_path, "items.csv", text.encode("latin-1"))
    with pytest.raises(InputError, match=r"line 2: maker is not UTF-8; .* give --encoding latin-1"):
        load(tmp_path, items=films)
    read, _ = load(tmp_path, items=films, encoding="latin-1")
    assert read.movies["maker"].to_list() == ["Zoë", "Zoë", "Bob", "Bob"]
    films.write_text(text)
    assert load(tmp_path, items=films, encoding="latin-1")[0].movies.equals(read.movies)


def test_names_without_a_table_of_theirs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--user-columns: names columns of one table of users, bu"):
        load(tmp_path, user_columns="user=1")
    films = written(tmp_path, "movies.dat", FILMS)
    with pytest.raises(InputError, match="the column of the movie ids is not named; give --item-c"):
        load(tmp_path, items=films, item_columns="title=2")
    with pytest.raises(InputError, match="a folder; give a file of movies"):
        load(tmp_path, items=tmp_path)
    with pytest.raises(InputError, match="its name is empty"):
        load(tmp_path, items="")
    films = written(tmp_path, "items.csv", "movie,price\n0068646,2\n")
    with pytest.raises(InputError, match=r"items\.csv: has a column price already; give another"):
        load(tmp_path, items=films, item_columns="price=movie")
