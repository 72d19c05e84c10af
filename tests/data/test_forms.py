"""One invented table, written in every form of file and frame, is read back equal."""

import bz2
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from ratecast import data
from ratecast.errors import InputError
from ratecast.models.bias import Bias
from ratecast.ratings import Scale

NAMES = ["user", "movie", "rating", "at"]
NO_NOTES = list[str]().append
HALF = Scale(0.5, 5, 0.5)
Row = tuple[Any, int, float, int]
Form = Callable[[Path, pl.DataFrame], tuple[Any, dict[str, Any]]]
FORMS: dict[str, Form] = {}


def form(write: Form) -> Form:
    FORMS[write.__name__] = write
    return write


def text(frame: pl.DataFrame, separator: str = ",", end: str = "\n", header: bool = True) -> str:
    lines = [separator.join(map(str, row)) for row in ([frame.columns] if header else [])]
    lines += [separator.join(map(str, row)) for row in frame.rows()]
    return "".join(line + end for line in lines)


def written(path: Path, content: str | bytes, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def separated(separator: str, *, header: bool, end: str = "\n", extra: str = "") -> Form:
    def write(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
        return written(folder / "t", extra + text(frame, separator, end, header)), {}

    return write


for header in (True, False):
    for separator in (",", "\t", ";", "|", "::", " ", "  "):
        FORMS[f"{separator!r} header {header}"] = separated(separator, header=header)
    FORMS[f"CRLF header {header}"] = separated(",", header=header, end="\r\n")
    FORMS[f"CR header {header}"] = separated(",", header=header, end="\r")
    FORMS[f"separator at the end header {header}"] = separated(";", header=header, end=";\n")
FORMS["sep="] = separated("|", header=True, extra="sep=|\r\n")
FORMS["comments"] = separated(",", header=True, extra="# one\n# two\n\n")
FORMS["comment is header"] = separated(" ", header=False, extra="# user movie rating at\n")
FORMS["mark"] = separated(",", header=True, extra="\ufeff")


@form
def quoted(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    content = frame.write_csv(quote_style="always", include_header=True)
    return written(folder / "t", content), {}


@form
def decimal_comma(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    comma = frame.with_columns(pl.col("rating").cast(pl.String).str.replace(r"\.", ","))
    return written(folder / "t", text(comma, ";")), {}


@form
def utf_16(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    return written(folder / "t", text(frame), "utf-16"), {}


@form
def latin_1(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    return written(folder / "t", text(frame), "latin-1"), {"encoding": "latin-1"}


@form
def by_number(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    turned = frame.select("at", pl.lit("x").alias("other"), "rating", "user", "movie")
    columns = "user=4,movie=5,rating=3,at=1"
    return written(folder / "t", text(turned, header=False)), {"columns": columns}


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def packed(ending: str) -> Form:
    def write(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
        content = PACKED[ending](text(frame).encode())
        return written(folder / f"t.csv.{ending}", content), {}

    return write


FORMS |= {ending: packed(ending) for ending in PACKED}


@form
def zstandard(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    path = folder / "t.csv.zst"
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as file:
        file.write(text(frame).encode())
    return path, {}


def zipped(path: Path, **members: str | bytes) -> Path:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return written(path, content.getvalue())


@form
def zip_of_one(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    members: dict[str, str | bytes] = {
        "README.txt": "About it",
        "__MACOSX/._r.csv": b"\0",
        "in/r.csv": text(frame),
    }
    return zipped(folder / "t.zip", **members), {}


@form
def zip_of_several(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    path = zipped(folder / "t.zip", **{"movies.csv": "a,b", "in/ratings.csv": text(frame)})
    return path / "in" / "ratings.csv", {}


@form
def parquet_file(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    frame.write_parquet(folder / "t[0]")
    return folder / "t[0]", {}


@form
def parquet_in_gzip(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    content = io.BytesIO()
    frame.write_parquet(content)
    return written(folder / "t.gz", gzip.compress(content.getvalue())), {}


@form
def arrow_file(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    frame.write_ipc(folder / "t[0]", compression="zstd")
    return folder / "t[0]", {}


@form
def arrow_stream(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    frame.write_ipc_stream(folder / "t")
    return folder / "t", {}


@form
def json_lines(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    frame.write_ndjson(folder / "t")
    return folder / "t", {}


@form
def json_array(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    return written(folder / "t", json.dumps(frame.to_dicts(), indent=1)), {}


def halves(frame: pl.DataFrame) -> list[pl.DataFrame]:
    middle = frame.height // 2
    return [part for part in (frame[:middle], frame[middle:]) if part.height]


@form
def spark_folder(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    for k, part in enumerate(halves(frame)):
        written(folder / f"part-{k:05}-c000.csv.gz", gzip.compress(text(part).encode()))
        written(folder / f".part-{k:05}-c000.csv.gz.crc", b"crc\0")
    written(folder / "_SUCCESS", "")
    return folder, {}


@form
def dask_folder(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    for k, part in enumerate(halves(frame)):
        part.write_parquet(folder / f"part.{k}.parquet")
    written(folder / "_metadata", b"PAR1")
    return folder, {}


@form
def hive_folder(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    for k, part in enumerate(halves(frame)):
        (folder / f"half={k}").mkdir()
        part.write_parquet(folder / f"half={k}" / "data_0.parquet")
    return folder, {}


@form
def pieces_of_split(folder: Path, frame: pl.DataFrame) -> tuple[Path, dict[str, Any]]:
    for k, part in enumerate(halves(frame)):
        written(folder / f"piece-{k}", text(part, header=k == 0))
    written(folder / "other", "not of it")
    return folder / "piece-*", {"glob": True}


@form
def several_files(folder: Path, frame: pl.DataFrame) -> tuple[Any, dict[str, Any]]:
    parts = enumerate(halves(frame))
    return [written(folder / f"{k}", text(part, header=False)) for k, part in parts], {}


class Relation:
    """What DuckDB and others give: a table that is known by its stream alone."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


FRAMES: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "categories": lambda frame: frame.with_columns(pl.col(pl.String).cast(pl.Categorical)),
    "small numbers": lambda frame: frame.with_columns(pl.col("movie").cast(pl.UInt16)),
    "times": lambda frame: frame.with_columns(pl.from_epoch("at")),
    "zone": lambda frame: frame.with_columns(
        pl.from_epoch("at").dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")
    ),
    "decimals": lambda frame: frame.with_columns(
        pl.col("rating").cast(pl.Decimal(3, 1)), pl.col("movie").cast(pl.Decimal(38, 0))
    ),
    "text": lambda frame: frame.with_columns(pl.col("rating").cast(pl.String)),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas index": lambda frame: frame.to_pandas().set_index(["user", "movie"]),
    "pandas categories": lambda frame: frame.to_pandas().astype({"user": "category"}),
    "pandas numbers": lambda frame: frame.to_pandas().astype({"movie": "Int32"}),
    "Arrow": lambda frame: frame.to_arrow(),
    "dictionary": lambda frame: pa.table(
        {name: frame.to_arrow()[name].combine_chunks().dictionary_encode() for name in NAMES[:2]}
        | {name: frame.to_arrow()[name] for name in NAMES[2:]}
    ),
    "DuckDB": lambda frame: Relation(frame.to_arrow()),
}

USERS = st.text("abcdéü", min_size=1, max_size=6)
# Numbers below could be years, or dates such as 20240115.
ROWS = st.tuples(
    USERS, st.integers(1, 2**15), st.sampled_from([k / 2 for k in range(1, 11)]),
    st.integers(10**8, 2**34),
)  # fmt: skip
TABLES = st.lists(ROWS, min_size=1, max_size=12, unique_by=lambda row: row[:2])


def as_numbers(rows: list[Row]) -> list[Row]:
    codes = {user: k for k, user in enumerate(dict.fromkeys(row[0] for row in rows), 70_000)}
    return [(codes[user], *rest) for user, *rest in rows]  # type: ignore[misc]


@pytest.mark.parametrize("name", FORMS)
@settings(deadline=None, max_examples=5)
@given(rows=TABLES, numbers=st.booleans())
def test_files(
    tmp_path_factory: pytest.TempPathFactory, name: str, rows: list[Row], numbers: bool
) -> None:
    rows = as_numbers(rows) if numbers else rows
    frame = pl.DataFrame(rows, NAMES, orient="row")
    source, options = FORMS[name](tmp_path_factory.mktemp("form"), frame)
    table = data.load(source, scale=HALF, notify=NO_NOTES, **options)
    assert table.frame.rows() == rows


@pytest.mark.parametrize("name", FRAMES)
@settings(deadline=None, max_examples=5)
@given(rows=TABLES, numbers=st.booleans())
def test_frames(name: str, rows: list[Row], numbers: bool) -> None:
    rows = as_numbers(rows) if numbers else rows
    frame = pl.DataFrame(rows, NAMES, orient="row")
    table = data.load(FRAMES[name](frame), scale=HALF, notify=NO_NOTES)
    assert table.frame.rows() == rows


@pytest.mark.parametrize("name", ["csv", "parquet", "pandas", "no names"])
@settings(deadline=None, max_examples=15)
@given(rows=TABLES)
def test_wide_tables(tmp_path_factory: pytest.TempPathFactory, name: str, rows: list[Row]) -> None:
    folder = tmp_path_factory.mktemp("wide")
    frame = pl.DataFrame(as_numbers(rows), NAMES, orient="row")
    wide = frame.pivot("movie", index="user", values="rating")
    options: dict[str, Any] = {"columns": "user=user"}
    source: Any = folder / "t"
    if name == "csv":
        wide.write_csv(source)
    elif name == "parquet":
        wide.write_parquet(source)
    elif name == "pandas":
        source = wide.to_pandas().set_index("user")
    else:
        wide.fill_null(99).write_csv(source, include_header=False)
        options = {"columns": "user=1", "missing": 99, "header": False}
        movies = {int(movie): k for k, movie in enumerate(wide.columns[1:], 2)}
        frame = frame.with_columns(pl.col("movie").replace_strict(movies))
    table = data.load(source, wide=True, scale=HALF, notify=NO_NOTES, **options)
    expected = frame.select("user", "movie", "rating").rows()
    assert sorted(table.frame.rows()) == sorted(expected)


@settings(deadline=None, max_examples=15)
@given(rows=TABLES)
def test_blocks_of_the_netflix_prize(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Row]
) -> None:
    path = tmp_path_factory.mktemp("blocks") / "combined.txt"
    frame = pl.DataFrame(as_numbers(rows), NAMES, orient="row").sort("movie", maintain_order=True)
    frame = frame.with_columns(pl.col("at") // 86400 * 86400)
    lines = []
    for (movie,), block in frame.group_by("movie", maintain_order=True):
        days = (datetime.fromtimestamp(at, UTC).date() for at in block["at"])
        rated = zip(block["user"], block["rating"], days, strict=True)
        lines += [f"{movie}:", *(f"{user},{rating:g},{day}" for user, rating, day in rated)]
    written(path, "\n".join(lines) + "\n")
    notes: list[str] = []
    table = data.load(path, scale=HALF, notify=notes.append)
    assert table.frame.rows() == frame.rows()
    assert "blocks of user, rating, date" in notes[0]


def test_times_of_spark_and_offsets_as_zones(tmp_path: Path) -> None:
    base = {"user": [1, 2], "item": [5, 6], "rating": [4.0, 3.5]}
    times = [datetime(2020, 1, 1), datetime(2021, 1, 1)]
    for kind in ("ns", "ms"):
        zone = pa.timestamp(kind, None if kind == "ns" else "+05:30")
        table = pa.table(base | {"timestamp": pa.array(times, zone)})
        parquet.write_table(table, tmp_path / "t", use_deprecated_int96_timestamps=kind == "ns")
        for source in (table, tmp_path / "t"):
            assert data.load(source).frame["at"].to_list() == [1577836800, 1609459200]


def test_titles_and_genres_of_frames_and_parquet(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user": [1, 1], "movie": [5, 6], "rating": [4.0, 3.5], "title": ["Heat (1995)", None]}
    ).with_columns(genres=pl.Series([["Crime"], None], dtype=pl.List(pl.Categorical)))
    frame.write_parquet(tmp_path / "t")
    for source in (frame, tmp_path / "t"):
        movies = data.load(source).movies
        assert movies.rows() == [(5, "Heat (1995)", 1995, ["Crime"]), (6, "", None, None)]


def test_pandas_period_and_nested_columns_are_refused_in_one_line() -> None:
    frame = pd.DataFrame({"user": [1, 2], "item": [1, 2], "rating": [1.0, 2.0]})
    with pytest.raises(InputError, match=r"ratings, row 1: times are .*period"):
        data.load(frame.assign(date=pd.period_range("2020", periods=2, freq="D")))
    with pytest.raises(InputError, match=r"ratings: user is List\(Int64\); write a number or text"):
        data.load(frame.assign(user=[[1], [2]]))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("rating", np.array([1j, 2, 3])),
        ("user", np.array([1j, 2, 3])),
        ("note", np.array([1j, 2, 3])),
        ("note", [object()] * 3),
        ("rating", [1, "a", 2.5]),
        ("rating", pd.arrays.SparseArray([1.0, 2.0, 3.0])),
    ],
)
def test_a_column_that_no_table_can_hold_is_named_in_one_line(column: str, values: Any) -> None:
    table = pd.DataFrame({"user": [1, 1, 2], "movie": [1, 2, 1], "rating": [3.0, 4, 5]})
    table[column] = values
    for read in (data.load, Bias().fit):
        with pytest.raises(InputError) as refused:
            read(table)
        line = str(refused.value)
        assert f": column '{column}' " in line
        assert line.endswith("write numbers or text in it, or drop it")
        assert "\n" not in line


@pytest.mark.parametrize("table", [pd.Series([1, 2]), pl.Series([1, 2]), pd.Index([1]), 5])
def test_what_is_no_table_is_refused_in_one_line(table: Any) -> None:
    kind = type(table).__name__
    for options in (
        {"source": table},
        {"source": pl.DataFrame({"user": 1, "movie": 2, "rating": 3}), "items": table},
    ):
        with pytest.raises(
            InputError, match=f": {kind} is no table; give ratings, a frame of polars"
        ):
            data.load(**options, notify=NO_NOTES)
