"""A table's form is that of its file's name, and the file is whole or not there."""

from pathlib import Path

import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.table_writer import write_table

TABLE = pl.DataFrame({"title": ['A, "b"', "Ü"], "stars": [1.5, None]})


def test_each_form_is_read_back(tmp_path: Path) -> None:
    for name, read in (("a.csv", pl.read_csv), ("b.PARQUET", pl.read_parquet),
                       ("c.jsonl", pl.read_ndjson)):  # fmt: skip
        write_table(tmp_path / "new" / name, TABLE)
        assert read(tmp_path / "new" / name).equals(TABLE)


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz"])
def test_other_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end the name in \.csv, \.parquet or \.jsonl"):
        write_table(tmp_path / name, TABLE)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    (tmp_path / "file").write_text("")
    for path, message in (
        (tmp_path / "a.csv", "is a folder"),
        (tmp_path / "file" / "b.csv", "give another path"),
    ):
        with pytest.raises(InputError, match=message):
            write_table(path, TABLE)
