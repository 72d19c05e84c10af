"""Files that are no table of ratings are named, and damaged ones refused, each in one line."""

import bz2
import gzip
import io
import pickle
import sqlite3
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ratecast import data
from ratecast.errors import InputError
from tests.data.test_forms import zipped

CSV = "user,item,rating\n1,10,4\n2,10,3\n"


def refused(path: Path, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        data.load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def sqlite(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table ratings (user, movie, rating)")
    database.close()


def tar(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("ratings.csv"), io.BytesIO())


MADE: dict[str, tuple[Callable[[Path], object], str]] = {
    "sqlite": (sqlite, "a SQLite database, which is not read; export"),
    "tar": (tar, "a tar archive, which is not read; unpack it"),
    "npy": (lambda path: np.save(path, np.zeros((2, 3))), "an array of numpy.*save it as CSV"),
    "npz": (lambda path: np.savez(path, a=np.zeros(3)), "arrays of numpy.*CSV"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps([1])), "a pickle.*to_parquet"),
    "pickle in gzip": (
        lambda path: path.write_bytes(gzip.compress(pickle.dumps([1]))),
        "a pickle.*to_parquet",
    ),
    "Excel": (
        lambda path: zipped(path, **{"[Content_Types].xml": "", "xl/workbook.xml": ""}),
        "a workbook of Excel, which is not read; save the sheet as CSV",
    ),
    "old Excel": (
        lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        "a workbook of Excel",
    ),
    "LibreOffice": (
        lambda path: zipped(path, mimetype="application/vnd.oasis", **{"content.xml": ""}),
        "a document of LibreOffice",
    ),
    "XML": (lambda path: path.write_text("<?xml version='1.0'?><a/>"), "an XML document"),
    "HTML": (lambda path: path.write_text("\n<!DOCTYPE html><html>"), "an HTML page.*download"),
    "JSON of columns": (
        lambda path: path.write_text('{"user":{"0":1},"item":{"0":2},"rating":{"0":3}}'),
        "a JSON object of user, item, rating.*one record a line",
    ),
    "JSON object": (
        lambda path: path.write_text('{\n  "ratings": []\n}'),
        "a JSON object.*one record a line",
    ),
    "JSON lines": (
        lambda path: path.write_text('{"user":1,"item":2,"rating":3}\n\n{"user":2,"it\n'),
        "line 3: cannot be read as JSON lines",
    ),
    "binary": (lambda path: path.write_bytes(b"\1\2\0\3"), "a binary file of unknown form"),
    "empty ZIP": (zipped, "an empty ZIP archive"),
    "ZIP without table": (lambda path: zipped(path, **{"README": "x"}), "without a table"),
    "torn gzip": (
        lambda path: path.write_bytes(gzip.compress(CSV.encode())[:-9]),
        "truncated or corrupt archive",
    ),
    "torn bzip2": (
        lambda path: path.write_bytes(bz2.compress(CSV.encode())[:-9]),
        "truncated or corrupt archive",
    ),
    "torn ZIP": (lambda path: path.write_bytes(b"PK\3\4junk"), "truncated or corrupt archive"),
    "torn Zstandard": (
        lambda path: path.write_bytes(b"\x28\xb5\x2f\xfdjunk"),
        "truncated or corrupt archive",
    ),
    "torn Parquet": (lambda path: path.write_bytes(b"PAR1\0junk"), "cannot be read as Parquet"),
    "torn Arrow": (lambda path: path.write_bytes(b"ARROW1\0\0junk"), "cannot be read as Arrow"),
    "torn stream": (
        lambda path: path.write_bytes(b"\xff\xff\xff\xffjunk"),
        "cannot be read as Arrow stream",
    ),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_no_table_is_named(tmp_path: Path, name: str) -> None:
    make, what = MADE[name]
    # numpy adds its ending to a name without one.
    path = tmp_path / {"npy": "t.npy", "npz": "t.npz"}.get(name, "t")
    make(path)
    refused(path, what)


def test_an_archive_of_several_files_names_them_and_how_to_choose(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", **{"movies.csv": "x", "in/ratings.csv": CSV})
    refused(path, f"an archive of 2 files, movies.csv, in/ratings.csv; .*as in {path}/in/ratings")
    assert len(data.load(path / "in" / "ratings.csv")) == 2
    refused_path = path / "other.csv"
    with pytest.raises(InputError, match=r"t\.zip: no member 'other\.csv'; it holds movies\.csv"):
        data.load(refused_path)


def test_files_in_archives_are_named_with_their_lines(tmp_path: Path) -> None:
    path = zipped(tmp_path / "t.zip", **{"r.csv": CSV + "3,10,x\n"})
    with pytest.raises(InputError, match=r"t\.zip/r\.csv, line 4: rating 'x' is not a number"):
        data.load(path)


@pytest.mark.parametrize("ids", [pl.Struct({"a": pl.Int64}), pl.List(pl.Int64)])
def test_nested_ids_are_refused(tmp_path: Path, ids: pl.DataType) -> None:
    frame = pl.DataFrame({"user": pl.Series([None], dtype=ids), "item": [1], "rating": [3.0]})
    frame.write_parquet(tmp_path / "t")
    refused(tmp_path / "t", "user is .*; write a number or text in each row")


def test_what_is_read_of_genres_is_said(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user": [1], "item": [1], "rating": [3.0], "genres": [[{"id": 3}]], "extra": [{"x": 1}]}
    )
    frame.write_parquet(tmp_path / "t")
    notes: list[str] = []
    assert data.load(tmp_path / "t", notify=notes.append).movies.columns == ["movie"]
    assert [note.partition(": ")[2] for note in notes][:2] == [
        "columns not used: extra",
        "genres is left out, since it is List(Struct({'id': Int64}))",
    ]


@pytest.mark.parametrize("name", ["PARENT", "ORC", "PAR1", "FEA1", "BZh", "PK", "RDX", "Obj"])
def test_a_text_may_start_like_another_form(tmp_path: Path, name: str) -> None:
    (tmp_path / "t").write_text(f"{name},user,item,rating\n0,1,2,3\n")
    assert data.load(tmp_path / "t").frame.rows() == [(1, 2, 3.0)]


def test_records_that_lack_a_value_elsewhere(tmp_path: Path) -> None:
    for k, other in enumerate(("x", "y")):
        (tmp_path / f"{k}.json").write_text(
            f'{{"user":{k},"item":"a","rating":4,"{other}":{{"z":[1]}}}}\n'
        )
    notes: list[str] = []
    table = data.load(tmp_path, notify=notes.append)
    assert table.frame.rows() == [(0, "a", 4.0), (1, "a", 4.0)]
    assert notes[0].endswith("columns not used: x, y")
