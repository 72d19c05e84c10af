"""A table in parts is there whole or not at all, and goes on where it was stopped."""

import json
from pathlib import Path

import polars as pl
import pytest

from ratecast.artifact import Artifact, write
from ratecast.data import load_table
from ratecast.errors import InputError
from ratecast.parted_table import (
    BEGUN,
    LOCK,
    MANIFEST,
    check_free,
    is_folder_name,
    is_parted,
    opened,
    part_name,
    read_parts,
    write_part,
)

ABOUT = {"table": "lists", "n": 3, "users": "a"}
NAMES = [part_name(number) for number in range(3)]


def rows(number: int) -> pl.DataFrame:
    return pl.DataFrame({"user": [number] * 4, "stars": [number + k / 8 for k in range(4)]})


def make(folder: Path, names: list[str] = NAMES, *, finish: bool = True) -> list[str]:
    """Make the parts that are not there; which these were."""
    with opened(folder, ABOUT) as table:
        parts, made = dict(table.kept), []
        for name in names:
            if name not in parts:
                parts[name] = write_part(folder, name, rows(NAMES.index(name)), {"k": [1.5]})
                made.append(name)
        if finish:
            table.finish([parts[name] for name in NAMES])
    return made


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        file.name: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in folder.iterdir()
        if file.name != LOCK
    }


def test_parts_are_read_in_their_order_and_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "lists"
    assert make(folder) == NAMES
    assert read_parts(folder).collect().equals(pl.concat([rows(k) for k in range(3)]))
    before = content(folder)
    assert sorted(before) == [MANIFEST, *NAMES]
    manifest = json.loads((folder / MANIFEST).read_text())
    assert manifest["rows"] == 12
    assert manifest["made_from"] == ABOUT
    assert [part["notes"] for part in manifest["parts"]] == [{"k": [1.5]}] * 3
    assert make(folder) == []
    assert content(folder) == before


def test_a_stopped_table_is_refused_and_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "lists"
    make(folder, NAMES[:2], finish=False)
    (folder / f".{NAMES[2]}-x.tmp").write_bytes(b"half")
    # A part without facts, as of a writer that was killed between the two.
    (folder / NAMES[2]).write_bytes(b"half")
    assert is_parted(folder)
    with pytest.raises(InputError, match="lists: is not complete; give the command that began it"):
        read_parts(folder)
    (folder / NAMES[0]).write_bytes((folder / NAMES[0]).read_bytes()[:-1] + b"x")
    assert make(folder) == [NAMES[0], NAMES[2]]
    other = tmp_path / "other"
    make(other)
    assert {name: one for name, (one, _) in content(folder).items()} == {
        name: one for name, (one, _) in content(other).items()
    }


@pytest.mark.parametrize("fault", ["is missing", "bytes and not", "has changed"])
def test_a_damaged_part_is_named_and_made_anew(fault: str, tmp_path: Path) -> None:
    make(tmp_path)
    part, before = tmp_path / NAMES[1], content(tmp_path)
    whole = part.read_bytes()
    if fault == "is missing":
        part.unlink()
    else:
        part.write_bytes(whole[:-2] if fault == "bytes and not" else whole[:-1] + b"x")
    with pytest.raises(InputError, match=f"{NAMES[1]}: .*{fault}.*which makes this part anew"):
        read_parts(tmp_path)
    assert make(tmp_path) == [NAMES[1]]
    after = content(tmp_path)
    assert after[NAMES[1]][0] == whole
    assert {name: after[name] for name in NAMES[::2]} == {name: before[name] for name in NAMES[::2]}
    read_parts(tmp_path)


@pytest.mark.parametrize("finish", [True, False])
def test_parts_of_another_call_are_not_mixed(finish: bool, tmp_path: Path) -> None:
    make(tmp_path, finish=finish)
    before = content(tmp_path)
    words = "is of another call: n is 3 there and 4 here; the users differ; give another folder"
    with (
        pytest.raises(InputError, match=words),
        opened(tmp_path, ABOUT | {"n": 4, "users": "b"}),
    ):
        raise AssertionError
    assert content(tmp_path) == before


def test_one_call_at_a_time_writes_a_folder(tmp_path: Path) -> None:
    with (
        opened(tmp_path, ABOUT),
        pytest.raises(InputError, match="another command writes there"),
        opened(tmp_path, ABOUT),
    ):
        raise AssertionError


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("a")
    with pytest.raises(InputError, match=r"has other files, as mine\.csv; give a new folder"):
        check_free(tmp_path)
    write(tmp_path / "model", Artifact({}, {}, {}))
    for folder, named in ((tmp_path / "model", "arrays"), (tmp_path, "mine")):
        with pytest.raises(InputError, match=f"has other files, as {named}"):
            make(folder)
        with pytest.raises(InputError, match=r"no manifest\.json of a table in parts; give a"):
            read_parts(folder)
    assert not is_parted(tmp_path / "model")
    with pytest.raises(InputError, match="is a file"):
        make(tmp_path / "mine.csv")


def test_nothing_is_left_of_a_call_that_could_not_begin(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        with opened(folder, ABOUT):
            raise InputError("no workers")

    (tmp_path / "there").mkdir()
    for name in ("there", "new"):
        with pytest.raises(InputError, match="no workers"):
            fail(tmp_path / name)
    assert not (tmp_path / "new").exists()
    make(tmp_path / "there", NAMES[:1], finish=False)
    with pytest.raises(InputError, match="no workers"):
        fail(tmp_path / "there")
    assert {BEGUN, NAMES[0]} < set(content(tmp_path / "there"))


def test_a_full_disk_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"part-00000\.parquet: cannot be written .*; make room"):
        write_part(tmp_path / "none", NAMES[0], rows(0), {})


def test_no_table_of_ratings_is_made_of_it(tmp_path: Path) -> None:
    make(tmp_path / "lists")
    with pytest.raises(InputError, match="lists: has lists or forecasts that ratecast wrote"):
        load_table(tmp_path / "lists")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("lists", True), ("a.b/lists", True), ("-", False), ("x.csv", False), ("x.csv.gz", False)],
)
def test_a_name_without_an_ending_is_a_folder(name: str, expected: bool) -> None:
    assert is_folder_name(Path(name)) == expected


def test_a_folder_that_is_there_is_one(tmp_path: Path) -> None:
    (tmp_path / "lists.v2").mkdir()
    assert is_folder_name(tmp_path / "lists.v2")
    assert not is_folder_name(tmp_path / "lists.v3")
