from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast import data
from ratecast.errors import InputError
from ratecast.ids import id_of
from ratecast.ratings import Ratings, Scale

ROWS = [(1, 10, 5.0, 880000000), (2, 10, 3.0, 880000001), (1, 20, 0.5, 880000002)]


def written(path: Path, header: str, *rows: str) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def quiet(source: Path, **options: object) -> tuple[Ratings, list[str]]:
    said: list[str] = []
    return data.load(source, notify=said.append, **options), said  # type: ignore[arg-type]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize(
    "names",
    [
        ("user", "item", "rating", "timestamp"),
        ("user_id", "movie_id", "stars", "time"),
        ("userId", "movieId", "rating", "timestamp"),
        ("User ID", "Movie", "Score", "Date"),
        ("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
    ],
)
def test_columns_are_recognised(tmp_path: Path, names: tuple[str, ...], separator: str) -> None:
    rows = [separator.join(map(str, row)) for row in ROWS]
    path = written(tmp_path / "own.csv", separator.join(names), *rows)
    table, said = quiet(path)
    assert table.frame.rows() == ROWS
    assert str(table.scale) == "0.5:5:0.5"
    assert said == []


def test_columns_are_named_and_the_scale_is_given(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "who,what,n,x,rating", "a,b,3,,9", "b,b,2,,9")
    columns = {"user": "who", "movie": "what", "rating": "n"}
    table = data.load(path, columns=columns, scale=Scale(1, 5))
    assert table.frame.rows() == [("a", "b", 3.0), ("b", "b", 2.0)]
    assert not table.timed
    assert table.scale == Scale(1, 5)


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"user": "nobody"}, "no column 'nobody'"),
        ({"cinema": "user"}, "unknown role 'cinema'; roles are user, movie, "),
        ({"time": "when"}, "unknown role 'time'; did you mean at=when"),
        ({}, "no column for rating; columns are user, item, points; give --columns rating=NAME"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, columns: dict[str, str], what: str) -> None:
    path = written(tmp_path / "own.csv", "user,item,points", "1,2,3")
    with pytest.raises(InputError, match=what):
        data.load(path, columns=columns)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1,30,4.0,", "line 4: no at; fill it in or remove the row, or leave the times out by"),
        ("1,30,4.0", "line 4: 3 fields, not 4"),
        ("1,30,4.0,5,6", "line 4: 5 fields, not 4"),
        ("1,30,four,5", "line 4: rating 'four' is not a number"),
        ("1,30,nan,5", "line 4: no rating; fill it in, or leave out such rows by --missing=NA"),
        ("1,30,4.0,later", "line 4: time 'later' cannot be read where most are numbers"),
        (",30,4.0,5", "line 4: no user; fill it"),
    ],
)
def test_bad_rows_are_refused_with_their_line(tmp_path: Path, line: str, what: str) -> None:
    path = written(
        tmp_path / "own.csv", "user,item,rating,at", "1,10,4.5,5", "1,20,3.5,5", line, "2,2,2,2"
    )
    with pytest.raises(InputError, match=rf"own\.csv, {what}"):
        data.load(path)


def test_off_the_given_scale(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "user,item,rating", "1,1,3", "", "1,2,7")
    with pytest.raises(InputError, match=r"own\.csv, line 4: rating 7 is not on the scale 1:5:1"):
        data.load(path, scale=Scale(1, 5))
    pl.DataFrame({"user": [1], "item": [1], "rating": [9]}).write_parquet(tmp_path / "own.parquet")
    with pytest.raises(InputError, match=r"own\.parquet, row 1: rating 9 is not on the scale"):
        data.load(tmp_path / "own.parquet", scale=Scale(1, 5))


def test_empty_files(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("")
    with pytest.raises(InputError, match="line 1: empty"):
        data.load(tmp_path / "own.csv")
    with pytest.raises(InputError, match="no ratings; give"):
        data.load(written(tmp_path / "own.csv", "user,item,rating"))


def test_ids_that_only_look_like_numbers_stay_apart(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "user,item,rating", "007,1,3", "7,1,4", "8,x9,4")
    table, _ = quiet(path)
    assert table.frame["user"].to_list() == ["007", "7", "8"]
    assert table.frame["movie"].to_list() == ["1", "1", "x9"]


def test_text_far_down_among_whole_ids_makes_all_text_and_is_said(tmp_path: Path) -> None:
    rows = [f"{k},1,1" for k in range(1500)]
    path = written(tmp_path / "own.csv", "user,item,rating", *rows, "tom,1,4")
    table, said = quiet(path)
    assert table.frame["user"][-1] == "tom"
    assert table.frame["user"].dtype == pl.String
    assert len(said) == 1
    assert (
        "line 1502: user 'tom' is not a plain whole number; the user ids are read as text"
        in said[0]
    )


def test_repeated_rows_keep_the_latest_and_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "user,item,rating", "a,x,1", "a,y,2", "a,x,3")
    table, said = quiet(path)
    assert table.frame.rows() == [("a", "y", 2.0), ("a", "x", 3.0)]
    assert "1 duplicate row;" in said[0]


def test_a_choice_between_columns_is_said(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "user,movie,item,rating", "1,2,3,1", "1,3,3,5")
    table, said = quiet(path)
    assert table.frame["movie"].to_list() == [2, 3]
    assert said == [f"{path}: movie is taken from column movie, not item"]
    assert quiet(path, columns={"movie": "item"})[0].frame["movie"].to_list() == [3]


def test_titles_and_genres_come_along(tmp_path: Path) -> None:
    path = written(
        tmp_path / "own.csv",
        "user,movieId,rating,title,genres",
        '1,5,3,"Good, the ""Bad"" (1966)",Western|Drama',
        "2,5,4,ignored,",
        "2,6,4,Babylon 5,(no genres listed)",
    )
    table, _ = quiet(path)
    assert table.movies.rows() == [
        (5, 'Good, the "Bad" (1966)', 1966, ["Western", "Drama"]),
        (6, "Babylon 5", None, []),
    ]


def test_a_title_stands_for_the_movie_where_there_is_no_id(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "user,title,rating", "1,Kolya (1996),3", "1,Heat,5")
    table, _ = quiet(path)
    assert table.frame["movie"].to_list() == ["Kolya (1996)", "Heat"]
    assert table.movies["year"].to_list() == [1996, None]


MOMENT = 893091600  # 1998-04-20T17:00:00Z


@pytest.mark.parametrize("place", ["UTC", "America/New_York", "Asia/Kolkata"])
@pytest.mark.parametrize(
    ("text", "note"),
    [
        (f"{MOMENT}", None),
        (f"{MOMENT}.75", None),
        (f"{MOMENT}123", "milliseconds"),
        (f"{MOMENT}123.5", "milliseconds"),
        (f"{MOMENT}123456", "microseconds"),
        (f"{MOMENT}123456789", "nanoseconds"),
        ("1998-04-20T17:00:00Z", None),
        ("1998-04-20 17:00:00", None),
        ("1998-04-20 17:00", None),
        ("1998-04-20T17:00:00.999", None),
        ("1998-04-20T22:30:00+05:30", None),
        ("1998-04-20 12:00:00-0500", None),
    ],
)
def test_times_are_utc_seconds_in_every_zone(
    tmp_path: Path, zone: Callable[[str], None], place: str, text: str, note: str | None
) -> None:
    zone(place)
    path = written(tmp_path / "own.csv", "user,item,rating,time", f"1,1,1,{text}", f"1,2,4,{text}")
    table, said = quiet(path)
    assert table.at.tolist() == [MOMENT, MOMENT]
    assert [line.split()[-3] for line in said] == ([note] if note else [])


@pytest.mark.parametrize("text", ["20/04/1998", "1998-13-40", "soon", "1998-04-20T17:00:00 CET"])
def test_times_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    path = written(
        tmp_path / "own.csv", "user,item,rating,time", "1,1,3,1998-04-20", f"1,2,3,{text}"
    )
    with pytest.raises(InputError, match=rf"own\.csv, line 3: time '{text}' cannot be read"):
        data.load(path)


def test_parquet_with_datetimes(tmp_path: Path, zone: Callable[[str], None]) -> None:
    zone("America/New_York")
    naive = datetime(1998, 4, 20, 17)
    there = pl.Series([datetime(1998, 4, 20, 17, tzinfo=UTC)]).dt.convert_time_zone("Asia/Tokyo")
    base = pl.DataFrame({"user": ["a"], "item": [1.0], "stars": [3]})
    for times in (pl.Series([naive]), there, there.dt.cast_time_unit("ns")):
        path = tmp_path / "own.parquet"
        base.with_columns(time=times).write_parquet(path)
        table = data.load(path)
        assert table.frame.rows() == [("a", 1, 3.0, MOMENT)]


def test_parquet_that_lacks_a_value(tmp_path: Path) -> None:
    path = tmp_path / "own.parquet"
    pl.DataFrame({"user": [1, None], "item": [1, 2], "rating": [3, 4]}).write_parquet(path)
    with pytest.raises(InputError, match=r"own\.parquet, row 2: no user"):
        data.load(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"own\.parquet: cannot be read"):
        data.load(path)


STARS = st.sampled_from([0.5, 1.0, 2.5, 3.0, 5.0])
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text == text.strip() and not text.isdigit()
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        # Numbers below could be years, or dates such as 20240115.
        st.tuples(TEXT, st.integers(-(2**50), 2**50), STARS, st.integers(10**8, 2**34)),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[:2],
    )
)
def test_csv_and_parquet_are_read_as_written(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float, int]]
) -> None:
    folder = tmp_path_factory.mktemp("own")
    frame = pl.DataFrame(rows, ["user", "movie", "rating", "at"], orient="row")
    frame.write_csv(folder / "a.csv", quote_style="non_numeric")
    frame.write_parquet(folder / "a.parquet")
    given = {"scale": Scale(0.5, 5, 0.5)}
    read = [quiet(folder / name, **given)[0].frame for name in ("a.csv", "a.parquet")]
    assert read[0].rows() == read[1].rows()
    users = read[0].with_columns(pl.col("user").cast(pl.String))
    assert users.rows() == [(str(id_of(row[0], True, "user")), *row[1:]) for row in rows]


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ('"User-ID";"ISBN";"Book-Rating"', "User-ID ISBN Book-Rating"),
        ("user_id,book_id,rating", "user_id book_id rating"),
        ("user_id,anime_id,rating", "user_id anime_id rating"),
        ("username,anime_id,my_score", "username anime_id my_score"),
        ("userid,game_id,score", "userid game_id score"),
        ("CustomerID,StockCode,Score", "CustomerID StockCode Score"),
        ("reviewerID,asin,overall,unixReviewTime", "reviewerID asin overall unixReviewTime"),
        ("rating,asin,parent_asin,user_id,timestamp", "user_id parent_asin rating timestamp"),
        ("review_id,user_id,business_id,stars,date", "user_id business_id stars date"),
        ("user_id,recipe_id,date,rating,review", "user_id recipe_id rating date"),
        ("user,movie,rating,when", "user movie rating when"),
        ("user,movie,rating,date_added", "user movie rating date_added"),
        ("user,movie,Date Rated,rating", "user movie rating Date Rated"),
    ],
)
def test_columns_of_public_tables_are_recognised(tmp_path: Path, header: str, chosen: str) -> None:
    separator = ";" if ";" in header else ","
    names = [name.strip('"') for name in header.split(separator)]
    times = ("date", "when", "date_added", "Date Rated")
    rows = [
        [str(k + row) if name not in times else f"2020-01-0{row}" for k, name in enumerate(names)]
        for row in (1, 2, 3)
    ]
    path = written(tmp_path / "own.csv", header, *(separator.join(row) for row in rows))
    frame = data.load(path, notify=lambda _: None).frame
    roles, rest = ["user", "movie", "rating"], chosen
    for role in roles:
        name = next(name for name in names if rest.startswith(name))
        rest = rest.removeprefix(name).strip()
        assert frame[role].to_list() == [float(row[names.index(name)]) for row in rows]
    assert ("at" in frame.columns) == bool(rest)


def test_all_roles_that_lack_a_column_are_named_ready_to_paste(tmp_path: Path) -> None:
    path = written(tmp_path / "own.csv", "who,what,rating,n", "1,2,3,4", "2,3,4,5")
    with pytest.raises(InputError) as refused:
        data.load(path, columns={"at": "n"})
    given = "give --columns at=n,user=NAME,movie=NAME (columns= in Python), by name or number"
    assert f"no column for user and movie; columns are who, what, rating, n; {given}" in str(
        refused.value
    )
    followed = data.load(path, columns="at=n,user=who,movie=what", notify=lambda _: None)
    assert followed.frame.rows() == [(1, 2, 3.0, 4), (2, 3, 4.0, 5)]


@pytest.mark.parametrize(
    "options", [{"columns": 5}, {"encoding": 5}, {"separator": 5}, {"time_format": 5}]
)
def test_an_option_of_a_wrong_type_is_refused_in_one_line(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    path = written(tmp_path / "own.csv", "user,movie,rating", "1,2,3")
    with pytest.raises(InputError, match=f"{next(iter(options))}: 5 is int; give text"):
        data.load(path, **options)
