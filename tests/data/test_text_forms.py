"""What is recognised in a text is said; what is not is refused with a hint that works."""

import re
from pathlib import Path
from typing import Any

import pytest

from ratecast import data
from ratecast.data.separators import separator_of
from ratecast.errors import InputError
from ratecast.ratings import Ratings

HEADER = "user,item,rating,timestamp\n"
ROWS = "1,10,4.5,893091600\n2,10,3,893091601\n1,20,5,893091602\n"
TRUE = [(1, 10, 4.5, 893091600), (2, 10, 3.0, 893091601), (1, 20, 5.0, 893091602)]
# The layout of CiaoDVD: user, film, genre, review, rating, day.
SIX = "1,1,17,1,5,2000-07-12\n2,1,17,2,4,2000-07-12\n2,3,17,3,4.5,2000-07-13\n"
SIX_BY_NUMBER = "user=1,movie=2,rating=5,at=6"


def load(folder: Path, content: str | bytes, **options: Any) -> tuple[Ratings, list[str]]:
    path = folder / "t.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    notes: list[str] = []
    table = data.load(path, notify=notes.append, **options)
    forms = (note.removeprefix(f"{path}: ") for note in notes)
    return table, [note for note in forms if "--scale" not in note]


def test_columns_without_names_are_taken_in_the_usual_order_and_it_is_said(tmp_path: Path) -> None:
    table, notes = load(tmp_path, ROWS)
    assert table.frame.rows() == TRUE
    first = (
        "line 1 is read as a rating; if it has column names: --header yes (header=True in Python)"
    )
    names, otherwise = "columns without names are read as user, movie, rating", "else: --columns"
    assert notes == [first, f"{names}, at; {otherwise} (columns= in Python)"]
    table, notes = load(tmp_path, "1 10 4.5\r\n2 10 3\r\n", header=False)
    assert table.frame.rows() == [(1, 10, 4.5), (2, 10, 3.0)]
    assert notes == [f"{names}; {otherwise} (columns= in Python)"]


def test_columns_by_number(tmp_path: Path) -> None:
    table, notes = load(tmp_path, SIX, columns=SIX_BY_NUMBER)
    assert table.frame["movie"].to_list() == [1, 1, 3]
    assert table.frame["rating"].to_list() == [5, 4, 4.5]
    assert table.timed
    assert notes[1:] == ["columns not used: 3, 4"]
    # Of a table with names too.
    named = "at,n,who,film\n893091600,4.5,1,10\n893091601,3,2,10\n"
    table, _ = load(tmp_path, named, columns="user=3,movie=4,rating=2,at=1")
    assert table.frame.rows() == TRUE[:2]


def test_names_that_are_numbers(tmp_path: Path) -> None:
    line_1 = (
        "line 1 is read as column names; if it is a rating: --header no (header=False in Python)"
    )
    # As pandas writes a table that was read without names.
    numbered = f"0,1,2,3\n{ROWS}"
    for columns in ("user=0,movie=1,rating=2,at=3", "user=1,movie=2,rating=3,at=4"):
        table, notes = load(tmp_path, numbered, columns=columns)
        assert table.frame.rows() == TRUE
        assert notes == [line_1]
    with pytest.raises(InputError, match=r"user=NAME,movie=NAME,rating=NAME .*, or --header no"):
        load(tmp_path, numbered)
    table, _ = load(tmp_path, "0,1,2\n5,6,3\n", header=True, columns="user=0,movie=1,rating=2")
    assert table.frame.rows() == [(5, 6, 3.0)]


@pytest.mark.parametrize(
    ("content", "refused", "followed"),
    [
        (SIX, r"6 columns without names.*--columns user=1,movie=2,rating=3", SIX_BY_NUMBER),
        (SIX, r"6 columns without names.*", "user=1,movie=2,rating=3"),
        (
            "user,item,rating,rating\n1,10,4,9\n",
            "two columns are called 'rating'; rename one, or give one by --columns rating=3",
            "rating=3",
        ),
        ("user,item,rating,rating\n1,10,4,9\n", "two columns are called", "rating=rating (4)"),
        ("who,what,n\n1,10,4\n", "no column for user", "user=who,movie=what,rating=n"),
        ("who,what,n\n1,10,4\n", "by name or number", "user=1,movie=2,rating=3"),
    ],
)
def test_hints_of_columns_work(tmp_path: Path, content: str, refused: str, followed: str) -> None:
    with pytest.raises(InputError, match=refused):
        load(tmp_path, content)
    assert len(load(tmp_path, content, columns=followed)[0])


@pytest.mark.parametrize(
    ("content", "options", "refused", "followed"),
    [
        (ROWS, {"header": True}, "or --header no .* if line 1 is a rating", {"header": False}),
        (
            HEADER + ROWS,
            {"header": False},
            "line 1: rating 'rating' is not .* --header yes",
            {"header": True},
        ),
        ((HEADER + ROWS).encode("utf-16-le"), {}, "give --encoding utf-16-le", "utf-16-le"),
        ((HEADER + ROWS).encode("utf-16-be"), {}, "give --encoding utf-16-be", "utf-16-be"),
        (
            "user,item,rating\njosé,10,4\n".encode("latin-1"),
            {},
            r"line 2: user is not UTF-8; in latin-1 it is 'josé': .* give --encoding latin-1",
            "latin-1",
        ),
        (
            ROWS,
            {"separator": "tab"},
            "remove --separator, or give --separator ','",
            {"separator": ","},
        ),
        (ROWS, {"separator": "abc"}, "give one or two characters", {"separator": ","}),
        (HEADER + ROWS, {"encoding": "utf8mb4"}, "one such as utf-16, latin-1", "latin-1"),
        (HEADER + ROWS, {"encoding": "utf-16"}, "not utf-16 .*give another", "utf-8"),
        (
            "user,10,20,Heat\nann,4,,3\n",
            {},
            "no column for movie.*or --wide .* if each movie has a column",
            {"wide": True},
        ),
    ],
)
def test_hints_of_layout_work(
    tmp_path: Path, content: str | bytes, options: Any, refused: str, followed: Any
) -> None:
    with pytest.raises(InputError, match=refused):
        load(tmp_path, content, **options)
    if isinstance(followed, str):
        followed = {"encoding": followed}
    assert len(load(tmp_path, content, **followed)[0])


def test_one_column_for_two_roles_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'item' is for user and for movie; give another"):
        load(tmp_path, HEADER + ROWS, columns="user=item,movie=item")
    with pytest.raises(InputError, match="column '1' is for user and for movie"):
        load(tmp_path, SIX, columns="user=1,movie=1,rating=5")
    # What is given is recognised as something else beside.
    with pytest.raises(InputError, match="column 'item' is for user and for movie"):
        load(tmp_path, "item,rating\n1,2\n", columns="user=item")
    with pytest.raises(InputError, match=r"two columns are called 'date'; .* --columns at=4"):
        load(tmp_path, "user,item,rating,date,date\n1,2,3,2020-01-01,2020-01-02\n")


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    _, notes = load(tmp_path, ",user,item,rating,mood,text\n0,1,10,4,glad,\n1,2,10,3,sad,x\n")
    assert notes == ["columns not used: column 1, mood, text"]
    many = ",".join(f"x{k}" for k in range(40))
    _, notes = load(tmp_path, f"user,item,rating,{many}\n1,2,3{',0' * 40}\n")
    assert notes[0].endswith("x10, x11 and 28 more")


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("sep=;\nuser;item;rating\n1;10;4,5\n2;10;3\n", "line 1 is the separator"),
        ('"sep=|"\r\nuser|item|rating\r\n1|10|4.5\r\n2|10|3\r\n', "line 1 is the separator"),
        ("# by me\n\nuser,item,rating\n1,10,4.5\n2,10,3\n", "lines 1 to 2 are comment or blank"),
        ("# user item rating\n1 10 4.5\n2 10 3\n", "column names in it are user, item, rating"),
        ("user;item;rating\n1;10;4,5\n2;10;3\n", "numbers such as 3,5 have a decimal comma"),
        ('user,item,rating\n1,10,"4,5"\n2,10,3\n', "numbers such as 3,5 have a decimal comma"),
        ('"user" "item" "rating"\n"1" 1 10 4.5\n"2" 2 10 3\n', "columns not used: column 1"),
    ],
)
def test_what_is_recognised_is_said(tmp_path: Path, content: str, note: str) -> None:
    table, notes = load(tmp_path, content)
    assert table.frame.rows() == [(1, 10, 4.5), (2, 10, 3.0)]
    assert note in " ".join(notes)


def test_lines_of_bad_rows_after_lines_that_are_no_rows(tmp_path: Path) -> None:
    for before in ("sep=,\n", "# a\n# b\n", "\n\n\n"):
        line = before.count("\n") + 3
        with pytest.raises(InputError, match=rf"t\.csv, line {line}: rating 'x' is not a number"):
            load(tmp_path, f"{before}user,item,rating\n1,10,4\n2,10,x\n")
    for content in (
        "user item rating\n1   10 4\n2   10 x\n",
        "user::item::rating\n1::10::4\n2::10::x",
    ):
        with pytest.raises(InputError, match=r"t\.csv, line 3: rating 'x' is not a number"):
            load(tmp_path, content)
    with pytest.raises(InputError, match=r"t\.csv, line 3: 4 fields, not 3"):
        load(tmp_path, "user::item::rating\n1::10::4\n2::10::4::1")


def test_a_separator_within_quotes_is_none(tmp_path: Path) -> None:
    for separator in ("::", ";", "  "):
        rows = (("user", "item", "rating"), ("ann", f'"a{separator}b"', "4"), ("bob", '"c"', "3"))
        content = "\n".join(separator.join(row) for row in rows)
        table, _ = load(tmp_path, content, separator="space" if separator == "  " else separator)
        assert table.frame.rows() == [("ann", f"a{separator}b", 4.0), ("bob", "c", 3.0)]


@pytest.mark.parametrize(
    ("lines", "separator"),
    [
        (["1;10;3,5", "2;20;4,5"], ";"),
        (["Toy Story, The\t4\tann lee", "Heat\t5\tbob"], "\t"),
        (["user id,movie name,stars", "1,The Fly,4", "2,Heat,3"], ","),
        (["2020-01-01 10:00:00|1|2|3", "2020-01-02 10:00:00|1|3|4"], "|"),
        (["1::10::4", "2::10::4"], "::"),
        (["1 10 4", "2 10 4"], " "),
    ],
)
def test_separators(lines: list[str], separator: str) -> None:
    assert separator_of(lines) == separator


def test_an_empty_text_and_one_without_rows(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: empty; write the column names"):
        load(tmp_path, "\n\n")
    with pytest.raises(InputError, match="no ratings; give a table with rows"):
        load(tmp_path, HEADER)
    assert load(tmp_path, "1,10,4\n")[0].frame.rows() == [(1, 10, 4.0)]


def test_a_file_name_is_no_pattern(tmp_path: Path) -> None:
    for name, stars in (("r1.csv", 5), ("r[1].csv", 2)):
        (tmp_path / name).write_text(f"user,item,rating\n1,10,{stars}\n2,10,{stars}\n")
    assert data.load(tmp_path / "r[1].csv").frame["rating"].to_list() == [2, 2]
    assert data.load(tmp_path / "r[1].csv", glob=True).frame["rating"].to_list() == [5, 5]
    with pytest.raises(InputError, match=re.escape("x*.csv: no file of this pattern")):
        data.load(tmp_path / "x*.csv", glob=True)
    with pytest.raises(InputError, match=r"r\*\.csv: no such file"):
        data.load(tmp_path / "r*.csv")


def test_fields_longer_than_the_sample(tmp_path: Path) -> None:
    for length in (200_000, 400_000):
        rows = "".join(f'{k},10,4,"{"x" * length}"\n' for k in range(3))
        assert len(load(tmp_path, "user,item,rating,review\n" + rows)[0]) == 3


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ('user,movie,rating\n1,"a,3\n2,b,4\n3,c,5\n', 2, "a quote is not closed"),
        ('user,movie,rating\n1,"a\nb",3\n2,"b,4\n3,c,5\n', 4, "a quote is not closed"),
        ('user,rating,movie\n1,3,a\n2,4,"b\n3,5,c\n', 3, "a quote is not closed"),
        ('user,rating,movie\n1,3,a\n2,4,"b" c\n3,5,c\n', 3, "a quote is within a field"),
        ('user,"rating,movie\n1,3,a\n', 1, "a quote is not closed"),
        ('user,movie,rating\n1,"a""x",3\n2,b\n', 3, "2 fields, not 3"),
    ],
)
def test_the_line_of_a_wrong_quote_is_named(
    tmp_path: Path, content: str, line: int, what: str
) -> None:
    with pytest.raises(InputError, match=rf"t\.csv, line {line}: {what}"):
        load(tmp_path, content)


@pytest.mark.parametrize(
    ("content", "line", "encoding"),
    [
        ("user,movie,rating\n1,Amélie,3\n2,b,4\n", 2, "latin-1"),
        ("user,movie,rating\n1,a,3\n2,5 € é,4\n", 3, "cp1252"),
        ("usér;item;rating\n1;2;3\n", 1, "latin-1"),
    ],
)
def test_the_encoding_that_is_suggested_works(
    tmp_path: Path, content: str, line: int, encoding: str
) -> None:
    columns = "user=usér" if "usér" in content else None
    with pytest.raises(InputError) as refused:
        load(tmp_path, content.encode(encoding))
    assert f"line {line}: " in str(refused.value)
    assert f"give --encoding {encoding} (encoding= in Python)" in str(refused.value)
    assert "\\udc" not in repr(str(refused.value))
    table, _ = load(tmp_path, content.encode(encoding), encoding=encoding, columns=columns)
    expected, _ = load(tmp_path, content, columns=columns)
    assert table.frame.equals(expected.frame)


def test_a_form_of_times_without_times_is_refused(tmp_path: Path) -> None:
    content = "user,movie,rating,seen\n1,2,3,20.9.1997\n"
    with pytest.raises(InputError, match=r"--time-format is given.*--columns at=NAME"):
        load(tmp_path, content, time_format="%d.%m.%Y")
    table, _ = load(tmp_path, content, time_format="%d.%m.%Y", columns="at=seen")
    assert table.frame.rows() == [(1, 2, 3.0, 874713600)]
    assert not load(tmp_path, content, time_format="%d.%m.%Y", no_time=True)[0].timed


def test_one_is_one_row(tmp_path: Path) -> None:
    _, notes = load(tmp_path, "user,movie,rating\n1,1,4\n1,1,4\n1,2,0\n", missing=0)
    assert any(note.startswith("1 duplicate row; the latest") for note in notes)
    assert any(note.startswith("1 row rated 0 left out") for note in notes)


@pytest.mark.parametrize("separator", ["|", ",", ";", "::"])
@pytest.mark.parametrize("header", ["user {0} item {0} rating\n", ""])
def test_blanks_around_a_separator_are_none(tmp_path: Path, separator: str, header: str) -> None:
    rows = "1 {0} 1 {0} 4\n1 {0} 2 {0} 3.5\n2 {0} 1 {0} 5\n"
    table, notes = load(tmp_path, (header + rows).format(separator))
    assert table.frame.rows() == [(1, 1, 4.0), (1, 2, 3.5), (2, 1, 5.0)]
    assert not any("not used" in note for note in notes)
