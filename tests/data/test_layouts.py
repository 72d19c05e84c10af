import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ratecast import data, resources
from ratecast.data import layouts
from ratecast.data.delimited import DelimitedFile
from ratecast.data.edition_reader import read_folder
from ratecast.data.layouts import ML_1M_OCCUPATIONS, ML_100K_GENRES, Tables
from ratecast.errors import InputError
from tests.data import writers
from tests.data.writers import Film, Person, World

LATIN_1 = st.characters(max_codepoint=255, exclude_categories=["Cc"], exclude_characters="|():")
ANY = st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="():")
IDS = st.integers(1, 2**40)


@st.composite
def worlds(
    draw: st.DrawFn,
    letters: st.SearchStrategy[str],
    stars: list[float],
    occupations: list[str] | None = None,
) -> World:
    names = st.text(letters, min_size=1, max_size=20).map(str.strip).filter(bool)
    films = draw(
        st.lists(
            st.builds(
                Film,
                IDS,
                names,
                st.integers(1900, 2030) if occupations else st.none() | st.integers(1900, 2030),
                st.lists(st.sampled_from(ML_100K_GENRES), unique=True).map(
                    lambda chosen: sorted(chosen, key=ML_100K_GENRES.index)
                ),
            ),
            min_size=1,
            max_size=5,
            unique_by=lambda film: film.movie,
        )
    )
    pairs = st.tuples(IDS, st.sampled_from([film.movie for film in films]))
    rated = draw(st.lists(pairs, min_size=1, max_size=12, unique=True))
    rows = [
        (user, movie, draw(st.sampled_from(stars)), draw(st.integers(0, 2**33)))
        for user, movie in rated
    ]
    people = (
        [
            Person(user, draw(st.integers(1, 99)), draw(st.sampled_from("FM")), job, "0O1-3")
            for user in dict.fromkeys(user for user, _ in rated)
            for job in (draw(st.sampled_from(occupations)),)
        ]
        if occupations
        else []
    )
    return World(rows, films, people)


def read(write: Callable[[Path, World], None], world: World) -> Tables:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), world)
        found = layouts.find(Path(folder))
        assert found is not None
        layout, place = found
        return layout.read(place)


def same(tables: Tables, world: World) -> None:
    assert tables.ratings.rows() == world.rated
    assert dict(tables.ratings.schema) == layouts.RATING_COLUMNS
    assert tables.movies.rows() == [(f.movie, f.title, f.year, f.genres) for f in world.films]
    assert dict(tables.movies.schema) == {
        "movie": pl.Int64,
        "title": pl.String,
        "year": pl.Int32,
        "genres": pl.List(pl.String),
    }
    people = [(p.user, p.age, p.gender, p.occupation, p.zip) for p in world.people]
    assert tables.users.rows() == people
    assert not people or dict(tables.users.schema) == layouts.USER_COLUMNS


WHOLE = [1.0, 2.0, 3.0, 4.0, 5.0]
HALF = [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0]
JOBS = ["technician", "other", "writer"]


@settings(deadline=None, max_examples=40)
@given(worlds(LATIN_1, WHOLE, JOBS))
def test_ml_100k_is_read_as_written_in_both_its_layouts(world: World) -> None:
    same(read(writers.u_data, world), world)
    same(read(writers.recbole, world), world)


@settings(deadline=None, max_examples=40)
@given(worlds(LATIN_1, WHOLE, list(ML_1M_OCCUPATIONS)))
def test_ml_1m_is_read_as_written(world: World) -> None:
    same(read(writers.dat, world), world)


@settings(deadline=None, max_examples=40)
@given(worlds(ANY, HALF))
def test_ml_10m_is_read_as_written(world: World) -> None:
    same(read(writers.dat, world), world)


@settings(deadline=None, max_examples=40)
@given(worlds(ANY, HALF))
def test_csv_editions_are_read_as_written(world: World) -> None:
    same(read(writers.csvs, world), world)


SMALL = World(
    [(2, 10, 3.5, 90), (1, 10, 4.0, 100), (1, 20, 0.5, 100)],
    [Film(10, 'Good, the "Bad" and: Café', 1966, ["Western"]), Film(20, "Babylon 5")],
)


def test_year_is_the_last_in_brackets() -> None:
    titles = {
        "2001: A Space Odyssey (1968)": 1968,
        "Land Before Time III: The Time of the Great Giving (1995) (V)": 1995,
        "(500) Days of Summer (2009)": 2009,
        "Fawlty Towers (1975-1979)": 1975,
        "Big Bang Theory, The (2007-)": 2007,
        "Prisoner, The (1967\u20131968)": 1967,
        "Babylon 5": None,
        "Kolya (1996) ": 1996,
    }
    films = [Film(k, title) for k, title in enumerate(titles, 1)]
    tables = read(writers.csvs, World([(1, 1, 4.0, 1)], films))
    assert tables.movies["year"].to_list() == list(titles.values())
    assert tables.movies["title"][-1] == "Kolya (1996)"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1,30,4.0", "line 5: 3 fields, not 4"),
        ("1,30,4.0,5,6", "line 5: 5 fields, not 4"),
        ("1,30,four,5", "line 5: rating 'four' is not a number"),
        ("1,30,,5", "line 5: rating '' is not a number"),
        ("x,30,4.0,5", "line 5: userId 'x' is not an integer"),
        ("1,30.5,4.0,5", "line 5: movieId '30.5' is not an integer"),
        ("1,30,4.0,99999999999999999999", "line 5: timestamp .* is too large"),
        ("1,30,nan,5", "line 5: rating nan is not on the scale 0.5:5:0.5"),
        ("1,30,inf,5", "line 5: rating inf is not on the scale"),
        ("1,30,5.5,5", "line 5: rating 5.5 is not on the scale"),
        ("1,30,3.7,5", "line 5: rating 3.7 is not on the scale"),
        ('1,30,"4.0,5', "line 5: "),
    ],
)
def test_bad_row_is_refused_with_its_line(tmp_path: Path, line: str, what: str) -> None:
    writers.csvs(tmp_path, SMALL)
    with (tmp_path / "ratings.csv").open("a") as file:
        file.write(f"{line}\n1,40,3.0,7\n")
    with pytest.raises(InputError, match=rf"ratings\.csv, {what}"):
        data.load(tmp_path)


@pytest.mark.parametrize(
    ("write", "name", "line", "what"),
    [
        (writers.u_data, "u.data", "1\t30\t6\t5", "line 4: rating 6 is not on the scale 1:5:1"),
        (writers.u_data, "u.data", "1 30 4 5", "line 4: 1 fields, not 4"),
        (writers.u_data, "u.item", "30|x", "line 3: 2 fields, not 24"),
        (writers.recbole, "ml-100k.inter", "1\t30\tx\t5", "line 5: rating:float 'x'"),
        (writers.dat, "ratings.dat", "1::30::x::5", "line 4: rating 'x' is not a number"),
        (writers.dat, "ratings.dat", "1::30::4:5", "line 4: 3 fields, not 4"),
        (writers.dat, "movies.dat", "30::x", "line 3: 2 fields, not 3"),
        (writers.csvs, "movies.csv", "30,x,y,z", "line 4: 4 fields, not 3"),
    ],
)
def test_bad_row_of_each_layout(
    tmp_path: Path, write: Callable[[Path, World], None], name: str, line: str, what: str
) -> None:
    write(tmp_path, World([(1, 10, 4.0, 1), (1, 20, 3.0, 1), (2, 10, 3.0, 1)], SMALL.films))
    with (tmp_path / name).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=rf"{name}, {what}"):
        data.load(tmp_path)


def test_line_of_a_bad_row_counts_blank_lines_and_lines_in_quotes(tmp_path: Path) -> None:
    writers.csvs(tmp_path, SMALL)
    (tmp_path / "movies.csv").write_text('movieId,title,genres\n1,"a\nb",x\n\n2,c,x\nz,d,x\n')
    with pytest.raises(InputError, match=r"movies\.csv, line 6: movieId 'z'"):
        data.load(tmp_path)


@settings(deadline=None, max_examples=60)
@given(
    worlds(ANY, HALF),
    st.data(),
    st.sampled_from(["x,1,1,1", "1,1,1", "1,1,1,1,1", "1,1,nan,1", "1,1,9,1", ",,,", '1,"1,1,1']),
)
def test_the_bad_line_is_found_wherever_it_is(world: World, draw: st.DataObject, bad: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        writers.csvs(Path(name), world)
        path = Path(name) / "ratings.csv"
        lines = path.read_text().splitlines()
        at = draw.draw(st.integers(1, len(lines)))
        path.write_text("\n".join([*lines[:at], bad, *lines[at:]]))
        with pytest.raises(InputError, match=rf"ratings\.csv, line {at + 1}: "):
            read_folder(Path(name))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_marks_quotes_and_spaces_of_other_programs(tmp_path: Path, end: str) -> None:
    writers.csvs(tmp_path, SMALL)
    lines = ["\ufeffuserId,movieId,rating,timestamp", '"1","10","4.0","100"', "", " 2, 10,3.5,90"]
    (tmp_path / "ratings.csv").write_text(end.join(lines), newline="")
    assert data.load(tmp_path).frame.rows() == SMALL.rated[:2]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    writers.csvs(tmp_path, SMALL)
    with (tmp_path / "ratings.csv").open("a") as file:
        file.write("\n\n3,10,1.0,5\n\n")
    assert len(data.load(tmp_path)) == len(SMALL.rated) + 1


def test_text_in_another_encoding_is_refused(tmp_path: Path) -> None:
    writers.csvs(tmp_path, SMALL)
    with (tmp_path / "movies.csv").open("ab") as file:
        file.write(b"30,Caf\xe9,Drama\n")
    with pytest.raises(
        InputError, match=r"movies\.csv, line 4: title is not UTF-8; in latin-1 it is 'Café': save"
    ):
        data.load(tmp_path)


def test_missing_column_and_missing_file(tmp_path: Path) -> None:
    writers.csvs(tmp_path, SMALL)
    ratings = tmp_path / "ratings.csv"
    ratings.write_text(ratings.read_text().replace("rating,", "points,"))
    with pytest.raises(InputError, match=r"ratings\.csv, line 1: no column 'rating'"):
        data.load(tmp_path)
    (tmp_path / "movies.csv").unlink()
    with pytest.raises(InputError, match=r"ratings\.csv without movies\.csv"):
        data.load(tmp_path)


def test_unknown_occupation_code(tmp_path: Path) -> None:
    writers.dat(tmp_path, World(SMALL.rated[:1], SMALL.films, [Person(1, 25, "F", "writer", "1")]))
    with (tmp_path / "users.dat").open("a") as file:
        file.write("2::M::35::21::123\n")
    with pytest.raises(InputError, match=r"users\.dat, line 2: occupation"):
        data.load(tmp_path)


def test_repeated_rows_keep_the_latest_and_are_counted(tmp_path: Path) -> None:
    rated = [(1, 10, 1.0, 50), (2, 10, 2.0, 50), (1, 10, 5.0, 70), (1, 10, 3.0, 60)]
    rated += [(2, 10, 4.0, 50)]
    writers.csvs(tmp_path, World(rated, SMALL.films))
    said: list[str] = []
    table = data.load(tmp_path, notify=said.append)
    assert table.frame.rows() == [(2, 10, 4.0, 50), (1, 10, 5.0, 70)]
    assert len(said) == 1
    assert "3 duplicate rows" in said[0]


def test_rows_come_in_order_of_time_and_those_of_ml_100k_in_that_of_the_file(
    tmp_path: Path,
) -> None:
    rated = [(1, 10, 1.0, 50), (1, 20, 2.0, 50), (2, 10, 3.0, 40), (3, 10, 4.0, 50)]
    folders = {}
    for write in (writers.csvs, writers.dat, writers.u_data):
        folders[write] = tmp_path / write.__name__
        folders[write].mkdir()
        write(folders[write], World(rated, SMALL.films))
    for write in (writers.csvs, writers.dat):
        assert data.load(folders[write]).frame.rows() == [rated[2], *rated[:2], rated[3]]
    assert data.load(folders[writers.u_data]).frame.rows() == rated


def test_movies_of_the_same_title_are_one(tmp_path: Path) -> None:
    films = [Film(7, "Kolya", 1996), Film(3, "Kolya", 1996), Film(5, "Kolya", 1997)]
    rated = [(1, 7, 4.0, 1), (1, 3, 2.0, 1), (2, 5, 3.0, 2)]
    writers.u_data(tmp_path, World(rated, films))
    said: list[str] = []
    table = data.load(tmp_path, notify=said.append)
    assert table.frame["movie"].to_list() == [3, 3, 5]
    assert table.movies["movie"].to_list() == [3, 5]
    assert said == ["movie ids merged with another of the same title: 1"]
    (tmp_path / "later").mkdir()
    writers.csvs(tmp_path / "later", World(rated, films))
    assert read_folder(tmp_path / "later").ratings.frame["movie"].to_list() == [7, 3, 5]


def test_too_little_memory_is_said_before_the_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writers.csvs(tmp_path, SMALL)
    monkeypatch.setattr(resources, "available_memory", lambda: 10)
    monkeypatch.setattr(DelimitedFile, "read", None)
    with pytest.raises(InputError, match=r"needs about .* MB of memory, 0\.0 MB are available"):
        data.load(tmp_path)
