"""Large files of plain ratings: read as polars reads them, or left to it."""

import random
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ratecast.data import plain_ratings
from ratecast.data.delimited import DelimitedFile, RowError, Type
from ratecast.data.text_format import TextFormat

NAMES = ("user", "movie", "rating", "at")
COLUMNS: dict[str, Type] = dict(zip(NAMES, plain_ratings.TYPES, strict=True))
HEADER = "userId,movieId,rating,timestamp\n"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small files and pieces take the path of large ones."""
    monkeypatch.setattr(plain_ratings, "LEAST_BYTES", 0)
    monkeypatch.setattr(plain_ratings, "_PIECE", 1000)


def written(folder: Path, lines: list[str], end: str = "\n") -> DelimitedFile:
    path = folder / "ratings.csv"
    path.write_text(HEADER + "".join(line + end for line in lines), newline="")
    return DelimitedFile(path, COLUMNS, TextFormat(NAMES, ",", 1))


def rows(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [
        f"{draw.randrange(10 ** draw.randint(1, 18))},{draw.randrange(10**6)},"
        f"{draw.choice(['4', '0.5', '3.7', '5.0', '9.9'])},{draw.randrange(2**31)}"
        for _ in range(count)
    ]


@pytest.mark.parametrize("count", [1, 7, 500, 3000])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_same_columns_as_polars(tmp_path: Path, count: int, end: str) -> None:
    file = written(tmp_path, rows(count, count), end)
    plain = plain_ratings.read_plain(file.path, 1, ",")
    assert plain is not None
    by_polars = pl.read_csv(file.path, schema=COLUMNS, has_header=False, skip_lines=1)
    assert_frame_equal(file.read(), by_polars)
    assert_frame_equal(pl.DataFrame(dict(zip(NAMES, plain, strict=True))), by_polars)


@pytest.mark.parametrize(
    "line",
    [
        "-1,2,3.5,4",
        " 1,2,3.5,4",
        "1,2,3.5,",
        "1,2,3.25,4",
        "1,2,10,4",
        "1,2,.5,4",
        "1,2,3.,4",
        '"1",2,3.5,4',
        "1,2,3.5,4,5",
        "1,2,3.5",
        "1234567890123456789,2,3.5,4",
        "1,2,3.5,4 ",
        "",
        "1,2,3.5,4\r\r",
    ],
)
def test_other_rows_are_left_to_polars(tmp_path: Path, line: str) -> None:
    file = written(tmp_path, [*rows(100), line, *rows(100, 1)])
    assert plain_ratings.read_plain(file.path, 1, ",") is None


def test_last_line_without_an_end(tmp_path: Path) -> None:
    file = written(tmp_path, ["1,2,3.5,4"])
    file.path.write_text(file.path.read_text() + "5,6,2.0,7")
    assert plain_ratings.read_plain(file.path, 1, ",") is None
    assert file.read()["user"].to_list() == [1, 5]


def test_bad_row_is_reported_with_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, [*rows(50), "1,x,3.5,4"])
    with pytest.raises(RowError, match="line 52: movie 'x' is not an integer"):
        file.read()


def test_file_that_is_shorter_than_its_header(tmp_path: Path) -> None:
    file = written(tmp_path, [])
    assert file.read().height == 0
    assert plain_ratings.read_plain(file.path, 9, ",") is None
