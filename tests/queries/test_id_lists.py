"""Files of ids: one on each line, or a column of a table."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ratecast.data.id_file import read_ids
from ratecast.errors import InputError
from ratecast.modelling.contract.vocabulary import Vocabulary
from ratecast.models.bias import Bias
from ratecast.queries.id_lists import ids_in, is_known, unknown_note
from ratecast.table_options import DEFAULT, TableOptions

WRITE: dict[str, Callable[[Path], object]] = {
    "lines": lambda path: path.write_text("\ufeff7\r\n\r\n 07 \r\n7\r\n", "utf-8"),
    "a blank line first": lambda path: path.write_text("\n7\n07\n", "utf-8"),
    "one column": lambda path: path.write_text("movieId\n7\n07\n", "utf-8"),
    "several columns": lambda path: path.write_text("title;item\nA;7\nB;07\nC;7\n", "utf-8"),
    "Parquet": lambda path: pl.DataFrame({"n": [1, 2], "film": ["7", "07"]}).write_parquet(path),
}


@pytest.mark.parametrize("form", WRITE)
def test_every_form_gives_the_ids_as_written(form: str, tmp_path: Path) -> None:
    path, notes = tmp_path / "ids", list[str]()
    WRITE[form](path)
    assert read_ids(path, "movie", DEFAULT, notes.append).to_list() == ["7", "07"]
    column = {"one column": "movieId", "several columns": "item", "Parquet": "film"}.get(form)
    assert any(f"taken from column {column}" in note for note in notes) == (column is not None)
    assert any("1 repeated ids left out" in n for n in notes) == (form[:7] in ("lines", "several"))


def test_a_column_of_another_name_may_be_named(tmp_path: Path) -> None:
    path = tmp_path / "dishes.csv"
    path.write_text("dish,price\nsoup,4\n")
    # Without a name that is recognised, a line is an id.
    assert read_ids(path, "movie").to_list() == ["dish,price", "soup,4"]
    options = TableOptions(columns="movie=dish,rating=points")
    assert read_ids(path, "movie", options).to_list() == ["soup"]


def test_numbers_of_any_kind_are_ids(tmp_path: Path) -> None:
    pl.DataFrame({"user": [7.0, 8.0]}).write_parquet(tmp_path / "ids")
    numbers = Vocabulary("user", pl.DataFrame({"user": [8, 9]}))
    ids = ids_in(tmp_path / "ids", numbers)
    assert ids.to_list() == [7, 8]
    assert ids.dtype == pl.Int64
    model = Bias().fit(pl.DataFrame({"user": [8, 9], "movie": [1, 1], "rating": [1, 5]}))
    assert is_known(model, ids).to_list() == [False, True]
    note = unknown_note(model, ids, "they are new")
    assert note == "1 of 2 users are not known to the model, 7 first; they are new"
    assert unknown_note(model, ids[1:], "") is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "no user id; write one on each line"),
        (b"\n \n", "no user id; write one on each line"),
        (b"7\n\xff\n", "cannot be read"),
        (b"PAR1\0\0", "cannot be read"),
        (b"7\nanna\n", "ids: user 'anna': ids of this model are whole numbers"),
        (b"user,n\n7,1\n,2\n", "line 3"),
    ],
)
def test_a_file_without_ids_is_refused(content: bytes, line: str, tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(content)
    with pytest.raises(InputError, match=line) as refused:
        ids_in(tmp_path / "ids", Vocabulary("user", pl.DataFrame({"user": [8, 9]})))
    assert "\n" not in str(refused.value)


def test_a_table_without_the_column_is_refused(tmp_path: Path) -> None:
    pl.DataFrame({"dish": ["soup"]}).write_parquet(tmp_path / "ids.parquet")
    with pytest.raises(InputError, match="no column for movie; columns are dish"):
        read_ids(tmp_path / "ids.parquet", "movie")
