"""Wide tables: which columns are movies, and who the users are."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ratecast import data
from ratecast.errors import InputError
from ratecast.ratings import Ratings

# The layout of Jester: how many jokes a user rated, then each joke, 99 where it was not rated.
JESTER = "2,-7.82,8.79,99\n3,4.08,-0.29,6.36\n1,99,99,9.03\n"


def load(folder: Path, content: str, **options: Any) -> tuple[Ratings, list[str]]:
    path = folder / "t.csv"
    path.write_text(content)
    notes: list[str] = []
    table = data.load(path, notify=notes.append, wide=True, **options)
    return table, [note.removeprefix(f"{path}: ") for note in notes]


def rows(table: Ratings) -> list[tuple[Any, ...]]:
    return [(user, movie, round(stars, 2)) for user, movie, stars in table.frame.rows()]


def test_a_column_that_counts_the_ratings_is_left_out_as_the_hint_says(tmp_path: Path) -> None:
    _, notes = load(tmp_path, JESTER, missing=99)
    assert any("column 1 counts the ratings of each row" in note for note in notes)
    assert any(note.endswith("--leave-out 1 (leave_out= in Python)") for note in notes)
    table, notes = load(tmp_path, JESTER, missing=99, leave_out="1", scale="-10:10:continuous")
    assert rows(table) == [
        (1, 2, -7.82),
        (1, 3, 8.79),
        (2, 2, 4.08),
        (2, 3, -0.29),
        (2, 4, 6.36),
        (3, 4, 9.03),
    ]
    assert "3 columns are movies, 2, 3, 4; users are the numbers of the rows" in notes


@pytest.mark.parametrize("kind", ["text", "parquet", "frame"])
def test_columns_are_left_out_and_rows_numbered_in_every_form(tmp_path: Path, kind: str) -> None:
    frame = pl.DataFrame({"soup": [3, None], "stew": [4, 5], "mean": [3.5, 5.0]})
    table: Any = frame
    if kind != "frame":
        table = tmp_path / "t"
        frame.write_csv(table) if kind == "text" else frame.write_parquet(table)
    for left_out in ("mean", "3"):
        options: dict[str, Any] = {"columns": "user=rows", "leave_out": left_out}
        read = data.load(table, wide=True, notify=lambda _: None, **options)
        assert rows(read) == [(1, "soup", 3.0), (1, "stew", 4.0), (2, "stew", 5.0)]


def test_users_with_several_rows_are_one_and_the_last_of_a_pair_counts(tmp_path: Path) -> None:
    table, notes = load(tmp_path, "who,soup,stew\nann,3,\nbob,4,4\nann,5,1\n", scale="1:5:1")
    assert "1 user has several rows, as ann; they are read as one" in notes
    assert any(note.startswith("1 duplicate row; the latest rating") for note in notes)
    assert rows(table) == [
        ("bob", "soup", 4.0),
        ("bob", "stew", 4.0),
        ("ann", "soup", 5.0),
        ("ann", "stew", 1.0),
    ]


def test_columns_that_cannot_be_left_out_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'total'; columns are who, soup, stew"):
        load(tmp_path, "who,soup,stew\nann,3,\n", leave_out="total")
    with pytest.raises(InputError, match="column who has the users and is to be left out"):
        load(tmp_path, "who,soup,stew\nann,3,\n", leave_out="who", columns="user=1")
    with pytest.raises(InputError, match="--leave-out is of wide tables; give --wide too"):
        data.load(tmp_path / "t.csv", leave_out="stew")
    with pytest.raises(InputError, match="--wide and --leave-out are of a table file only"):
        data.load("ml-100k", leave_out="1", wide=True)


def test_columns_that_may_be_no_movies_are_named_with_the_option(tmp_path: Path) -> None:
    content = "who,101,102,103,104,rating_count,grade\nann,1,2,3,4,4,2\nbob,2,,4,5,3,3\n"
    table, notes = load(tmp_path, content)
    assert len(table) == 11
    assert "6 columns are movies, 101 to grade; users are in who" in notes
    hint = "if so: --leave-out rating_count,grade (leave_out= in Python)"
    assert f"2 columns may be no movies: rating_count, grade; {hint}" in notes
    table, notes = load(tmp_path, content, leave_out="rating_count,grade")
    assert set(table.frame["movie"]) == {101, 102, 103, 104}
    assert not any("no movie" in note for note in notes)
    # Titles are not alike, so that only the word of a summary is doubtful.
    _, notes = load(tmp_path, "who,Heat,Up,Mean,Big\nann,1,2,3,4\nbob,2,,4,5\n")
    assert any(note.startswith("1 column may be no movie: Mean; if so") for note in notes)
    _, notes = load(tmp_path, "who,Heat,Up,Seven,Big\nann,1,2,3,4\nbob,2,,4,5\n")
    assert not any("no movie" in note for note in notes)
