"""A table is written in the form that the name of its file says, completely or not at all."""

import gzip
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.table_writer import check_name, write_pieces, write_table

TABLE = pl.DataFrame({"user": ['ann, "b"', "ö\n"], "stars": [3.5, None], "n": [1, 2**60]})
READ: dict[str, Callable[[Path], pl.DataFrame]] = {
    "a.parquet": pl.read_parquet,
    "a.CSV": pl.read_csv,
    "a[1].csv.gz": lambda path: pl.read_csv(io.BytesIO(gzip.decompress(path.read_bytes()))),
    "a.jsonl": pl.read_ndjson,
    "a.ndjson": pl.read_ndjson,
    "a.jsonl.gz": lambda path: pl.read_ndjson(io.BytesIO(gzip.decompress(path.read_bytes()))),
}


@pytest.mark.parametrize("name", READ)
def test_every_form_has_all_pieces_in_order(name: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / name
    assert write_pieces(path, [TABLE, TABLE[:0], TABLE.reverse()]) == 4
    source = tmp_path / "plain"
    source.write_bytes(path.read_bytes())
    assert READ[name](source).equals(pl.concat([TABLE, TABLE.reverse()]))
    assert [file.name for file in path.parent.iterdir()] == [name]
    write_table(path, TABLE)
    source.write_bytes(path.read_bytes())
    assert READ[name](source).equals(TABLE)


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.gz", "a.parquet.gz", "a.json"])
def test_a_name_of_no_form_is_refused_with_those_that_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"end the name in \.parquet, \.csv, \.jsonl") as refused:
        check_name(tmp_path / name)
    assert "\n" not in str(refused.value)


def test_a_folder_and_a_path_below_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        write_table(tmp_path / "a.csv", TABLE)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="give another path"):
        write_table(tmp_path / "file" / "a.csv", TABLE)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl.gz"])
def test_a_failure_half_way_leaves_the_old_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text("old")

    def pieces() -> Iterator[pl.DataFrame]:
        yield TABLE
        raise InputError("the second piece")

    with pytest.raises(InputError, match="the second piece"):
        write_pieces(path, pieces())
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_same_table_has_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.csv.gz", "b.csv.gz"):
        write_table(tmp_path / name, TABLE)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_a_reader_of_stdout_may_stop_early() -> None:
    code = (
        "from pathlib import Path; import polars as pl; "
        "from ratecast.table_writer import write_pieces; "
        "table = pl.DataFrame({'n': range(100_000)}); "
        "rows = write_pieces(Path('-'), (table for _ in range(20))); "
        "import sys; print(rows < 2_000_000, file=sys.stderr)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == "n\n"
        running.stdout.close()
        assert running.stderr.read() == "True\n"
    assert running.returncode == 0
