"""A path is a name, never a pattern, wherever one enters."""

import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ratecast as rc
from ratecast.cli import main
from ratecast.data import canonical
from ratecast.data.expand import expand
from ratecast.errors import InputError
from ratecast.serving.private_files import private_home
from ratecast.serving.server import Settings
from ratecast.serving.store.database import Store

OWN, OTHER = [(1, 2, 3.0), (2, 1, 4.0)], [(8, 9, 1.0), (9, 8, 2.0)]
# A pattern, and the name of a file that it matches besides itself.
NAMES = {"r[1]": "r1", "r*": "rx", "r?": "r1", "{a,b}": "a", "r#?q=1": "r", "r%31": "r1"}


def frame(rows: list[tuple[int, int, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["user", "movie", "rating"], orient="row")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("write", [pl.DataFrame.write_csv, pl.DataFrame.write_parquet])
def test_a_file_of_ratings(tmp_path: Path, name: str, write: object) -> None:
    for stem, rows in ((name, OWN), (NAMES[name], OTHER)):
        write(frame(rows), tmp_path / f"{stem}.table")  # type: ignore[operator]
    assert rc.load(tmp_path / f"{name}.table").frame.rows() == OWN


@pytest.mark.parametrize("name", NAMES)
def test_a_pattern_that_names_no_file_is_refused(tmp_path: Path, name: str) -> None:
    frame(OTHER).write_csv(tmp_path / f"{NAMES[name]}.csv")
    with pytest.raises(InputError, match="no such file"):
        rc.load(tmp_path / f"{name}.csv")


@pytest.mark.parametrize("name", NAMES)
def test_folders_of_data_and_artifacts(tmp_path: Path, name: str) -> None:
    for stem, rows in ((name, OWN), (NAMES[name], OTHER)):
        work = tmp_path / f"work-{len(stem)}-{rows[0][0]}"
        work.mkdir()
        ratings = rc.load(frame(rows), scale="1:5:1")
        canonical.write(tmp_path / stem / "data", ratings, {"rows": 2}, work)
        rc.Bias().fit(ratings).save(tmp_path / stem / "artifact")
    folder = tmp_path / name
    assert rc.load(folder / "data").frame.rows() == OWN
    assert canonical.scan(folder / "data").collect().rows() == OWN
    assert rc.load_model(folder / "artifact").users.table["user"].to_list() == [1, 2]


@pytest.mark.parametrize("name", NAMES)
def test_every_path_of_the_command_line(
    tmp_path: Path,
    name: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RATECAST_HOME", str(tmp_path / name / "home"))
    folder = tmp_path / name
    folder.mkdir()
    table, config, users = folder / "t.csv", folder / "c.yaml", folder / "users.txt"
    ratings = rc.load(rc.example_ratings(rows=100).frame, notify=lambda _: None)
    ratings.frame.write_csv(table)
    # What a pattern would read in place of the table.
    (tmp_path / NAMES[name]).mkdir()
    frame(OTHER).write_csv(tmp_path / NAMES[name] / "t.csv")
    config.write_text(f"model: {{name: bias}}\ndata: {json.dumps(str(table))}\n")
    users.write_text("1\n2\n")

    def run(*words: object) -> dict[str, object]:
        assert main([*map(str, words), "--json"]) == 0
        document: dict[str, object] = json.loads(capsys.readouterr().out)
        return document

    assert run("data", "describe", table)["rows"] == len(ratings)
    artifact = run("train", config, f"--out={folder / 'runs'}")["artifact"]
    rows = run(
        *("recommend", "--artifact", artifact, "--out", folder / "top.parquet"),
        *("--data", table, "--users", users, "--n", 3),
    )["rows"]
    assert rows == 6
    assert run("publish", artifact, "--home", folder / "service")["published"]
    assert run("refit", "--model", "bias", "--data", table, "--home", folder / "service")
    assert (folder / "service" / "ratings.db").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_store_lies_in_the_home(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    private_home(home)
    Store(Settings(home).url).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (home / "ratings.db").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_generated_table_sweeps_only_its_own_rests(tmp_path: Path, name: str) -> None:
    # A process number beyond those of Linux.
    rest, other = (tmp_path / f".{n}-unfinished-99999999-x" for n in (name, NAMES[name]))
    rest.mkdir()
    other.mkdir()
    expand(rc.example_ratings(), 2000, tmp_path / name, seed=0, form="parquet", name="example")
    assert not rest.exists()
    assert other.exists()
    assert len(rc.load(tmp_path / name)) == 2000


@settings(max_examples=60, deadline=None, derandomize=True)
@given(columns=st.permutations(["user", "movie", "rating", "at"]), data=st.data())
def test_one_column_has_one_role(columns: list[str], data: st.DataObject) -> None:
    table = pl.DataFrame({name: [1, 2] for name in columns})
    given_roles = {
        role: data.draw(st.sampled_from(columns))
        for role in data.draw(st.sets(st.sampled_from(columns), min_size=1))
    }
    chosen = {name: name for name in columns} | given_roles
    if len(set(chosen.values())) == 4:
        assert rc.load(table, columns=given_roles).frame.height == 2
    else:
        with pytest.raises(InputError, match=r"column '\w+' is for \w+ and for \w+; give another"):
            rc.load(table, columns=given_roles)


def test_a_name_that_two_columns_have(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("user,movie,rating,rating\n1,2,3,4\n")
    with pytest.raises(InputError, match=r"two columns are called 'rating'; rename one"):
        rc.load(path)
    path.write_text("user,movie,rating,x,x\n1,2,3,4,4\n2,2,4,4,4\n")
    assert len(rc.load(path)) == 2
    with pytest.raises(InputError, match="has a role twice"):
        rc.load(path, columns="user=user,user=x")
