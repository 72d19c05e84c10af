"""Every layout in other encodings, with other separators, packed in folders and in ZIP files."""

import csv
import io
import zipfile
from pathlib import Path

import polars as pl
import pytest

from ratecast.errors import InputError
from ratecast.exports.export import Export
from ratecast.exports.rating_text import rating_of
from ratecast.exports.read import read_export
from ratecast.exports.sheet import day
from tests.exports import writers as w
from tests.importing import catalogue

TEXTS = [form for form in catalogue.FORMS if "zip" not in form and "gz" not in form]
SHEETS = [form for form in TEXTS if form not in ("myanimelist", "trakt json")]
WHAT = ["title", "year", "imdb", "tmdb", "rating", "at"]


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return path


def text_of(path: Path, form: str) -> str:
    return path.read_bytes().decode("cp1252" if form == "imdb old" else "utf-8")


def same(one: Export, other: Export) -> bool:
    return one.source == other.source and one.frame.select(WHAT).equals(other.frame.select(WHAT))


@pytest.mark.parametrize("form", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "utf-8-sig"])
def test_unicode_with_a_mark(form: str, encoding: str, tmp_path: Path) -> None:
    path = catalogue.exports(tmp_path)[form]
    known = read_export(path)
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    saved = tmp_path / "saved.txt"
    saved.write_bytes((mark + text_of(path, form)).encode(encoding))
    assert same(read_export(saved), known)
    zipped = pack(tmp_path / "saved.zip", {"a folder/saved.txt": saved.read_bytes()})
    assert same(read_export(zipped), known)


@pytest.mark.parametrize("form", SHEETS)
@pytest.mark.parametrize("separator", [";", "\t"])
def test_sheets_that_a_spreadsheet_saved(form: str, separator: str, tmp_path: Path) -> None:
    path = catalogue.exports(tmp_path)[form]
    rows = csv.reader(io.StringIO(text_of(path, form), newline=""))
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=separator, quoting=csv.QUOTE_ALL).writerows(rows)
    saved = tmp_path / "saved.csv"
    saved.write_text("\ufeff" + file.getvalue() + separator * 3 + "\r\n", "utf-8")
    assert same(read_export(saved), read_export(path))


def test_torn_utf_16_is_one_line(tmp_path: Path) -> None:
    text = w.table(w.LETTERBOXD, [])
    (tmp_path / "x.csv").write_bytes(text.encode("utf-16")[:-1])
    with pytest.raises(
        InputError, match=r"x\.csv: marked as UTF-16, but not in it \(trunc.* again"
    ):
        read_export(tmp_path / "x.csv")


@pytest.mark.parametrize("form", catalogue.FORMS)
def test_a_zip_may_hold_one_export_anywhere(form: str, tmp_path: Path) -> None:
    path = catalogue.exports(tmp_path)[form]
    known = read_export(path)
    others = {"Read me.txt": b"a, b", "my data/": b"", "__MACOSX/my data/._x.csv": b"\0\5"}
    others |= {"my data/.DS_Store": b"\0", "my data/views.csv": b"Title,Date\nA,1/2/20\n"}
    name = f"my data/{path.name}"
    zipped = pack(tmp_path / "one.zip", {**others, name: path.read_bytes()})
    assert same(read_export(zipped), known)
    twice = pack(tmp_path / "two.zip", {"inner.zip": zipped.read_bytes()})
    if form != "letterboxd zip":
        assert same(read_export(twice), known)
        twice = pack(tmp_path / "three.zip", {"inner.zip": twice.read_bytes()})
    with pytest.raises(InputError, match="a ZIP in a ZIP in a ZIP; unpack it"):
        read_export(twice)


def test_several_exports_in_a_zip_are_named(tmp_path: Path) -> None:
    forms = catalogue.exports(tmp_path)
    files = {
        "imdb.csv": forms["imdb"].read_bytes(),
        "a/ratings.csv": forms["letterboxd ratings"].read_bytes(),
    }
    path = pack(tmp_path / "x.zip", files)
    with pytest.raises(InputError, match=r"2 exports in this ZIP \(imdb.csv, a/ratings.csv\)"):
        read_export(path)
    path = pack(tmp_path / "x.zip", {"xl/workbook.xml": b"<workbook/>"})
    with pytest.raises(InputError, match="a workbook; save its sheet as CSV"):
        read_export(path)


def test_pages_of_trakt_are_one_export(tmp_path: Path) -> None:
    def page(kind: str, number: int) -> bytes:
        film = {"title": f"Film {number}", "year": 1990, "ids": {"trakt": number}}
        item = {"rated_at": "2024-03-01T10:00:00Z", "rating": number, "type": kind, kind: film}
        return w.trakt_json(tmp_path / "page.json", [item]).read_bytes()

    files = {f"ratings-movies-{n}.json": page("movie", n) for n in (1, 2)}
    files["ratings-shows.json"] = page("show", 3)
    export = read_export(pack(tmp_path / "trakt.zip", files))
    assert export.frame.select("title", "rating").rows() == [("Film 1", 1.0), ("Film 2", 2.0)]
    assert export.notes == (
        "read from the ZIP: ratings-movies-1.json, ratings-movies-2.json",
        "not read, because without ratings: ratings-shows.json",
    )
    (tmp_path / "none.json").write_text("[]")
    with pytest.raises(
        InputError, match=r"none.json: Trakt, but no ratings \(no rows\); rate titles"
    ):
        read_export(tmp_path / "none.json")


def test_a_diary_alone_in_a_zip_is_read(tmp_path: Path) -> None:
    forms = catalogue.exports(tmp_path)
    path = pack(tmp_path / "x.zip", {"me/diary.csv": forms["letterboxd diary"].read_bytes()})
    assert same(read_export(path), read_export(forms["letterboxd diary"]))


@pytest.mark.parametrize("folder", ["", "./", "../", "my data\\", "a/b/c/"])
def test_programs_write_folders_in_several_ways(folder: str, tmp_path: Path) -> None:
    forms = catalogue.exports(tmp_path)
    ratings = forms["letterboxd ratings"].read_bytes()
    files = {f"{folder}ratings.csv": ratings}
    files[f"{folder}likes/ratings.csv"] = ratings
    later = {"Date": "2025-01-01", "Name": "Only Seen", "Year": 1999, "Rating": 1}
    files[f"{folder}diary.csv"] = w.table(w.DIARY, [later]).encode()
    export = read_export(pack(tmp_path / "x.zip", files))
    assert export.frame["title"].to_list()[0] == "Only Seen"
    assert len(export) == 5


@pytest.mark.parametrize("name", ["user", "User ID", "reviewer_id", "username"])
def test_a_table_of_several_users_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(f"{name},movie,rating\n1,2,3\n", "utf-8")
    with pytest.raises(InputError, match="a table of several users' ratings, no export of one"):
        read_export(path)


def test_a_locked_zip_says_so(tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"ratings.csv": b"x"})
    data = bytearray(path.read_bytes())
    for mark in (b"PK\3\4", b"PK\1\2"):
        place = data.index(mark) + (6 if mark == b"PK\3\4" else 8)
        data[place] |= 1
    path.write_bytes(data)
    with pytest.raises(
        InputError, match=r"is encrypted.*; unpack it, and give the file of ratings"
    ):
        read_export(path)


def test_archive_bombs_are_refused(tmp_path: Path) -> None:
    header = w.LETTERBOXD.encode() + b"\n"
    bomb = pack(tmp_path / "bomb.zip", {"ratings.csv": header + bytes(65 << 20)})
    nested = pack(tmp_path / "nested.zip", {"b.zip": bomb.read_bytes()})
    for path in (bomb, nested):
        with pytest.raises(InputError, match=r"ratings\.csv: over 64 MiB"):
            read_export(path)
    many = pack(tmp_path / "many.zip", {f"{n}.txt": b"" for n in range(10_001)})
    with pytest.raises(InputError, match="over 10,000 files; give the file of ratings"):
        read_export(many)


@pytest.mark.parametrize(
    ("text", "highest", "rating"),
    [
        ("3.5", 5, 3.5),
        ("3,5", 5, 3.5),
        ("10/10", 10, 10),
        ("3,5 / 5", 5, 3.5),
        ("★★★½", 5, 3.5),
        ("½", 5, 0.5),
        ("4½", 5, 4.5),
    ],
)
def test_ratings_as_people_write_them(text: str, highest: float, rating: float) -> None:
    assert rating_of(text, highest) == rating


@pytest.mark.parametrize(
    "text", ["", "7/5", "1e1", "-1", "1_0", "nan", "inf", "٣", "☆", "3.", "1,000.5"]
)
def test_texts_that_are_no_rating(text: str) -> None:
    assert rating_of(text, 10) != rating_of(text, 10)


def test_films_rated_twice_half_stars_and_days(tmp_path: Path) -> None:
    rows: list[w.Row] = [
        {"Date": "2.10.2026", "Name": "A", "Year": "1999.0", "Rating": "3,5"},
        {"Date": "2026-10-01 00:00:00", "Name": "A", "Year": "1999.0", "Rating": "1"},
        {"Date": "10/1/2026", "Name": "B", "Year": "", "Rating": "★★½"},
    ]
    export = read_export(w.write(tmp_path / "x.csv", w.LETTERBOXD, rows))
    known = pl.DataFrame({"title": ["A", "B"], "year": [1999, None], "rating": [3.5, 2.5]})
    assert export.frame.select("title", "year", "rating").rows() == known.rows()
    assert export.frame["at"].to_list() == [day("2026-10-02"), None]
    assert "without a time: 1 of 2 ratings; '10/1/2026' is not read as one" in export.notes
