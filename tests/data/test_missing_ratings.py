"""One rule for "not rated" on every way in; zeros that stand for it; blanks around numbers."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import ratecast as rc
from ratecast import data
from ratecast.data.missing_ratings import RatingRules, suggestion
from ratecast.errors import InputError
from ratecast.evaluation.pairs_file import TrueRatings, read_pairs
from ratecast.table_options import TableOptions

USERS, MOVIES = [1, 1, 2, 2], [1, 2, 1, 2]
LEFT = [(1, 1, 4.0), (1, 2, 1.0), (2, 2, 5.0)]
EMPTY = ("", " ", "NA", "n/a", "NaN", "null", "None", None)
WAYS = ("csv", "tsv", "jsonl", "json", "parquet", "arrow", "polars", "pandas")


def table_in(form: str, third: Any, folder: Path) -> Any:
    """Four rows, of which the third has another rating, in a form."""
    frame = pl.DataFrame(
        {
            "user": USERS,
            "movie": MOVIES,
            "rating": pl.Series(["4", "1", third, "5"], dtype=pl.String),
        }
    )
    path = folder / f"t.{form}"
    if form in ("csv", "tsv"):
        frame.write_csv(path, separator="\t" if form == "tsv" else ",")
    elif form == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in frame.to_dicts()))
    elif form == "json":
        path.write_text(json.dumps(frame.to_dicts()))
    elif form == "parquet":
        frame.write_parquet(path)
    elif form == "arrow":
        frame.write_ipc(path)
    else:
        return frame if form == "polars" else frame.to_pandas()
    return path


def read(table: Any, **options: Any) -> tuple[list[Any], list[str]]:
    notes: list[str] = []
    return data.load(table, notify=notes.append, **options).frame.rows(), notes


@pytest.mark.parametrize("form", WAYS)
@pytest.mark.parametrize("empty", EMPTY)
def test_a_cell_without_a_value_is_refused_or_left_out(
    form: str, empty: str | None, tmp_path: Path
) -> None:
    table = table_in(form, empty, tmp_path)
    with pytest.raises(InputError, match=r"(line 4|row 3): no rating; .* by (--)?missing="):
        data.load(table)
    for given in ("NA", "", "null", "NaN", float("nan"), "7,NA"):
        rows, notes = read(table, missing=given, scale="1:5:1")
        assert rows == LEFT
        assert len(notes) == 1
        assert "1 row rated " in notes[0]


@pytest.mark.parametrize("form", WAYS)
def test_text_that_stands_for_not_rated_is_left_out_as_the_hint_says(
    form: str, tmp_path: Path
) -> None:
    table = table_in(form, "?", tmp_path)
    hint = r"rating '\?' is not a number; correct it, or give (--missing='\?'|missing='\?' of)"
    with pytest.raises(InputError, match=rf"(line 4|row 3): {hint}"):
        data.load(table)
    assert read(table, missing="?")[0] == LEFT
    with pytest.raises(InputError, match="'x' is not a number"):
        data.load(table_in(form, "x", tmp_path), missing="?")


@pytest.mark.parametrize("none", [None, float("nan")])
def test_numbers_have_the_same_rule(none: float | None, tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": USERS, "movie": MOVIES, "rating": [4.0, 1.0, none, 5.0]})
    frame.write_parquet(tmp_path / "t.parquet")
    array = frame["rating"].to_numpy()
    for table in (frame, tmp_path / "t.parquet", pd.DataFrame(frame.to_dict(as_series=False))):
        with pytest.raises(InputError, match="row 3: no rating; fill it in"):
            data.load(table)
        assert read(table, missing="NA")[0] == LEFT
    assert np.isnan(array[2])
    unchecked = rc.Ratings(frame)
    assert read(unchecked, missing="NA")[0] == LEFT


def test_pairs_without_a_rating_are_not_scored(tmp_path: Path) -> None:
    for empty in (*EMPTY, "?"):
        table = table_in("csv", empty, tmp_path)
        options = TableOptions(missing="?") if empty == "?" else TableOptions()
        pairs = read_pairs(table, TrueRatings(rc.Scale(1, 5)), options, lambda _: None)
        assert pairs.ratings is not None
        assert pairs.ratings.to_list() == [4, 1, None, 5]


def test_cells_of_a_wide_table_need_no_option(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("who,soup,stew,cake\nann,3,NA,1\nbob,,4 ,NaN\neve,2,5,?\n")
    with pytest.raises(InputError, match=r"line 4, column cake: rating '\?' is not a number"):
        data.load(path, wide=True)
    rows, notes = read(path, wide=True, missing="?", scale="1:5:1")
    assert rows == [
        *(("ann", "soup", 3.0), ("ann", "cake", 1.0), ("bob", "stew", 4.0)),
        *(("eve", "soup", 2.0), ("eve", "stew", 5.0)),
    ]
    assert f"{path}: 3 cells such as 'NA' left out, not rated" in notes


@pytest.mark.parametrize("blank", [" ", "  ", "\t", "\u00a0"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_blanks_around_a_number_are_no_part_of_it(blank: str, quote: str, tmp_path: Path) -> None:
    def cell(number: str) -> str:
        return f"{quote}{blank}{number}{blank}{quote}"

    rows = "1,1,4,100\n1,2,2.5,200\n"
    odd = ",".join(map(cell, ("2", "1", "3.5", "300"))) + "\n"
    path = tmp_path / "t.csv"
    path.write_text(f"user,item,rating,at\n{rows}{odd}2,2,5,400\n")
    expected = [(1, 1, 4.0, 100), (1, 2, 2.5, 200), (2, 1, 3.5, 300), (2, 2, 5.0, 400)]
    assert data.load(path).frame.rows() == expected
    # From the first row on, and by the reader of pairs.
    path.write_text(f"user,item,rating,at\n{odd}{rows}")
    assert sorted(data.load(path).frame.rows()) == expected[:3]
    pairs = read_pairs(path, TrueRatings(rc.Scale(0.5, 5, 0.5)), notify=lambda _: None)
    assert pairs.ratings is not None
    assert pairs.ratings.to_list() == [3.5, 4, 2.5]


def test_blanks_keep_leading_zeros_and_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("user,item,rating\n7,1,4\n\t007,1,3 \n")
    assert data.load(path).frame["user"].to_list() == ["7", "007"]
    path.write_text("user;item;rating\n1;1;3,5\n1;2;4,0 \n2;1; 2,5\n")
    assert data.load(path).frame["rating"].to_list() == [3.5, 4, 2.5]


@pytest.mark.parametrize("cell", ["x", "1_0", "٣", "0x3", "3 4", "--3", "3,"])
def test_a_rating_that_cannot_be_read_is_named_in_our_words(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f'user,item,rating\n1,1,4\n1,2,"{cell}"\n2,1,5\n')
    if cell == "3,":
        assert data.load(path).frame["rating"].to_list() == [4, 3, 5]
        return
    with pytest.raises(InputError, match=rf"line 3: rating {re.escape(repr(cell))} is not a num"):
        data.load(path)


def test_json_lines_with_nan_name_the_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"user":1,"item":1,"rating":4}\n{"user":1,"item":2,"rating":NaN}\n')
    with pytest.raises(InputError, match=r"t\.jsonl, line 2: cannot be read as JSON lines"):
        data.load(path)


def ratings(counts: dict[float, int]) -> pl.Series:
    return pl.Series("rating", [star for star, count in counts.items() for _ in range(count)])


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        # In thousands: Book-Crossing, and layouts such as those of Goodreads and MyAnimeList.
        (dict(enumerate([716, 2, 3, 6, 9, 51, 37, 76, 104, 67, 79])), True),
        (dict(enumerate([45, 2, 4, 12, 20, 17])), True),
        (dict(enumerate([20, 1, 1, 2, 3, 4, 9, 17, 22, 14, 8])), True),
        # Zeros as a rating: few, or as many as its neighbours.
        (dict(enumerate([2, 1, 2, 2, 3, 5, 6, 9, 10, 8, 7])), False),
        (dict(enumerate([12, 5, 5, 6, 8, 20])), False),
        ({k / 2: n for k, n in enumerate([1, 4, 3, 7, 5, 20, 12, 27, 9, 14], 1)}, False),
        ({10.0 * k: n for k, n in enumerate([9, 5, 6, 7, 8, 12, 14, 18, 20, 9, 6])}, False),
    ],
)
def test_zeros_far_above_their_neighbours_are_suggested(
    counts: dict[float, int], said: bool
) -> None:
    hint = suggestion(ratings(counts), RatingRules())
    assert (hint is not None) == said
    assert not said or str(hint).endswith("if that is no rating: --missing=0 (missing= in Python)")
